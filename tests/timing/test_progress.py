"""How fast a campaign goes, how long it will take, and why it stands still."""

from __future__ import annotations

from datetime import timedelta

import pytest

from outreach.timing import progress
from outreach.timing.pace import Rate
from outreach.timing.progress import Forecast, Look

MINUTE = timedelta(minutes=1)


def look(at: float, settled: int, queued: int, claimed: int = 0, deferred: int = 0, *, sending: bool = True) -> Look:
    return Look(at, sending, settled, queued, claimed, deferred)


def trail(*looks: Look) -> tuple[Look, ...]:
    found: tuple[Look, ...] = ()
    for each in looks:
        found = progress.trail(found, each)
    return found


def forecast(*looks: Look) -> Forecast:
    return progress.forecast(trail(*looks))


@pytest.mark.parametrize("looks", [(), (look(0, 0, 100),)])
def test_one_look_says_nothing_yet(looks: tuple[Look, ...]) -> None:
    assert forecast(*looks) == Forecast(None, None, 0.0)


def test_rate_and_time_left_come_from_what_has_gone() -> None:
    found = forecast(look(0, 0, 1_000, 256), look(1, 100, 900, 256), look(2, 200, 800, 256))
    assert found == Forecast(100.0, timedelta(seconds=10.56), 0.0)


def test_the_rate_is_that_of_the_last_seconds_and_smoothed_over_them() -> None:
    slow = [look(at, at * 10, 10_000 - at * 10) for at in range(100)]
    fast = [look(100 + at, 1_000 + at * 100, 9_000 - at * 100) for at in range(30)]
    begun = forecast(*slow, *fast[:2])
    assert begun.rate is not None
    assert 10 < begun.rate < 100
    assert forecast(*slow, *fast).rate == pytest.approx(100)


def test_looks_that_are_far_apart_still_make_a_rate() -> None:
    assert forecast(look(0, 0, 1_000), look(60, 600, 400)).rate == 10


def test_what_is_put_off_was_tried_and_what_comes_back_counts_when_it_is_settled() -> None:
    assert forecast(look(0, 0, 100), look(10, 0, 50, 0, 50)).rate == 5
    assert forecast(look(0, 50, 0, 0, 50), look(10, 70, 0, 5, 25)).rate == 2


def test_a_finishing_campaign_has_nothing_left() -> None:
    found = forecast(look(0, 90, 10), look(1, 100, 0))
    assert (found.rate, found.left) == (10, None)


def test_standing_still_has_no_time_left_and_is_timed() -> None:
    found = forecast(look(0, 10, 90), look(1, 20, 80), *(look(at, 20, 80) for at in range(2, 9)))
    assert (found.left is not None, found.still) == (True, 7.0)
    found = forecast(*(look(at, 20, 80) for at in range(30)))
    assert (found.rate, found.left) == (0, None)
    assert found.still >= progress.STILL


def test_a_pause_is_not_averaged_in() -> None:
    before = [look(at, at * 100, 10_000 - at * 100) for at in range(5)]
    paused = [look(at, 400, 9_600, sending=False) for at in range(5, 9)]
    assert forecast(*before, *paused) == Forecast()
    resumed = [look(9, 400, 9_600), look(10, 500, 9_500)]
    assert forecast(*before, *paused, *resumed).rate == 100


@pytest.mark.parametrize(
    "back",
    [
        pytest.param(look(5, 300, 700), id="failed deliveries were queued again"),
        pytest.param(look(3, 500, 500), id="the clock did not go on"),
    ],
)
def test_what_jumps_back_begins_anew(back: Look) -> None:
    assert trail(look(3, 400, 600), look(4, 500, 500), back) == (back,)
    assert forecast(look(3, 400, 600), look(4, 500, 500), back) == Forecast()


STILL = Forecast(0.0, None, 6.0)


@pytest.mark.parametrize(
    ("seen", "found", "next_retry", "limit", "words"),
    [
        (look(0, 0, 10, sending=False), STILL, None, None, None),
        (look(0, 0, 10), Forecast(20.0, MINUTE), None, None, None),
        (look(0, 0, 10), Forecast(), None, None, None),
        (
            look(0, 9, 0, 0, 1_200),
            STILL,
            4 * MINUTE,
            None,
            "1,200 were put off by their servers; the next try is in 4m",
        ),
        (look(0, 9, 0, 0, 1), STILL, -MINUTE, None, "due for another try now"),
        (look(0, 9, 0), STILL, None, None, None),
        (look(0, 0, 10), STILL, None, None, "no sender takes them"),
        (look(0, 0, 10, 5), STILL, None, None, "a sender holds 5 and waits for the relay"),
        (look(0, 0, 10, 5), STILL, None, Rate.parse("10/h"), "OUTREACH_RATE lets one leave every 6m"),
        (look(0, 0, 10), STILL, None, Rate.parse("50/s"), "no sender takes them"),
        (look(0, 0, 10), Forecast(49.0, MINUTE), None, Rate.parse("50/s"), "as fast as OUTREACH_RATE lets them leave"),
        (look(0, 0, 10), Forecast(20.0, MINUTE), None, Rate.parse("50/s"), None),
    ],
)
def test_a_standstill_is_explained_where_that_is_known(
    seen: Look, found: Forecast, next_retry: timedelta | None, limit: Rate | None, words: str | None
) -> None:
    told = progress.explanation(seen, found, next_retry=next_retry, limit=limit)
    assert told is None if words is None else words in (told or "")


@pytest.mark.parametrize(
    ("rate", "words"), [(0, "0/s"), (1_234.4, "1,234/s"), (7.53, "7.5/s"), (0.2, "12/min"), (6 / 3600, "6/h")]
)
def test_a_rate_reads_well(rate: float, words: str) -> None:
    assert progress.rate_words(rate) == words
