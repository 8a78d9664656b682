"""`campaign approve`, `check`, and what a strict house asks for, at the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.house import prepare
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach

PLAN = ("campaign", "schedule", "spring", "--at", "2097-01-18 09:00")


@pytest.fixture(autouse=True)
def _spring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign `spring` in the shipped layout, with one warning: the postal address lacks."""
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'mail'}")
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=2)
    house.close()
    (tmp_path / "spring.md").write_text(ARTICLE)
    assert outreach("campaign", "create", str(tmp_path / "spring.md"), "--list", "sample").code == 0


def codes(warnings: list[dict[str, str]]) -> list[str]:
    return [warning["code"] for warning in warnings]


def test_an_approval_is_shown_until_the_content_changes() -> None:
    said = outreach("campaign", "approve", "spring", "--by", "the editor")
    assert (said.code, said.out.startswith("Approved spring as it is now: the editor, content ")) == (0, True)
    assert outreach("campaign", "show", "spring", "--json").document["approval"]["valid"] is True
    assert "Approved by the editor" in outreach("campaign", "check", "spring").out
    assert outreach("campaign", "update", "spring", "--subject", "Other news").code == 0
    shown = outreach("campaign", "show", "spring", "--json").document["approval"]
    assert (shown["by"], shown["valid"]) == ("the editor", False)
    assert "void, since the content was changed" in outreach("campaign", "show", "spring").out
    assert outreach("campaign", "check", "spring", "--json").document["approval"] == shown


def test_an_approval_is_taken_back_once() -> None:
    assert outreach("campaign", "approve", "spring", "--by", "Me", "--json").document["approval"]["by"] == "Me"
    assert outreach("campaign", "approve", "spring", "--withdraw").out == "Withdrew the approval of spring.\n"
    assert outreach("campaign", "approve", "spring", "--withdraw").out == "Nobody had approved spring.\n"
    assert outreach("campaign", "show", "spring", "--json").document["approval"] is None


def test_who_is_at_the_terminal_approves_where_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "editor")
    assert outreach("campaign", "approve", "spring", "--json").document["approval"]["by"] == "editor"


def test_nothing_is_sent_unapproved_where_that_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_APPROVAL", "required")
    for command in (PLAN, ("campaign", "send", "spring", "--wait")):
        said = outreach(*command)
        assert (said.code, said.out) == (1, "")
        assert "Nobody has approved 'spring'" in said.err
    outreach("campaign", "approve", "spring", "--by", "Me")
    assert outreach(*PLAN).code == 0
    assert outreach("campaign", "send", "spring", "--wait").code == 0


def test_warnings_are_told_and_kept_and_refuse_nothing() -> None:
    said = outreach("campaign", "check", "spring")
    assert (said.code, "no-postal-address" in said.out) == (0, True)
    said = outreach(*PLAN)
    assert (said.code, "Warning: There is no postal address" in said.err) == (0, True)
    assert codes(outreach(*PLAN, "--json").document["warnings"]) == ["no-postal-address"]
    shown = outreach("campaign", "show", "spring", "--json").document
    assert (codes(shown["warnings"]), shown["accepted"]) == (["no-postal-address"], None)


def test_a_strict_house_wants_them_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_STRICT", "1")
    assert outreach("campaign", "check", "spring").code == 1
    said = outreach(*PLAN)
    assert (said.code, said.out) == (1, "")
    assert "--accept" in said.err
    assert outreach("campaign", "send", "spring").code == 1
    assert outreach(*PLAN, "--accept").code == 0
    assert codes(outreach("campaign", "show", "spring", "--json").document["accepted"]) == ["no-postal-address"]
    assert outreach("campaign", "check", "spring").code == 0
    assert outreach("campaign", "send", "spring", "--wait").code == 0


def test_ones_own_rules_of_wording_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTREACH_POSTAL_ADDRESS", "1 Road, Town")
    rules = tmp_path / "rules.yaml"
    rules.write_text("en:\n  never:\n    - {words: [the news], severity: error, instead: Say what is new.}\n")
    monkeypatch.setenv("OUTREACH_WORDING", str(rules))
    said = outreach("campaign", "check", "spring", "--json")
    assert (said.code, codes(said.document["faults"])) == (1, ["wording"])
    said = outreach(*PLAN)
    assert (said.code, "Say what is new" in said.err) == (1, True)
    rules.write_text("en:\n  never:\n    - {phrases: [x]}\n")
    assert "The wording rules" in outreach(*PLAN).err
    rules.write_text("")
    assert outreach("campaign", "check", "spring").out == "No faults.\n"


def test_a_sender_at_a_personal_mailbox_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMTP_URL", "smtp://smtp.relay.example:587")
    outreach("campaign", "update", "spring", "--from", "Clinic <clinic@gmail.com>")
    said = outreach(*PLAN)
    assert (said.code, "provider of personal mailboxes" in said.err) == (1, True)
