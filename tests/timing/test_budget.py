"""Budgets: windows of the clock, and days of the calendar of a zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from outreach.timing.budget import DAY, Budget, window

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: tzinfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("period", "zone", "now", "began", "ends"),
    [
        (60, UTC, "2026-03-02T09:00:30", "2026-03-02T09:00", "2026-03-02T09:01"),
        (3600, BERLIN, "2026-03-02T09:59", "2026-03-02T09:00", "2026-03-02T10:00"),
        (DAY, UTC, "2026-03-02T23:59", "2026-03-02T00:00", "2026-03-03T00:00"),
        (DAY, BERLIN, "2026-03-02T00:00", "2026-03-02T00:00", "2026-03-03T00:00"),
        (DAY, BERLIN, "2026-10-25T12:00", "2026-10-25T00:00", "2026-10-26T00:00"),  # a day of 25 hours
    ],
)
def test_a_window_is_of_the_clock_and_a_day_of_the_calendar(
    period: float, zone: tzinfo, now: str, began: str, ends: str
) -> None:
    assert window(period, at(now, zone), zone) == (at(began, zone), at(ends, zone))


def test_a_day_that_clocks_change_on_is_a_day() -> None:
    began, ends = window(DAY, at("2026-10-25T12:00", BERLIN), BERLIN)
    assert ends - began == 25 * 3600
    assert Budget(10, began, ends).is_of_a_day
    assert not Budget(10, *window(3600, began, UTC)).is_of_a_day


def test_a_budget_that_was_overdrawn_has_nothing_left() -> None:
    assert Budget(10, 0.0, DAY, used=12).left == 0
