"""When does a recurring campaign run? Crontab's five fields, in a time zone.

Weekdays count as crontab counts them: 0 and 7 are Sunday. APScheduler's trigger counts from Monday, joins the two
fields of days by "and", and fires twice when clocks go back; so the calendar is our own, and APScheduler only ticks.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from outreach.errors import ScheduleError
from outreach.timing.schedule import both_instants, first_instant, zone_named

#: Days looked ahead before a recurrence counts as one that never comes; 29 February may be eight years away.
HORIZON = 366 * 12

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True)
class Field:
    """What one of the five fields may hold."""

    name: str
    low: int
    high: int
    names: dict[str, int]


FIELDS = (
    Field("minute", 0, 59, {}),
    Field("hour", 0, 23, {}),
    Field("day of the month", 1, 31, {}),
    Field("month", 1, 12, _MONTHS),
    Field("day of the week", 0, 7, _DAYS),
)


@dataclass(frozen=True)
class Recurrence:
    """A crontab line and a zone, understood."""

    text: str
    zone: ZoneInfo
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    #: 0 is Sunday.
    weekdays: frozenset[int]
    #: Whether the hour field begins with `*`: then it runs by the clock that is shown, else by the day's plan.
    every_hour: bool
    #: Whether a day must suit both fields of days (one begins with `*`) or either of them (both are given).
    both_days: bool

    def after(self, moment: datetime) -> datetime:
        """The first run strictly after a moment, in UTC.

        A planned hour that clocks skip runs at the first instant after the gap, one that they repeat runs once, at its
        first; with a `*` hour a run follows the clock: none in the gap, both in the fold. Raises ScheduleError where
        no such day ever comes.
        """
        start = moment.astimezone(self.zone).date() - timedelta(days=1)
        for offset in range(HORIZON):
            here = self._earliest(start + timedelta(days=offset), moment)
            if here is not None:
                # Where clocks go back across midnight the next day may begin before this one has ended.
                there = self._earliest(start + timedelta(days=offset + 1), moment)
                return min(here, there) if there else here
        raise ScheduleError(f"{self.text!r} means a day that never comes.", hint="Look at day and month.")

    def between(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Every run after `first` and not after `last`, in order."""
        at = self.after(first)
        while at <= last:
            yield at
            at = self.after(at)

    def _earliest(self, day: date, moment: datetime) -> datetime | None:
        if not self._suits(day):
            return None
        instants = _instants(self, day)
        place = bisect_right(instants, moment)
        return instants[place] if place < len(instants) else None

    def _suits(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (in_month and in_week) if self.both_days else (in_month or in_week)


def parse(text: str, zone_name: str) -> Recurrence:
    """A crontab line (`0 9 * * mon`, `*/15 8-18 * * 1-5`, `@weekly`) in an IANA zone.

    Raises ScheduleError naming the field that means nothing, or where it means a day that never comes.
    """
    zone = zone_named(zone_name)
    compact = " ".join(text.lower().split())
    parts = _SHORT.get(compact, compact).split(" ")
    if len(parts) != len(FIELDS):
        raise ScheduleError(
            f"{text!r} is not a recurrence: it has {len(parts)} of 5 fields.",
            hint="Write minute, hour, day of the month, month, day of the week: '0 9 * * mon' is Mondays at 9:00.",
        )
    minutes, hours, days, months, weekdays = (
        _values(part, field, text) for part, field in zip(parts, FIELDS, strict=True)
    )
    recurrence = Recurrence(
        text=compact,
        zone=zone,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        every_hour=parts[1].startswith("*"),
        both_days=parts[2].startswith("*") or parts[4].startswith("*"),
    )
    recurrence.after(datetime(2000, 1, 1, tzinfo=UTC))
    return recurrence


@lru_cache(maxsize=8)
def _instants(recurrence: Recurrence, day: date) -> tuple[datetime, ...]:
    """The runs that belong to a day that suits, in order."""
    found: set[datetime] = set()
    for hour, minute in product(recurrence.hours, recurrence.minutes):
        wall = datetime.combine(day, time(hour, minute))
        if recurrence.every_hour:
            found.update(both_instants(wall, recurrence.zone))
        else:
            found.add(first_instant(wall, recurrence.zone))
    return tuple(sorted(found))


def _values(part: str, field: Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, slash, step = piece.partition("/")
        low, high, ranged = _span(span, field, text)
        if slash and not (step.isdecimal() and int(step) > 0):
            raise _fault(text, field, f"{piece!r} has a step that is not a number above 0")
        if slash and not ranged:
            raise _fault(text, field, f"{piece!r} has a step but no range; write {low}-{field.high}/{step}")
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def _span(span: str, field: Field, text: str) -> tuple[int, int, bool]:
    if span == "*":
        # Seven would be Sunday a second time, and would upset steps.
        return field.low, 6 if field.names is _DAYS else field.high, True
    first, dash, last = span.partition("-")
    low = _number(first, field, text)
    if not dash:
        return low, low, False
    high = 7 if field.names is _DAYS and last in {"sun", "0"} and low > 0 else _number(last, field, text)
    if low > high:
        raise _fault(text, field, f"the range {span!r} goes backwards")
    return low, high, True


def _number(word: str, field: Field, text: str) -> int:
    if word in field.names:
        return field.names[word]
    if not (word.isascii() and word.isdecimal()):
        raise _fault(text, field, f"{word!r} means nothing there")
    if not field.low <= int(word) <= field.high:
        raise _fault(text, field, f"{word} is not from {field.low} to {field.high}")
    return int(word)


def _fault(text: str, field: Field, words: str) -> ScheduleError:
    return ScheduleError(
        f"{text!r} is not a recurrence: in the {field.name}, {words}.",
        hint="'0 9 * * mon' is Mondays at 9:00, '30 8 1 * *' the first of each month at 8:30.",
    )
