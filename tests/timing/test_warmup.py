"""The warm-up: so many on each day, by the calendar of the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from outreach.timing.warmup import WarmUp

PLAN = WarmUp.parse("50, 100,500")
FIRST = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later", "zone", "allowed"),
    [
        (timedelta(0), UTC, 50),
        (timedelta(hours=1), UTC, 50),
        (timedelta(hours=2), UTC, 100),
        (timedelta(hours=1), ZoneInfo("Europe/Berlin"), 100),  # past midnight there
        (timedelta(days=2), UTC, 500),
        (timedelta(days=3), UTC, None),
        (timedelta(days=300), UTC, None),
        (timedelta(days=-1), UTC, 50),  # a clock that was set back
    ],
)
def test_each_day_has_its_number_and_then_no_limit(later: timedelta, zone: tzinfo, allowed: int | None) -> None:
    assert PLAN.allowed(FIRST, FIRST + later, zone) == allowed


@pytest.mark.parametrize("text", ["", "50;100", "50,-1", "50,0", "fifty", "50,,60", "1e3"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="50,100,500,1000,5000"):
        WarmUp.parse(text)
