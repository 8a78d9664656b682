"""A wall time in a zone is one instant; where clocks jump, what was chosen is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import ScheduleError
from outreach.timing import schedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
]


@pytest.mark.parametrize(
    ("wall", "zone", "instant"),
    [
        ("2026-03-02 09:00", "UTC", "2026-03-02T09:00:00"),
        ("2026-03-02 09:00", "Europe/Berlin", "2026-03-02T08:00:00"),
        ("2026-07-02T09:00:30", "Europe/Berlin", "2026-07-02T07:00:30"),
        (" 2026-07-02 09:00 ", "Asia/Kathmandu", "2026-07-02T03:15:00"),
    ],
)
def test_a_plain_wall_time_is_one_instant_and_nothing_is_told(wall: str, zone: str, instant: str) -> None:
    resolved = schedule.resolve(wall, zone, now=NOW)
    assert resolved.at == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert resolved.note is None
    assert resolved.zone == zone


@pytest.mark.parametrize(
    ("wall", "zone", "instant", "told"),
    [
        ("2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:00:00", "from 02:00 straight to 2026-03-29 03:00"),
        ("2026-03-08 02:00", "America/New_York", "2026-03-08T07:00:00", "from 02:00 straight to 2026-03-08 03:00"),
        ("2026-10-04 02:10", "Australia/Lord_Howe", "2026-10-03T15:30:00", "from 02:00 straight to 2026-10-04 02:30"),
        ("2026-09-06 00:30", "America/Santiago", "2026-09-06T04:00:00", "from 00:00 straight to 2026-09-06 01:00"),
    ],
)
def test_a_time_that_clocks_skip_is_the_first_moment_after_the_gap(
    wall: str, zone: str, instant: str, told: str
) -> None:
    resolved = schedule.resolve(wall, zone, now=NOW)
    assert resolved.at == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert "does not exist" in (resolved.note or "")
    assert told in (resolved.note or "")


def test_a_time_that_happens_twice_is_the_first_of_the_two() -> None:
    resolved = schedule.resolve("2026-10-25 02:30", "Europe/Berlin", now=NOW)
    assert resolved.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "happens twice" in (resolved.note or "")
    assert "2026-10-25 01:30 UTC" in (resolved.note or "")


def test_a_time_in_the_past_is_refused_with_what_it_is_there_now() -> None:
    with pytest.raises(ScheduleError, match="in the past: it is 2026-01-01 01:00 there now"):
        schedule.resolve("2025-12-31 09:00", "Europe/Berlin", now=NOW)


def test_the_minute_that_is_being_typed_is_not_the_past() -> None:
    late = NOW + timedelta(seconds=20)
    assert schedule.resolve("2026-01-01 00:00", "UTC", now=late).at == NOW


@pytest.mark.parametrize(
    ("wall", "words"),
    [
        ("tomorrow", "is not a time"),
        ("2026-3-2 9:00", "is not a time"),
        ("2026-03-02", "is not a time"),
        ("2026-03-02 09:00+02:00", "is not a time"),
        ("2026-02-30 09:00", "is not a time that exists"),
        ("2026-02-20 24:00", "is not a time that exists"),
        ("9999-12-31 23:59", "cannot be meant"),
        ("", "is not a time"),
    ],
)
def test_a_text_that_is_no_time_is_refused_with_the_format(wall: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        schedule.resolve(wall, "America/Los_Angeles", now=NOW)


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [
        ("Europe/berlin", "'Europe/Berlin'"),
        ("Berlin", "'Europe/Berlin'"),
        ("New York", "'America/New_York'"),
        ("Asia/Kolkatta", "'Asia/Kolkata'"),
        ("../etc/passwd", "Europe/Berlin"),
        ("", "IANA"),
        ("Europe", "IANA"),
    ],
)
def test_a_wrong_zone_suggests_the_nearest(zone: str, nearest: str) -> None:
    with pytest.raises(ScheduleError, match="no time zone named") as refusal:
        schedule.resolve("2026-03-02 09:00", zone, now=NOW)
    assert nearest in (refusal.value.hint or "")


#: Every second of four years.
walls = st.integers(0, 4 * 365 * 86400).map(lambda seconds: NOW.replace(tzinfo=None) + timedelta(seconds=seconds))


@given(walls, st.sampled_from(ZONES))
def test_clocks_never_show_less_than_what_was_asked_for(wall: datetime, name: str) -> None:
    """At the instant they show it, or the nearest later time; one second before they have always shown less."""
    zone = ZoneInfo(name)
    at = schedule.first_instant(wall, zone)
    shown = at.astimezone(zone).replace(tzinfo=None)
    before = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert shown >= wall
    assert before < wall
    assert (shown == wall) == bool(schedule.both_instants(wall, zone))
