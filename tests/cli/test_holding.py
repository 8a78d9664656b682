"""What limits hold back is told by `campaign send --wait`, `campaign status` and `doctor`, in words that help."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.cli import doctor
from outreach.cli.doctor import State
from outreach.house import open_house, prepare
from outreach.store import pace, slowdowns
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach
from tests.conftest import free_port


@pytest.fixture(autouse=True)
def _spring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign `spring` for a list of five people, written to a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'out'}")
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=5)
    house.close()
    (tmp_path / "spring.md").write_text(ARTICLE)
    assert outreach("campaign", "create", "spring.md", "--list", "sample", "--name", "spring").code == 0


def of(part: str) -> list[tuple[State, str]]:
    return [(finding.state, finding.message) for finding in doctor.examine() if finding.part == part]


def test_a_warm_up_that_holds_mail_back_is_told_and_send_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_WARMUP", "2,20")
    said = outreach("campaign", "send", "spring", "--wait")
    assert said.code == 0, said.err
    assert "2 sent" in said.out
    assert "3 wait for tomorrow's budget" in said.err
    told = outreach("campaign", "status", "spring").err
    assert "The warm-up of example.org lets 2 leave today: none is left until" in told
    ((state, words),) = of("pace")
    assert state is State.WARNING
    assert words in told
    assert outreach("campaign", "status", "spring", "--json").document["queued"] == 3


def test_a_days_budget_is_told_with_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_RATE", "1000/s,1000/d")
    said = outreach("campaign", "send", "spring", "--wait")
    assert "5 sent" in said.out
    assert "wait" not in said.err
    assert of("pace") == [(State.OK, "The limit for everything lets 1,000 leave today: 995 still may.")]


def test_without_limits_nothing_is_said_of_them() -> None:
    assert outreach("campaign", "send", "spring", "--wait").code == 0
    assert of("pace") == []
    assert "leave today" not in outreach("campaign", "status", "spring").err


def test_a_slowed_provider_is_told() -> None:
    house = open_house(config.load())
    with house.store.writing() as session:
        now = pace.clock(session)
        slowdowns.note(session, {"google": (0, 40)}, now - 9)
        slowdowns.note(session, {"google": (0, 40)}, now)
    house.close()
    ((state, words),) = of("pace")
    assert state is State.WARNING
    assert words.startswith("google puts messages off and gets")


def test_each_relay_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [free_port(), free_port()]
    monkeypatch.setenv("OUTREACH_SMTP_URL", " ".join(f"smtp://127.0.0.1:{port}" for port in ports))
    found = of("relay")
    assert [state for state, _ in found] == [State.FAULT, State.FAULT]
    assert [str(port) in words for port, (_, words) in zip(ports, found, strict=True)] == [True, True]
