"""`outreach suppression ...` and `outreach consent ...`"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from outreach import config
from outreach.house import open_house
from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _installed() -> None:
    outreach("init")


def test_what_is_exported_is_imported_by_another_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is never mailed" in outreach("suppression", "add", "@example.com", "--note", "a, b").out
    outreach("subscriber", "suppress", "ann@example.org")
    file = tmp_path / "suppressed.csv"
    assert "Wrote 2 entries" in outreach("suppression", "export", str(file)).out
    assert outreach("suppression", "export", "-").out.replace("\r\n", "\n") == file.read_text()
    told = outreach("suppression", "ls", "--json").document
    monkeypatch.setenv("OUTREACH_HOME", str(tmp_path / "other"))
    outreach("init")
    assert outreach("suppression", "import", str(file), "--json").document["added"] == 2
    again = outreach("suppression", "import", str(file))
    assert again.code == 0
    there = outreach("suppression", "ls", "--json").document
    assert there["counts"] == told["counts"]
    assert [each["entry"] for each in there["entries"]] == ["@example.com", "ann@example.org"]
    assert there["entries"][0]["note"] == "a, b"


def test_taking_back_wants_a_reason_and_something_made_by_hand() -> None:
    outreach("suppression", "add", "ann@example.org")
    assert outreach("suppression", "remove", "ann@example.org").code == 2
    assert outreach("suppression", "remove", "bob@example.org", "--reason", "x").code == 1
    assert "may be mailed again" in outreach("suppression", "remove", "ann@example.org", "--reason", "phoned").out
    assert outreach("suppression", "ls", "--json").document["entries"] == []
    assert "manual 0" in outreach("suppression", "ls").out


def test_bad_rows_are_told_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("email\nann@example.org\nnobody\n")
    told = outreach("suppression", "import", str(file))
    assert told.code == 0
    assert "line 3" in told.out
    assert outreach("suppression", "import", str(tmp_path / "none.csv")).code == 1


def test_a_ledger_is_verified_and_a_change_is_exit_code_1() -> None:
    outreach("list", "create", "news")
    outreach("subscriber", "add", "ann@example.org", "--list", "news", "--consent", "Yes")
    outreach("subscriber", "add", "bob@example.org", "--list", "news", "--consent", "Yes")
    sound = outreach("consent", "verify", "--json")
    assert (sound.code, sound.document["entries"], sound.document["links"]) == (0, 2, 2)
    head = sound.document["head"]
    assert head in outreach("consent", "verify").out
    assert outreach("consent", "verify", "--head", head, "--json").document["noted_at"] == 2
    assert outreach("consent", "verify", "--head", "00").code == 1
    unknown = outreach("consent", "verify", "--head", "00" * 32)
    assert (unknown.code, "nowhere in the chain" in unknown.out) == (1, True)
    house = open_house(config.load())
    with house.store.writing() as session:
        session.execute(sa.text("UPDATE consent SET act = 'withdrawn' WHERE id = 2"))
    house.close()
    broken = outreach("consent", "verify")
    assert broken.code == 1
    assert "link 2, entry 2" in broken.out
    assert outreach("consent", "verify", "--json").document["faults"][0]["entry"] == 2
