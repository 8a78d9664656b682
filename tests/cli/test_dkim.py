"""Keys on the command line: made once, never written over, told with their records, changed without a gap."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from outreach import config, materials
from tests.cli import line
from tests.cli.line import Said


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_HOME", "home")
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@Bücher.example>")


def outreach(*arguments: str, code: int = 0) -> Said:
    """Run a command that ends so."""
    said = line.outreach(*arguments)
    assert said.code == code, said.err
    return said


def set_as_told(monkeypatch: pytest.MonkeyPatch, out: str, at: int = 0) -> None:
    """Set what a command says is to be set."""
    for name, value in re.findall(r"export (OUTREACH_DKIM_DOMAIN)=(\S+)", out):
        monkeypatch.setenv(name, value)
    keys = re.findall(r"export OUTREACH_DKIM_KEYS='(.*)'", out)
    monkeypatch.setenv("OUTREACH_DKIM_KEYS", keys[at])


def signing() -> list[str]:
    signer = materials.signer(config.load())
    assert signer is not None
    return [key.selector for key in signer.signing]


def test_a_key_is_made_and_signs_once_what_is_told_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = outreach("dkim", "create", "--selector", "s2026", "--ed25519")
    files = sorted((tmp_path / "home" / "dkim").iterdir())
    names = ["s2026-ed25519.xn--bcher-kva.example.pem", "s2026.xn--bcher-kva.example.pem"]
    assert [file.name for file in files] == names
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert "BEGIN" not in told.out
    set_as_told(monkeypatch, told.out)
    assert signing() == ["s2026", "s2026-ed25519"]
    signer = materials.signer(config.load())
    assert signer is not None
    for record in signer.records:
        assert record.name in (
            "s2026._domainkey.xn--bcher-kva.example",
            "s2026-ed25519._domainkey.xn--bcher-kva.example",
        )
        assert record.line in told.out
        strings = re.findall('"(.*?)"', record.line)
        assert "".join(strings) == record.value
        assert max(map(len, strings)) <= 255


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    outreach("dkim", "create", "--selector", "s1")
    (file,) = (tmp_path / "home" / "dkim").iterdir()
    before = file.read_bytes()
    refused = outreach("dkim", "create", "--selector", "s1", code=1)
    assert "exists already" in refused.err
    assert file.read_bytes() == before
    for _ in range(2):
        outreach("dkim", "create")
    assert len(list(file.parent.iterdir())) == 3


def test_for_which_domain_a_key_is_must_be_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("OUTREACH_FROM")
    assert "--domain" in outreach("dkim", "create", code=1).err
    assert "mail.example.org" in outreach("dkim", "create", "--domain", "Mail.Example.org").out
    assert "clinic.example" in outreach("dkim", "create", "--domain", "no domain", code=2).err
    assert "letters, digits" in outreach("dkim", "create", "--domain", "example.org", "--selector", "../x", code=2).err


def test_the_keys_that_are_set_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outreach("dkim", "show", "--json").document == {"domain": None, "keys": []}
    assert "outreach dkim create" in outreach("dkim", "show").out
    set_as_told(monkeypatch, outreach("dkim", "create", "--domain", "example.org", "--selector", "s1", "--ed25519").out)
    found = outreach("dkim", "show", "--json").document
    assert found["domain"] == "example.org"
    assert [(key["selector"], key["algorithm"], key["signs"], key["name"]) for key in found["keys"]] == [
        ("s1", "rsa-sha256", True, "s1._domainkey.example.org"),
        ("s1-ed25519", "ed25519-sha256", True, "s1-ed25519._domainkey.example.org"),
    ]
    shown = outreach("dkim", "show").out
    assert all(key["line"] in shown and key["file"] in shown for key in found["keys"])


def test_keys_are_changed_in_three_steps_and_at_each_what_is_on_its_way_verifies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "outreach dkim create" in outreach("dkim", "rotate", code=1).err
    set_as_told(monkeypatch, outreach("dkim", "create", "--domain", "example.org", "--selector", "s1", "--ed25519").out)
    told = outreach("dkim", "rotate", "--selector", "s2").out
    steps = []
    for step in range(3):
        set_as_told(monkeypatch, told, step)
        steps.append((signing(), [name for name, _ in config.load().dkim]))
    assert steps == [
        (["s1", "s1-ed25519"], ["s1", "s1-ed25519", "s2", "s2-ed25519"]),
        (["s2", "s2-ed25519"], ["s2", "s2-ed25519", "s1", "s1-ed25519"]),
        (["s2", "s2-ed25519"], ["s2", "s2-ed25519"]),
    ]
    assert set(steps[0][0]) <= set(steps[1][1])  # what was signed last with the old keys
    assert "out of the DNS: s1._domainkey.example.org" in told


def test_one_key_that_was_set_by_itself_moves_into_the_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outreach("dkim", "create", "--domain", "example.org", "--selector", "s1")
    monkeypatch.setenv("OUTREACH_DKIM_DOMAIN", "example.org")
    monkeypatch.setenv("OUTREACH_DKIM_SELECTOR", "s1")
    monkeypatch.setenv("OUTREACH_DKIM_KEY", str(tmp_path / "home" / "dkim" / "s1.example.org.pem"))
    told = outreach("dkim", "rotate").out
    assert "unset OUTREACH_DKIM_SELECTOR OUTREACH_DKIM_KEY" in told
    monkeypatch.delenv("OUTREACH_DKIM_SELECTOR")
    monkeypatch.delenv("OUTREACH_DKIM_KEY")
    set_as_told(monkeypatch, told)
    assert signing() == ["s1"]
