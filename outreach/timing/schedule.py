"""Which instant does a person mean by a wall time in a time zone?

Twice a year a wall time does not exist or happens twice. Neither is shifted silently: what was chosen is told.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from outreach.errors import ScheduleError

#: How far in the past a time may lie and still mean "now": typing takes its time.
SLACK = timedelta(seconds=30)

#: Where a year is most likely mistyped.
LAST_YEAR = 2100

_FORMAT = "YYYY-MM-DD HH:MM or YYYY-MM-DD HH:MM:SS"
_WALL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::(\d{2}))?")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A wall time that was understood."""

    #: The instant, in UTC.
    at: datetime
    #: The wall time as a person would write it.
    wall: str
    #: IANA name.
    zone: str
    #: What was chosen where the wall time does not exist or happens twice; None where it was plain.
    note: str | None = None


def resolve(text: str, zone_name: str, *, now: datetime) -> Resolved:
    """The instant of a wall time `YYYY-MM-DD HH:MM[:SS]` in an IANA zone.

    In a gap (clocks go forward) it is the first instant after the gap, in a fold (clocks go back) the first of the two;
    `note` says so. Raises ScheduleError for a text, zone or day that means nothing and for a time in the past.
    """
    zone = zone_named(zone_name)
    wall = _parsed(text)
    at = first_instant(wall, zone)
    written = wall.strftime("%Y-%m-%d %H:%M:%S" if wall.second else "%Y-%m-%d %H:%M")
    if at < now - SLACK:
        raise ScheduleError(
            f"{written} in {zone_name} is in the past: it is {_local(now, zone)} there now.",
            hint="Give a later time, or start the campaign at once with `outreach campaign send`.",
        )
    return Resolved(at, written, zone_name, _note(wall, at, zone))


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ScheduleError, which suggests the nearest."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        nearest = _nearest_zone(name)
        raise ScheduleError(
            f"There is no time zone named {name!r}.",
            hint=f"Did you mean {nearest!r}?" if nearest else "Write an IANA zone, such as Europe/Berlin.",
        ) from None


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which clocks show the wall time; where they skip it, the end of the skip."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at if _shown(at, zone) == wall else _transition(wall, zone)


def both_instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Every instant at which clocks show the wall time: none in a gap, two in a fold."""
    candidates = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(sorted({at for at in candidates if _shown(at, zone) == wall}))


def shown(at: datetime, zone_name: str) -> str:
    """An instant as clocks of a zone show it, with the zone's name: for messages."""
    return f"{_local(at, zone_named(zone_name))} {zone_name}"


def _parsed(text: str) -> datetime:
    match = _WALL.fullmatch(text.strip())
    if not match:
        raise ScheduleError(f"{text!r} is not a time.", hint=f"Write {_FORMAT}, such as 2027-01-18 09:00.")
    day, minute, second = match.groups()
    try:
        wall = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}")
    except ValueError as error:
        raise ScheduleError(
            f"{text!r} is not a time that exists: {error}.", hint=f"Write {_FORMAT}, such as 2027-01-18 09:00."
        ) from None
    if not 1970 < wall.year < LAST_YEAR:
        raise ScheduleError(f"{text!r} cannot be meant.", hint="Look at the year.")
    return wall


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _local(at: datetime, zone: ZoneInfo) -> str:
    local = _shown(at, zone)
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")


def _transition(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks jump over a wall time that they never show."""
    # Read with the offset after the jump the wall time lies before it, and the other way round.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _shown(middle, zone) < wall:
            before = middle
        else:
            after = middle
    return after


def _note(wall: datetime, at: datetime, zone: ZoneInfo) -> str | None:
    instants = both_instants(wall, zone)
    if len(instants) == 1:
        return None
    day, clock = wall.strftime("%Y-%m-%d"), wall.strftime("%H:%M:%S" if wall.second else "%H:%M")
    if instants:
        first, second = (_local(instant, UTC_ZONE) for instant in instants)
        return (
            f"{clock} happens twice in {zone.key} on {day}, when clocks go back: "
            f"the first is taken, {first} UTC (the second is {second} UTC)."
        )
    last = _shown(at - timedelta(seconds=1), zone) + timedelta(seconds=1)
    return (
        f"{clock} does not exist in {zone.key} on {day}: clocks go from {last:%H:%M} straight to {_local(at, zone)}. "
        f"The first moment after that is taken, {_local(at, UTC_ZONE)} UTC."
    )


#: UTC as a zone that has a name.
UTC_ZONE = ZoneInfo("UTC")


def _nearest_zone(name: str) -> str | None:
    zones = sorted(available_timezones())
    asked = name.strip().replace(" ", "_").lower()
    folded = {zone.lower(): zone for zone in zones}
    cities = {zone.lower().rpartition("/")[2]: zone for zone in zones if "/" in zone}
    for table, key in ((folded, asked), (cities, asked.rpartition("/")[2])):
        near = difflib.get_close_matches(key, list(table), n=1, cutoff=0.75)
        if near:
            return table[near[0]]
    return None
