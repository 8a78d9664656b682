"""The doctor says whether bounces and complaints can come in, and what waits of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import address, config, house
from outreach.actions import collect
from outreach.cli import doctor
from outreach.cli.doctor import Finding, State
from outreach.tracking.token import TokenMaker
from tests.actions.returned import complaint, dsn
from tests.conftest import free_port
from tests.replies.hooks import signed


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'outbox'}")
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@clinic.example>")
    house.prepare(config.load())[0].close()


def found() -> list[Finding]:
    """What the doctor finds of reports."""
    return [finding for finding in doctor.examine() if finding.part == "reports"]


def test_without_a_return_path_nobody_counts_bounces() -> None:
    (finding,) = found()
    assert finding.state is State.WARNING
    assert "OUTREACH_RETURN_PATH" in finding.remedy


def test_a_return_path_that_nothing_takes_in_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@news.clinic.example")
    (finding,) = found()
    assert (finding.state, "nothing takes them in" in finding.message) == (State.WARNING, True)
    monkeypatch.setenv("OUTREACH_INBOX", "lmtp://127.0.0.1:2424")
    (finding,) = found()
    assert finding.state is State.OK


def test_a_return_path_elsewhere_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_INBOX", "lmtp://127.0.0.1:2424")
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@other.example")
    _, finding = found()
    assert (finding.state, "clinic.example" in finding.remedy) == (State.WARNING, True)


def test_a_maildir_and_a_mailbox_that_cannot_be_used_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@news.clinic.example")
    monkeypatch.setenv("OUTREACH_MAILDIR", "nowhere")
    monkeypatch.setenv("OUTREACH_IMAP_URL", f"imaps://u:hunter2word@localhost:{free_port()}")
    _, maildir, imap = found()
    assert (maildir.state, imap.state) == (State.FAULT, State.FAULT)
    assert "OUTREACH_IMAP_URL" in imap.remedy
    assert "hunter2word" not in imap.message


def test_what_waits_and_what_proved_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@news.clinic.example")
    monkeypatch.setenv("OUTREACH_INBOX", "lmtp://127.0.0.1:2424")
    opened = house.open_house(config.load())
    terms = collect.Terms(TokenMaker(opened.keys), address.parse("bounces@news.clinic.example"))
    for mail in (complaint("fbl@news.clinic.example"), dsn("bounces@news.clinic.example")):
        collect.message(opened.store, mail, source="listener", terms=terms, now=datetime.now(UTC))
    opened.close()
    _, unclear, unproved = found()
    assert "`outreach reports ls --unclear`" in unclear.remedy
    assert unproved.message.startswith("1 bounces or complaints of the last 30 days had no token")


def test_each_webhook_that_is_set_up_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_WEBHOOK_MAILGUN_KEY", signed.MAILGUN_KEY)
    monkeypatch.setenv("OUTREACH_WEBHOOK_SES_TOPIC", signed.TOPIC)
    lines = found()
    assert [each.state for each in lines if "/hooks/" in each.message] == [State.WARNING] * 2  # only we can reach it
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", "https://news.clinic.example")
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@clinic.example")
    lines = [each for each in found() if "/hooks/" in each.message]
    assert [each.state for each in lines] == [State.OK] * 2
    assert [each.message.rpartition("/")[2] for each in lines] == ["ses.", "mailgun."]
    assert signed.MAILGUN_KEY not in repr(found())


def test_ses_without_a_return_path_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends under a Message-ID of its own, so the return path alone tells which message an event is about."""
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", "https://news.clinic.example")
    monkeypatch.setenv("OUTREACH_WEBHOOK_SES_TOPIC", signed.TOPIC)
    assert any("OUTREACH_RETURN_PATH" in each.remedy for each in found())
    monkeypatch.setenv("OUTREACH_RETURN_PATH", "bounces@clinic.example")
    assert [each.state for each in found() if each.state is not State.OK] == []
