"""Pauses end as the day begins where the person lives; a weekly newsletter reaches whoever wants one a week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from outreach.audience import rhythm
from outreach.audience.rhythm import SPANS, Rhythm
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("zone", "until"),
    [
        ("Europe/Berlin", datetime(2026, 3, 31, 22, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 4, 1, 4, 0, tzinfo=UTC)),
        ("", datetime(2026, 4, 1, tzinfo=UTC)),
        ("Nowhere/At_All", datetime(2026, 4, 1, tzinfo=UTC)),
        ("../../etc/passwd", datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_a_pause_ends_as_the_day_begins_where_the_person_lives(zone: str, until: datetime) -> None:
    found = rhythm.pause_until(date(2026, 4, 1), timezone=zone, now=NOW)
    assert found == until
    assert rhythm.day_of(until, timezone=zone) == date(2026, 4, 1)


@pytest.mark.parametrize("days", [-400, -1, 0, 367, 9999])
def test_a_day_that_has_begun_or_lies_far_off_is_no_pause(days: int) -> None:
    assert rhythm.pause_until(NOW.date() + timedelta(days=days), timezone="UTC", now=NOW) is None


@pytest.mark.parametrize("days", [1, 366])
def test_tomorrow_and_a_year_are_pauses(days: int) -> None:
    assert rhythm.pause_until(NOW.date() + timedelta(days=days), timezone="UTC", now=NOW) is not None


def test_the_last_day_of_all_is_no_pause_and_no_failure() -> None:
    assert rhythm.pause_until(date.max, timezone="Pacific/Kiritimati", now=NOW) is None


def test_every_rhythm_has_a_span_that_leaves_room_for_a_late_start() -> None:
    assert set(SPANS) == set(Rhythm)
    assert timedelta(days=6) < SPANS[Rhythm.WEEK] < timedelta(days=7)
    assert timedelta(days=27) < SPANS[Rhythm.MONTH] < timedelta(days=28)
