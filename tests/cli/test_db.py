"""`db copy` at the terminal: what it says, and what every other command says afterwards."""

from __future__ import annotations

import pytest

from tests.cli.line import outreach


@pytest.fixture
def there(empty_postgresql: str) -> str:
    """The URL of an empty database, with a password in it."""
    assert outreach("init").code == 0
    assert outreach("list", "create", "sample").code == 0
    return empty_postgresql.replace("outreach@", "outreach:hidden-word@")


def test_it_tells_what_was_copied_and_what_to_set_and_no_password(there: str) -> None:
    said = outreach("db", "copy", "--to", there)
    assert said.code == 0, said.err
    assert "Copied 3 rows to postgresql" in said.out
    assert "Now set OUTREACH_DATABASE_URL=postgresql+psycopg://outreach:***@" in said.out
    assert "hidden-word" not in said.out + said.err


def test_afterwards_the_old_one_is_refused_by_name_and_the_new_one_works(
    there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = outreach("db", "copy", "--to", there, "--json").document
    assert (told["tables"]["mailing_list"], told["rows"]) == (1, 3)
    assert told["next"]["OUTREACH_DATABASE_URL"].startswith("postgresql+psycopg://outreach:***@")
    for command in (("list", "ls"), ("init",), ("list", "create", "other")):
        said = outreach(*command)
        assert said.code == 1, command
        assert "was moved to postgresql+psycopg://outreach:***@" in said.err
        assert "OUTREACH_DATABASE_URL" in said.err
        assert "hidden-word" not in said.err
    monkeypatch.setenv("OUTREACH_DATABASE_URL", there)
    assert [row["name"] for row in outreach("list", "ls", "--json").document] == ["sample"]
    assert outreach("list", "create", "other").code == 0


def test_a_target_that_cannot_be_reached_is_one_clear_refusal(there: str) -> None:
    said = outreach("db", "copy", "--to", "postgresql+psycopg://outreach:hidden-word@127.0.0.1:9/none")
    assert said.code == 1
    assert "cannot be used" in said.err
    assert "hidden-word" not in said.err
    assert outreach("list", "ls").code == 0


def test_a_target_that_is_in_use_is_refused(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("OUTREACH_DATABASE_URL", there)
        assert outreach("init").code == 0
    said = outreach("db", "copy", "--to", there)
    assert said.code == 1
    assert "is not empty" in said.err
