"""Slowing down: halved when a provider puts off, raised again while it accepts, and nobody else is concerned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.timing.slowdown import QUIET, SLOWEST, Seen, Slowdown, is_enough, judged

OWN_PACE = Slowdown()


@pytest.mark.parametrize(
    ("held", "seen", "after"),
    [
        # all is well
        (OWN_PACE, Seen(100, 0, 5), OWN_PACE),
        # a few deferrals among many answers say nothing
        (OWN_PACE, Seen(100, 4, 5), OWN_PACE),
        (OWN_PACE, Seen(100, 9, 5), OWN_PACE),
        (OWN_PACE, Seen(2, 4, 5), OWN_PACE),
        # half of what it was seen to accept: 80 in 5 s are 16/s; it was tried with 20/s
        (OWN_PACE, Seen(80, 20, 5), Slowdown(8.0, 20.0)),
        # nothing is accepted
        (OWN_PACE, Seen(0, 100, 5), Slowdown(5.0, 20.0)),
        (Slowdown(8.0, 20.0), Seen(0, 40, 5), Slowdown(2.0, 20.0)),
        # it puts off still
        (Slowdown(8.0, 20.0), Seen(30, 10, 5), Slowdown(3.0, 20.0)),
        # so slow that a single answer must do
        (Slowdown(0.1, 20.0), Seen(0, 1, 10), Slowdown(0.025, 20.0)),
        (Slowdown(SLOWEST, 20.0), Seen(0, 1, 60), Slowdown(SLOWEST, 20.0)),
        # neither good nor bad: it stays
        (Slowdown(8.0, 20.0), Seen(36, 4, 5), Slowdown(8.0, 20.0)),
        # faster again, and at the end left alone
        (Slowdown(8.0, 20.0), Seen(40, 0, 5), Slowdown(12.0, 20.0)),
        (Slowdown(12.0, 20.0), Seen(60, 0, 5), Slowdown(18.0, 20.0)),
        (Slowdown(18.0, 20.0), Seen(90, 0, 5), OWN_PACE),
        # long ago
        (Slowdown(0.1, 20.0), Seen(0, 1, QUIET), OWN_PACE),
    ],
)
def test_what_a_stretch_of_answers_leads_to(held: Slowdown, seen: Seen, after: Slowdown) -> None:
    found = judged(held, seen)
    assert (found.rate, found.before) == (pytest.approx(after.rate), pytest.approx(after.before))


@pytest.mark.parametrize(
    ("seen", "enough"),
    [
        (Seen(10, 0, 4.9), False),
        (Seen(10, 0, 5.0), True),
        (Seen(0, 0, 50.0), False),
        (Seen(0, 20, 0.9), False),
        (Seen(0, 20, 1.0), True),
        (Seen(0, 0, QUIET), True),
    ],
)
def test_a_stretch_is_judged_when_it_is_long_enough(seen: Seen, enough: bool) -> None:
    assert is_enough(seen) is enough


@given(st.floats(SLOWEST, 1000) | st.none(), st.integers(0, 1000), st.integers(0, 1000), st.floats(1, QUIET - 1))
def test_a_pace_is_never_nothing_and_never_raised_while_it_puts_off(
    rate: float | None, accepted: int, put_off: int, seconds: float
) -> None:
    held = Slowdown(rate, 1000.0 if rate else None)
    after = judged(held, Seen(accepted, put_off, seconds))
    assert after.rate is None or after.rate >= SLOWEST
    if put_off and rate is not None:
        assert after.rate is not None
        assert after.rate <= rate
