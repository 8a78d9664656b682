"""The doctor says how mail is signed, what the DNS must hold, and what is wrong with the key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from outreach.cli import doctor
from outreach.cli.doctor import Finding, State
from outreach.message import dkimkey


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A key file that only its owner reads, and the settings that name it."""
    file = tmp_path / "dkim.pem"
    file.touch(mode=0o600)
    form = serialization.PrivateFormat.PKCS8
    made = rsa.generate_private_key(65537, 2048)
    file.write_bytes(made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "example.org")
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "s2026")
    monkeypatch.setenv("OUTREACH_DKIM_KEY", str(file))
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@mail.example.org>")
    return file


@pytest.fixture(autouse=True)
def _no_relay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "_relay", lambda _: Finding("relay", State.OK, "not asked"))


def of_the_signature() -> list[Finding]:
    return [finding for finding in doctor.examine() if finding.part == "signature"]


def test_unsigned_mail_is_a_warning_that_names_the_way_out() -> None:
    (found,) = of_the_signature()
    assert found.state is State.WARNING
    assert "outreach dkim create" in found.remedy


def test_the_record_for_the_dns_is_told(key: Path) -> None:
    (found,) = of_the_signature()
    assert found.state is State.OK
    assert 's2026._domainkey.example.org. IN TXT "v=DKIM1; k=rsa; p=MII' in found.remedy


def test_each_key_is_told_in_a_line_with_what_it_does(
    monkeypatch: pytest.MonkeyPatch, key: Path, tmp_path: Path
) -> None:
    for name, ed25519 in (("e1", True), ("s2027", False)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(dkimkey.made(name, ed25519=ed25519).pem())
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", f"e1={tmp_path / 'e1'},s2027={tmp_path / 's2027'}")
    assert [found.message for found in of_the_signature()] == [
        "The key s2026 (RSA 2048) of example.org signs.",
        "The key e1 (Ed25519) of example.org signs.",
        "The key s2027 (RSA 2048) of example.org does not sign (it is to sign next, or has signed).",
    ]


def test_a_key_that_cannot_sign_is_a_fault(key: Path) -> None:
    key.write_text("nothing")
    (found,) = of_the_signature()
    assert found.state is State.FAULT
    assert found.message == f"OUTREACH_DKIM_KEY is {str(key)!r}: it holds no private key in PEM form."


def test_a_key_that_others_can_read_is_a_fault(key: Path) -> None:
    key.chmod(0o640)
    _, found = of_the_signature()
    assert (found.state, found.remedy) == (State.FAULT, f"Run: chmod 600 {key}")


def test_a_signature_for_another_domain_than_the_sender_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, key: Path
) -> None:
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@example.com>")
    _, found = of_the_signature()
    assert found.state is State.WARNING
    assert "mail is from example.com" in found.message
