"""`campaign preview | test | check` at the terminal: files where they were asked for, answers, the right exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.house import open_house, prepare
from outreach.store import suppressions
from outreach.store.suppressions import SuppressionReason
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach
from tests.conftest import free_port


@pytest.fixture(autouse=True)
def _campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with a campaign for a list of two people, whose mail goes to a folder."""
    monkeypatch.setenv("OUTREACH_POSTAL_ADDRESS", "1 Road, Town")
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"folder:{tmp_path / 'mail'}")
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=2)
    house.close()
    draft("spring", tmp_path, ARTICLE)


def draft(name: str, folder: Path, article: str) -> None:
    """Make a campaign of an article."""
    file = folder / f"{name}.md"
    file.write_text(article)
    assert outreach("campaign", "create", str(file), "--list", "sample").code == 0


def test_a_preview_names_the_files_that_it_wrote(tmp_path: Path) -> None:
    out = tmp_path / "shown"
    said = outreach("campaign", "preview", "spring", "--out", str(out), "--for", "person1@sample.example.org")
    assert (said.code, said.out.split()) == (0, [str(out / f"spring.{kind}") for kind in ("html", "txt", "eml")])
    assert "person1@sample.example.org" in said.err
    assert "Dear Person 1," in (out / "spring.txt").read_text()


def test_a_preview_as_json_is_one_document(tmp_path: Path) -> None:
    said = outreach("campaign", "preview", "spring", "--out", str(tmp_path), "--json")
    assert said.document == {
        "name": "spring",
        "recipient": "alex.sample@example.com",
        "html": str(tmp_path / "spring.html"),
        "text": str(tmp_path / "spring.txt"),
        "message": str(tmp_path / "spring.eml"),
    }


def test_a_test_mail_is_sent_and_its_answer_told(tmp_path: Path) -> None:
    said = outreach("campaign", "test", "spring", "a@example.org", "b@example.org")
    assert said.code == 0, said
    assert [line.split(" (")[0] for line in said.out.splitlines()] == [
        "a@example.org: accepted",
        "b@example.org: accepted",
    ]
    files = sorted((tmp_path / "mail").rglob("*.eml"))
    assert len(files) == 2
    assert b"Subject: [Test] News for Alex Sample\r\n" in files[0].read_bytes()


def test_a_test_that_is_not_accepted_ends_with_1() -> None:
    house = open_house(config.load())
    with house.store.writing() as session:
        suppressions.add(session, "gone@example.org", SuppressionReason.MANUAL, now=datetime.now(UTC))
    house.close()
    said = outreach("campaign", "test", "spring", "gone@example.org", "a@example.org", "--json")
    assert said.code == 1
    assert [(one["email"], one["accepted"]) for one in said.document] == [
        ("gone@example.org", False),
        ("a@example.org", True),
    ]


def test_a_wrong_address_and_an_absent_relay_are_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    for email in ("no address", "a@example.org"):
        said = outreach("campaign", "test", "spring", email)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("Error: ")


def test_a_sound_campaign_has_no_faults() -> None:
    said = outreach("campaign", "check", "spring")
    assert (said.code, said.out) == (0, "No faults.\n")
    said = outreach("campaign", "check", "spring", "--json")
    assert (said.code, said.document) == (0, {"name": "spring", "faults": [], "approval": None})


def test_faults_are_listed_and_end_with_1(tmp_path: Path) -> None:
    draft("autumn", tmp_path, ARTICLE.replace("here is", "{{ clinic }}"))
    said = outreach("campaign", "check", "autumn")
    assert said.code == 1
    told = " ".join(said.out.split())
    assert "error missing-value 'clinic' is printed without a fallback, and 2 of the list 'sample' have none" in told
    said = outreach("campaign", "check", "autumn", "--json")
    assert said.code == 1
    assert [(fault["severity"], fault["code"]) for fault in said.document["faults"]] == [("error", "missing-value")]


@pytest.mark.parametrize("verb", ["preview", "check"])
def test_a_name_that_is_not_found_suggests_the_nearest(verb: str) -> None:
    said = outreach("campaign", verb, "sprnig")
    assert (said.code, said.out) == (1, "")
    assert "Did you mean 'spring'?" in said.err
