"""`outreach reports ...`: what came back is fed by hand, shown harmlessly, and done with."""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import address, config, house, wiring
from outreach.actions import collect
from outreach.engine.crew import Crew
from outreach.engine.gauges import Gauges
from outreach.house import open_house
from outreach.replies.returnpath import tagged
from outreach.store.database import Store
from outreach.tracking.token import Purpose, TokenMaker
from tests.actions.returned import complaint, dsn, riddle
from tests.cli.line import outreach
from tests.journeys.machine import until
from tests.store import crowd

THEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RETURN = "bounces@news.clinic.example"


class Installation:
    """An installation with a campaign whose mail to three people was sent."""

    def __init__(self) -> None:
        self._house = house.prepare(config.load())[0]
        self.store: Store = self._house.store
        self.tokens = TokenMaker(self._house.keys)
        crowd.delivered(self.store, crowd.made_campaign(self.store, THEN, crowd.made_list(self.store, THEN, 3)), THEN)

    def path(self, delivery: int) -> str:
        return tagged(address.parse(RETURN), self.tokens.make(Purpose.BOUNCE, delivery))

    def close(self) -> None:
        self._house.close()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("OUTREACH_RETURN_PATH", RETURN)
    made = Installation()
    yield made
    made.close()


def test_a_file_of_one_report_is_read_and_a_second_time_known(here: Installation, tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(dsn(here.path(1)))
    assert outreach("reports", "read", str(file), "--json").document == {"read": 1, "known": 0, "hard handled": 1}
    assert outreach("reports", "read", str(file), "--json").document == {"read": 1, "known": 1}
    assert outreach("suppression", "ls", "--json").document["counts"]["hard_bounce"] == 1
    status = outreach("campaign", "status", "spring", "--json").document
    assert (status["audience"], status["sent"], status["bounced"]) == (3, 2, 1)


def test_an_mbox_is_read_message_by_message(here: Installation, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    for message in (dsn(here.path(1)), complaint(here.path(2)), riddle(here.path(3)), dsn(RETURN)):
        box.add(message)
    box.close()
    told = outreach("reports", "read", str(tmp_path / "box"))
    assert told.out == "read 4, known 0, complaint handled 1, hard handled 1, hard ignored 1, unclear unclear 1\n"
    counts = outreach("reports", "ls", "--json").document
    assert counts["kinds"]["hard"] == 2
    assert counts["states"] == {"handled": 2, "ignored": 1, "unclear": 1, "looked-at": 0}
    assert {each["campaign"] for each in counts["reports"]} == {"spring", None}
    unclear = outreach("reports", "ls", "--unclear", "--json").document["reports"]
    assert [each["kind"] for each in unclear] == ["unclear"]
    shown = outreach("reports", "ls").out
    assert "unclear 1" in shown
    assert "spring" in shown


def test_what_waits_is_shown_harmlessly_until_somebody_has_looked(here: Installation) -> None:
    evil = riddle(here.path(1), "\x1b]0;owned\x07 \x1b[2J red \u202e txt \x9b31m")
    terms = collect.Terms(here.tokens, address.parse(RETURN))
    collect.message(here.store, evil, source="imap", terms=terms, now=THEN)
    (number,) = [each["id"] for each in outreach("reports", "ls", "--unclear", "--json").document["reports"]]
    shown = outreach("reports", "show", str(number))
    assert "Message-ID: <riddle@example.com>" in shown.out
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown.out)
    assert f"outreach reports handled {number}" in shown.err
    found = outreach("reports", "show", str(number), "--json").document
    assert (found["kind"], found["state"], found["campaign"], found["delivery_id"]) == (
        "unclear",
        "unclear",
        "spring",
        1,
    )
    assert found["raw"].startswith("From: Somebody")
    assert "is done with" in outreach("reports", "handled", str(number)).out
    assert "did not wait" in outreach("reports", "handled", str(number)).out
    found = outreach("reports", "show", str(number), "--json").document
    assert (found["state"], found["raw"]) == ("looked-at", None)
    assert outreach("reports", "ls", "--unclear", "--json").document["reports"] == []


def test_what_is_not_there_is_refused(here: Installation, tmp_path: Path) -> None:
    for words in (("show", "77"), ("handled", "77"), ("read", str(tmp_path / "none.eml"))):
        refused = outreach("reports", *words)
        assert (refused.code, refused.out) == (1, "")


def test_explain_and_export_tell_what_came_back(here: Installation, tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(dsn(here.path(1), words="no \x1b[31m such user"))
    outreach("reports", "read", str(file))
    story = outreach("campaign", "explain", "spring", "p1@example.org")
    assert "came back hard 5.1.1" in story.out
    assert "\x1b" not in story.out
    found = outreach("campaign", "explain", "spring", "p1@example.org", "--json").document
    assert (found["state"], [each["kind"] for each in found["reports"]]) == ("bounced", ["hard"])
    told = outreach("subscriber", "export", "p1@example.org").document
    assert [(each["kind"], each["campaign"]) for each in told["reports"]] == [("hard", "spring")]
    assert told["suppression"]["reason"] == "hard_bounce"
    assert outreach("campaign", "explain", "spring", "p2@example.org", "--json").document["reports"] == []


def test_a_clock_at_work_looks_into_the_maildir(
    here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = mailbox.Maildir(tmp_path / "box", create=True)
    box.add(dsn(here.path(1)))
    monkeypatch.setenv("OUTREACH_MAILDIR", str(tmp_path / "box"))
    opened, crew, gauges = open_house(config.load()), Crew(), Gauges()
    try:
        wiring.man(crew, opened, senders=0, clock=True, gauges=gauges)
        until(lambda: not list((tmp_path / "box" / "new").iterdir()), "the report is handled and moved")
        assert {part.name for part in crew.parts} == {"maildir", "clock"}
        assert crew.ailments() == {}
        assert gauges.registry.get_sample_value("outreach_reports_total", {"kind": "hard", "state": "handled"}) == 1
    finally:
        assert crew.leave(20) == []
        opened.close()


def test_the_way_in_is_wired_as_the_settings_say(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SOFT_BOUNCES", "7")
    monkeypatch.setenv("OUTREACH_MAILDIR", "/var/mail/reports")
    monkeypatch.setenv("OUTREACH_IMAP_URL", "imaps://u:p@mail.example.org")
    opened = open_house(config.load())
    try:
        assert wiring.terms(opened).soft_bounces == 7
        assert set(wiring.rounds(opened, wiring.mail_in(opened))) == {"maildir", "imap"}
    finally:
        opened.close()
