"""The pace: rates as people write them, and a meter that keeps to them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.timing.budget import Budget
from outreach.timing.pace import AHEAD, CATCH_UP, PLENTY, Limit, Meter, Rate


@pytest.mark.parametrize(
    ("text", "per_second"), [("50/s", 50), ("3000/m", 50), ("7200/h", 2), ("86400/d", 1), (" 10 / Second", 10)]
)
def test_a_rate_is_written_per_unit_of_time(text: str, per_second: float) -> None:
    assert Rate.parse(text).per_second == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/week", "fast"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="50/s"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("text", "spread", "budgets"),
    [
        ("10000/h", 10000 / 3600, []),
        ("50/s, 10000/d", 50, [10000]),
        ("20000/d,600/m,50/s", 50, [600, 20000]),
    ],
)
def test_the_finest_rate_spreads_and_coarser_ones_are_budgets(text: str, spread: float, budgets: list[int]) -> None:
    limit = Limit.parse(text)
    assert limit.spread.per_second == pytest.approx(spread)
    assert [rate.count for rate in limit.budgets] == budgets
    assert Limit.parse(str(limit)) == limit


@pytest.mark.parametrize("text", ["50/s,60/s", "50/s,", "50/s,0.5/d", "1/s;2/d"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|: 50/s,10000/d"):
        Limit.parse(text)


def times(meter: Meter) -> list[float]:
    """The times of everything that may be given one now."""
    return [meter.take() for _ in range(meter.open())]


def test_messages_are_spread_evenly_over_the_next_second() -> None:
    assert times(Meter(0.25, next_at=1000.5, at=1000.0)) == pytest.approx([0.5, 0.75, 1.0])


def test_a_slow_rate_gives_one_and_then_says_how_long_to_wait() -> None:
    meter = Meter(10.0, next_at=0.0, at=1000.0)
    assert times(meter) == [0.0]
    later = Meter(10.0, next_at=meter.next_at, at=1002.0)
    assert later.open() == 0
    assert later.opens_in() == pytest.approx(10 - CATCH_UP - AHEAD - 2)


def test_a_pause_is_not_made_up_for_by_a_flood() -> None:
    at_once = [wait for wait in times(Meter(0.01, next_at=0.0, at=100_000.0)) if wait == 0]
    assert len(at_once) == pytest.approx(CATCH_UP / 0.01, abs=1.1)


def test_a_clock_that_was_set_back_is_not_waited_for() -> None:
    assert Meter(2.0, next_at=5000.0, at=1000.0).opens_in() == pytest.approx(2.0)


def test_a_budget_ends_what_the_rate_would_let_go() -> None:
    budget = Budget(3, 0.0, 86400.0, used=1)
    meter = Meter(0.01, next_at=0.0, at=1000.0, budgets=[budget])
    assert len(times(meter)) == 2
    assert (budget.left, meter.open(), meter.opens_in()) == (0, 0, 85400.0)


def test_what_has_no_rate_may_leave_at_once() -> None:
    meter = Meter(None, next_at=0.0, at=1000.0)
    assert (meter.open(), meter.take()) == (PLENTY, 0.0)


@given(st.floats(0.05, 500), st.lists(st.floats(0, 5), min_size=1, max_size=100), st.integers(1, 300))
def test_never_more_leave_than_the_rate_allows(per_second: float, steps: list[float], most: int) -> None:
    """By any moment no more times have come than the rate allows, and a little that is caught up."""
    at, next_at, given = 1_700_000_000.0, 0.0, []
    begin = at
    for step in steps:
        at += step
        meter = Meter(1 / per_second, next_at=next_at, at=at)
        given += [at + meter.take() for _ in range(min(most, meter.open()))]
        next_at = meter.next_at
    given.sort()
    for position, time in enumerate(given):
        assert position <= (time - begin + CATCH_UP) * per_second + 0.1
    gaps = [later - earlier for earlier, later in pairwise(given)]
    assert all(gap >= 1 / per_second - CATCH_UP - 1e-3 for gap in gaps)
