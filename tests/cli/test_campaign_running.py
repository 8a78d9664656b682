"""`campaign schedule | send | pause | resume | cancel` at the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.house import prepare
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _spring(tmp_path: Path) -> None:
    """A campaign `spring` for a list of three people, and one for a list of nobody."""
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=3)
    listed(house.store, datetime.now(UTC), name="nobody", people=0)
    house.close()
    file = tmp_path / "spring.md"
    file.write_text(ARTICLE)
    for name, group in (("spring", "sample"), ("void", "nobody")):
        said = outreach("campaign", "create", str(file), "--list", group, "--name", name)
        assert said.code == 0, said.err


def state(name: str = "spring") -> str:
    return str(outreach("campaign", "show", name, "--json").document["state"])


def test_a_schedule_is_told_in_its_zone_and_in_utc() -> None:
    said = outreach("campaign", "schedule", "spring", "--at", "2097-01-18 09:00", "--timezone", "Europe/Berlin")
    assert said.code == 0, said.err
    assert said.out == "Scheduled spring for 2097-01-18 09:00 Europe/Berlin (2097-01-18 08:00 UTC).\n"
    assert "outreach run" in said.err
    assert state() == "scheduled"


def test_the_zone_of_the_settings_holds_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_TIMEZONE", "Asia/Tokyo")
    said = outreach("campaign", "schedule", "spring", "--at", "2097-01-18 09:00", "--json")
    assert (said.document["timezone"], said.document["due_at"]) == ("Asia/Tokyo", "2097-01-18T00:00:00+00:00")


def test_a_time_that_does_not_exist_is_explained() -> None:
    said = outreach("campaign", "schedule", "spring", "--at", "2027-03-28 02:30", "--timezone", "Europe/Berlin")
    assert said.code == 0
    assert "02:30 does not exist in Europe/Berlin on 2027-03-28" in said.err
    assert "03:00 Europe/Berlin" in said.out


def test_a_recurring_campaign_says_its_next_time() -> None:
    said = outreach("campaign", "schedule", "spring", "--cron", "0 9 * * mon", "--timezone", "Europe/Berlin")
    assert said.code == 0, said.err
    assert "then by '0 9 * * mon'" in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "give either --at"),
        (("--at", "2097-01-18 09:00", "--cron", "0 9 * * *"), 2, "give either --at"),
        (("--at", "tomorrow"), 1, "YYYY-MM-DD HH:MM"),
        (("--at", "2001-01-18 09:00"), 1, "in the past"),
        (("--at", "2097-01-18 09:00", "--timezone", "Europe/Berln"), 1, "Did you mean 'Europe/Berlin'?"),
        (("--cron", "0 9 * * funday"), 1, "'funday' means nothing"),
    ],
)
def test_a_time_that_means_nothing_changes_nothing(arguments: tuple[str, ...], code: int, words: str) -> None:
    said = outreach("campaign", "schedule", "spring", *arguments)
    assert said.code == code
    assert words in said.err
    assert state() == "draft"


def test_a_schedule_warns_of_what_would_stop_the_launch() -> None:
    said = outreach("campaign", "schedule", "void", "--at", "2097-01-18 09:00")
    assert said.code == 0
    assert "As things are it could not start: The list 'nobody' is empty" in said.err


def test_sending_freezes_the_audience_and_says_who_sends() -> None:
    said = outreach("campaign", "send", "spring", "--json")
    assert said.code == 0, said.err
    assert (said.document["state"], said.document["audience"], said.document["queued"]) == ("sending", 3, 3)
    again = outreach("campaign", "send", "spring")
    assert again.code == 0
    assert "launched before" in again.err
    assert "outreach run" in again.err


def test_an_empty_list_is_one_clear_sentence() -> None:
    said = outreach("campaign", "send", "void")
    assert said.code == 1
    assert said.err.startswith("Error: The list 'nobody' is empty")
    assert state("void") == "draft"


def test_pause_resume_and_cancel_say_what_they_did() -> None:
    outreach("campaign", "schedule", "spring", "--at", "2097-01-18 09:00")
    assert outreach("campaign", "pause", "spring").out == "Paused spring.\n"
    assert outreach("campaign", "pause", "spring").out == "spring was paused already.\n"
    assert outreach("campaign", "resume", "spring").out == "Resumed spring: it starts at 2097-01-18 09:00 UTC.\n"
    assert outreach("campaign", "cancel", "spring").out == "Cancelled spring.\n"
    assert outreach("campaign", "resume", "spring").code == 1
    again = outreach("campaign", "cancel", "spring", "--json")
    assert again.document == {"name": "spring", "state": "cancelled", "reason": None}
    assert state() == "cancelled"


def test_cancelling_says_how_many_stay_here() -> None:
    outreach("campaign", "send", "spring")
    assert outreach("campaign", "cancel", "spring").out == "Cancelled spring: 3 messages were not sent.\n"


@pytest.mark.parametrize("verb", ["schedule", "send", "pause", "resume", "cancel"])
def test_a_wrong_name_suggests_the_nearest(verb: str) -> None:
    more = ("--at", "2097-01-18 09:00") if verb == "schedule" else ()
    said = outreach("campaign", verb, "sprnig", *more)
    assert said.code == 1
    assert "Did you mean 'spring'?" in said.err
