"""`campaign proof` at the terminal: the bytes that left, and whether a file holds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outreach import config, house
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach
from tests.conftest import NOW

WHO = "person0@sample.example.org"


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What one person was sent, signed; the campaign is `spring`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'out'}")
    opened = house.prepare(config.load())[0]
    listed(opened.store, NOW, people=2)
    opened.close()
    (tmp_path / "spring.md").write_text(ARTICLE)
    assert outreach("dkim", "create", "--domain", "example.org", "--selector", "s1").code == 0
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "example.org")
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", f"s1={tmp_path / 'home' / 'dkim' / 's1.example.org.pem'}")
    assert outreach("campaign", "create", "spring.md", "--list", "sample").code == 0
    assert outreach("campaign", "send", "spring", "--wait").code == 0
    (envelope,) = (file for file in (tmp_path / "out").glob("*.json") if json.loads(file.read_text())["rcpt_to"] == WHO)
    return envelope.with_suffix(".eml").read_bytes()


def test_what_was_sent_is_written_again_and_proven(message: bytes, tmp_path: Path) -> None:
    said = outreach("campaign", "proof", "spring", WHO, "--out", "again.eml")
    assert said.code == 0, said.err
    assert "is what left, byte for byte" in said.out
    assert (tmp_path / "again.eml").read_bytes() == message
    assert message.startswith(b"DKIM-Signature:")
    found = outreach("campaign", "proof", "spring", WHO, "--file", "again.eml", "--json")
    assert found.code == 0
    assert (found.document["state"], found.document["matches"]) == ("sent", True)
    assert len(found.document["digest"]) == 64


def test_another_message_is_refused_with_what_it_says_otherwise(message: bytes, tmp_path: Path) -> None:
    assert b"Person 0" in message
    (tmp_path / "forged.eml").write_bytes(message.replace(b"Person 0", b"Person X"))
    said = outreach("campaign", "proof", "spring", WHO, "--file", "forged.eml")
    assert said.code == 1
    assert "'Person X' in the file, 'Person 0' made again" in said.out
    (tmp_path / "other.eml").write_bytes(b"From: a@example.org\r\n\r\nHello\r\n")
    other = outreach("campaign", "proof", "spring", WHO, "--file", "other.eml", "--json")
    assert (other.code, other.document["matches"]) == (1, False)
    assert "no message of this campaign" in other.document["why"]
    assert outreach("campaign", "proof", "spring", WHO, "--file", "absent.eml").code == 1
    assert outreach("campaign", "proof", "spring", "nobody@example.org").code == 1


def test_with_the_person_the_proof_is_erased(message: bytes, tmp_path: Path) -> None:
    (tmp_path / "kept.eml").write_bytes(message)
    assert outreach("subscriber", "erase", WHO, "--yes").code == 0
    assert outreach("campaign", "proof", "spring", WHO, "--file", "kept.eml").code == 1
