"""Crontab's five fields mean what crontab means, and the change of clocks neither loses nor doubles a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.errors import ScheduleError
from outreach.timing import recurrence


def runs(line: str, zone: str, start: str, days: int) -> list[str]:
    """The runs as clocks of the zone show them, with their offset."""
    first = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    times = recurrence.parse(line, zone).between(first - timedelta(microseconds=1), first + timedelta(days=days))
    return [at.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes") for at in times]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", {0}),
        ("7", {0}),
        ("sun", {0}),
        ("mon", {1}),
        ("MON,Wed", {1, 3}),
        ("5-7", {5, 6, 0}),
        ("fri-sun", {5, 6, 0}),
        ("1-5", {1, 2, 3, 4, 5}),
        ("0-2", {0, 1, 2}),
        ("*/2", {0, 2, 4, 6}),
        ("1-6/2", {1, 3, 5}),
        ("*", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_weekdays_count_as_crontab_counts_them(field: str, days: set[int]) -> None:
    assert recurrence.parse(f"0 9 * * {field}", "UTC").weekdays == days


def test_monday_at_nine_is_a_monday() -> None:
    assert runs("0 9 * * mon", "UTC", "2026-03-01", 14) == ["2026-03-02 09:00+00:00", "2026-03-09 09:00+00:00"]
    assert runs("0 9 * * 1", "UTC", "2026-03-01", 14) == runs("0 9 * * mon", "UTC", "2026-03-01", 14)


def test_either_day_suits_where_both_are_given() -> None:
    assert runs("0 0 13 * fri", "UTC", "2026-02-01", 16) == [
        "2026-02-06 00:00+00:00",
        "2026-02-13 00:00+00:00",
    ]
    assert runs("0 0 10 * fri", "UTC", "2026-02-08", 5) == ["2026-02-10 00:00+00:00", "2026-02-13 00:00+00:00"]


def test_both_days_must_suit_where_one_begins_with_a_star() -> None:
    assert runs("0 0 */2 * fri", "UTC", "2026-02-01", 20) == ["2026-02-13 00:00+00:00"]


def test_months_have_names_and_lists_and_steps() -> None:
    assert recurrence.parse("0 0 1 jan,Jul *", "UTC").months == {1, 7}
    assert recurrence.parse("0 0 1 */3 *", "UTC").months == {1, 4, 7, 10}
    assert recurrence.parse("10-50/20,5 0 1 1 *", "UTC").minutes == {5, 10, 30, 50}
    assert recurrence.parse("@weekly", "UTC").after(datetime(2026, 3, 2, tzinfo=UTC)).isoweekday() == 7


def test_a_daily_run_in_the_gap_happens_once_after_it() -> None:
    assert runs("30 2 * * *", "Europe/Berlin", "2026-03-28", 3) == [
        "2026-03-28 02:30+01:00",
        "2026-03-29 03:00+02:00",
        "2026-03-30 02:30+02:00",
    ]


def test_a_daily_run_in_the_fold_happens_once_at_its_first() -> None:
    assert runs("30 2 * * *", "Europe/Berlin", "2026-10-24", 3) == [
        "2026-10-24 02:30+02:00",
        "2026-10-25 02:30+02:00",
        "2026-10-26 02:30+01:00",
    ]


def test_an_hourly_run_follows_the_clock() -> None:
    spring = runs("30 * * * *", "Europe/Berlin", "2026-03-29", 1)
    autumn = runs("30 * * * *", "Europe/Berlin", "2026-10-25", 1)
    assert [run[11:] for run in spring[:4]] == ["00:30+01:00", "01:30+01:00", "03:30+02:00", "04:30+02:00"]
    assert [run[11:] for run in autumn[:4]] == ["00:30+02:00", "01:30+02:00", "02:30+02:00", "02:30+01:00"]


def test_several_times_in_one_gap_are_one_run() -> None:
    assert runs("*/20 2 * * *", "Europe/Berlin", "2026-03-29", 1) == ["2026-03-29 03:00+02:00"]


def test_the_leap_day_is_waited_for() -> None:
    assert recurrence.parse("0 0 29 2 *", "UTC").after(datetime(2096, 3, 1, tzinfo=UTC)).year == 2104


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 9 * *", "4 of 5 fields"),
        ("", "1 of 5 fields"),
        ("@reboot", "1 of 5 fields"),
        ("60 9 * * *", "in the minute, 60 is not from 0 to 59"),
        ("0 24 * * *", "in the hour, 24"),
        ("0 9 0 * *", "in the day of the month, 0"),
        ("0 9 * 13 *", "in the month, 13"),
        ("0 9 * * 8", "in the day of the week, 8"),
        ("0 9 * * mo", "'mo' means nothing"),
        ("0 9 * * 1-", "'' means nothing"),
        ("0 9 * * 5-1", "goes backwards"),
        ("0 9 L * *", "'l' means nothing"),
        ("*/0 9 * * *", "not a number above 0"),
        ("5/10 9 * * *", "write 5-59/10"),
        ("0 9 30 2 *", "a day that never comes"),
    ],
)
def test_a_line_that_means_nothing_is_refused_with_its_field(line: str, words: str) -> None:
    with pytest.raises(ScheduleError, match=words):
        recurrence.parse(line, "UTC")


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A field as people write it: a star, a step, a list, a range."""
    number = st.integers(low, high)
    ranged = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    return st.one_of(
        st.just("*"),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.lists(number, min_size=1, max_size=3).map(lambda numbers: ",".join(map(str, numbers))),
        ranged,
        st.tuples(ranged, st.integers(1, 5)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


def meant(part: str, low: int, high: int) -> set[int]:
    """What a field holds, worked out number by number."""
    return {number for number in range(low, high + 1) if any(_meets(piece, number, low) for piece in part.split(","))}


def _meets(piece: str, number: int, low: int) -> bool:
    span, _, step = piece.partition("/")
    if span == "*":
        return (number - low) % int(step or 1) == 0
    first, _, last = span.partition("-")
    return int(first) <= number <= int(last or first) and (number - int(first)) % int(step or 1) == 0


def walk(line: str, zone: ZoneInfo, start: datetime, minutes: int) -> list[datetime]:
    """The runs found by walking minute by minute along real time and looking at the clock."""
    parts = line.split(" ")
    minute, hour, day, month = (
        meant(part, low, high)
        for part, (low, high) in zip(parts[:4], ((0, 59), (0, 23), (1, 31), (1, 12)), strict=True)
    )
    weekday = meant(parts[4], 0, 6)

    def suits(wall: datetime) -> bool:
        in_month, in_week = wall.day in day, wall.isoweekday() % 7 in weekday
        joined = parts[2].startswith("*") or parts[4].startswith("*")
        days = (in_month and in_week) if joined else (in_month or in_week)
        return wall.minute in minute and wall.hour in hour and wall.month in month and days

    found = []
    before = (start - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None)
    for step in range(minutes):
        at = start + timedelta(minutes=step)
        local = at.astimezone(zone)
        wall = local.replace(tzinfo=None)
        if parts[1].startswith("*"):
            wanted = suits(wall)
        else:
            skipped = (before + timedelta(minutes=n) for n in range(1, int((wall - before).total_seconds() // 60)))
            wanted = (suits(wall) and local.fold == 0) or any(suits(moment) for moment in skipped)
        if wanted:
            found.append(at)
        before = wall
    return found


STARTS = [
    ("Europe/Berlin", datetime(2026, 3, 28, 20, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 10, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 10, tzinfo=UTC)),
    ("America/Santiago", datetime(2026, 9, 5, 20, tzinfo=UTC)),
    ("America/St_Johns", datetime(2010, 11, 7, 0, tzinfo=UTC)),
    ("UTC", datetime(2026, 2, 27, 20, tzinfo=UTC)),
]


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)).map(" ".join),
    st.sampled_from(STARTS),
)
def test_runs_are_those_that_a_walk_minute_by_minute_finds(line: str, place: tuple[str, datetime]) -> None:
    zone, start = place
    try:
        found = recurrence.parse(line, zone)
    except ScheduleError:
        return  # 30 February and its like
    length = 60 * 30
    end = start + timedelta(minutes=length - 1)
    assert list(found.between(start - timedelta(minutes=1), end)) == walk(line, ZoneInfo(zone), start, length)
