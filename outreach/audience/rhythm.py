"""How often does a person want to hear from a list, and from when on again?

Both stand with the subscription and are kept by launches: whoever had a message of the list within the span, or
pauses, is left out of the next campaign and is told in its figures.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Rhythm(StrEnum):
    """At most one message of a list in such a time."""

    WEEK = "week"
    MONTH = "month"


#: How far two messages lie apart. Half a day less than the name says (a month being four weeks): a newsletter that
#: goes out every Monday at nine reaches nobody to the second, and must not count as a second one in a week.
SPANS = {
    Rhythm.WEEK: timedelta(days=7) - timedelta(hours=12),
    Rhythm.MONTH: timedelta(days=28) - timedelta(hours=12),
}

#: Days that a pause lasts at the most: whoever wants longer than this wants to leave.
LONGEST_PAUSE = 366


def pause_until(day: date, *, timezone: str, now: datetime) -> datetime | None:
    """When a pause up to a day ends: as that day begins where the person lives, or in UTC where that is not known.

    None where that is no pause: the day has begun, or lies more than `LONGEST_PAUSE` days ahead.
    """
    today = now.astimezone(_zone(timezone)).date()
    if not today < day <= today + timedelta(days=LONGEST_PAUSE):
        return None
    return datetime.combine(day, time(), _zone(timezone)).astimezone(UTC)


def day_of(moment: datetime, *, timezone: str) -> date:
    """The day that a moment falls on where the person lives."""
    return moment.astimezone(_zone(timezone)).date()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
