"""The doctor looks at settings, database, relay and key file, and says what to do about each."""

from __future__ import annotations

from pathlib import Path

import pytest

from outreach import config
from outreach.cli import doctor
from outreach.cli.doctor import Finding, State
from outreach.house import prepare
from tests.conftest import free_port


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'outbox'}")


def found(part: str) -> list[Finding]:
    """What the doctor finds of one part."""
    return [finding for finding in doctor.examine() if finding.part == part]


def test_a_database_that_was_never_made_is_a_fault_with_its_remedy() -> None:
    (finding,) = found("database")
    assert finding.state is State.FAULT
    assert "outreach init" in finding.remedy


def test_a_prepared_house_has_a_sound_database() -> None:
    prepare(config.load())[0].close()
    assert [finding.state for finding in found("database")] == [State.OK]


def test_a_relay_that_does_not_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    (finding,) = found("relay")
    assert finding.state is State.FAULT
    assert "OUTREACH_SMTP_URL" in finding.remedy


def test_a_wrong_setting_is_told_instead_of_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_CONNECTIONS", "many")
    (finding,) = doctor.examine()
    assert finding.state is State.FAULT
    assert "OUTREACH_CONNECTIONS" in finding.message


def test_a_misspelt_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMPT_URL", "smtp://127.0.0.1")
    assert any("OUTREACH_SMPT_URL" in finding.message for finding in found("settings"))


def test_a_public_address_behind_a_proxy_that_is_not_trusted_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", "https://news.example.org")
    assert any("OUTREACH_TRUSTED_PROXIES" in finding.remedy for finding in found("settings"))
    monkeypatch.setenv("OUTREACH_TRUSTED_PROXIES", "127.0.0.1/32")
    assert {finding.state for finding in found("settings")} <= {State.OK, State.WARNING}
    assert not any("OUTREACH_TRUSTED_PROXIES" in finding.remedy for finding in found("settings"))


def test_a_secret_key_that_others_can_read_is_a_fault(tmp_path: Path) -> None:
    prepare(config.load())[0].close()
    (tmp_path / "home" / "secret.key").chmod(0o644)
    (finding,) = found("secret key")
    assert finding.state is State.FAULT
    assert "chmod 600" in finding.remedy


def test_wording_rules_that_cannot_be_read_are_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert any("rules say what mail must not hold" in finding.message for finding in found("settings"))
    (tmp_path / "rules.yaml").write_text("en: [")
    monkeypatch.setenv("OUTREACH_WORDING", str(tmp_path / "rules.yaml"))
    (fault,) = [finding for finding in found("settings") if finding.state is State.FAULT]
    assert "rules.yaml, line 1 are no YAML" in fault.message
