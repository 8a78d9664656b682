"""`campaign create | ls | show | update | delete` at the terminal: one clear sentence, the right exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.house import prepare
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _house() -> None:
    """An installation with a list of three people."""
    house = prepare(config.load())[0]
    listed(house.store, datetime.now(UTC), people=3)
    house.close()


@pytest.fixture
def article(tmp_path: Path) -> str:
    """The path of an article file."""
    file = tmp_path / "spring.md"
    file.write_text(ARTICLE)
    return str(file)


def test_a_campaign_is_named_after_its_article_and_says_what_comes_next(article: str) -> None:
    said = outreach("campaign", "create", article, "--list", "sample")
    assert (said.code, said.out) == (0, "Created the campaign spring, a draft for the list sample.\n")
    assert "outreach campaign schedule spring --at" in said.err


def test_the_shipped_article_is_known_by_its_name() -> None:
    said = outreach("campaign", "create", "car-t-cell-therapy", "--list", "sample", "--json")
    assert said.code == 0, said.err
    assert (said.document["name"], said.document["state"]) == ("car-t-cell-therapy", "draft")


def test_options_are_kept(article: str) -> None:
    options = ("--name", "mine", "--subject", "S", "--from", "A <a@example.org>", "--reply-to", "b@example.org")
    outreach("campaign", "create", article, "--list", "sample", *options)
    shown = outreach("campaign", "show", "mine", "--json").document
    assert (shown["subject"], shown["from"], shown["reply_to"]) == ("S", "A <a@example.org>", "b@example.org")
    assert (shown["list"], shown["article"], shown["layout"]) == ("sample", "spring", "default")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-article", "--list", "sample"), "no article named 'no-such-article'"),
        (("car-t-cell-therapie", "--list", "sample"), "Did you mean 'car-t-cell-therapy'?"),
        (("car-t-cell-therapy", "--list", "sampel"), "Did you mean 'sample'?"),
        (("car-t-cell-therapy", "--list", "sample", "--layout", "defualt"), "Did you mean 'default'?"),
        (("car-t-cell-therapy", "--list", "sample", "--name", "A B"), "cannot be a campaign's name"),
        (("car-t-cell-therapy", "--list", "sample", "--from", "nobody"), "nobody"),
    ],
)
def test_what_is_wrong_is_one_clear_sentence_and_nothing_is_written(arguments: tuple[str, ...], words: str) -> None:
    said = outreach("campaign", "create", *arguments)
    assert said.code == 1
    assert words in said.err
    assert outreach("campaign", "ls", "--json").document == []


def test_a_name_used_twice_is_refused(article: str) -> None:
    outreach("campaign", "create", article, "--list", "sample")
    said = outreach("campaign", "create", article, "--list", "sample")
    assert said.code == 1
    assert "named 'spring' exists already" in said.err
    assert "--name" in said.err


def test_a_template_error_is_told_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "spring.md"
    file.write_text(ARTICLE.replace("here is the news", "here is {{ name"))
    said = outreach("campaign", "create", str(file), "--list", "sample")
    line = file.read_text().splitlines().index("here is {{ name.") + 1
    assert said.code == 1
    assert f"line {line}" in said.err
    assert "spring" in said.err


def test_an_update_replaces_the_article(article: str) -> None:
    outreach("campaign", "create", article, "--list", "sample")
    said = outreach("campaign", "update", "spring", "--article", "car-t-cell-therapy", "--subject", "New", "--json")
    assert said.code == 0, said.err
    assert (said.document["article"], said.document["subject"]) == ("car-t-cell-therapy", "New")


def test_an_update_of_nothing_is_wrong_usage(article: str) -> None:
    outreach("campaign", "create", article, "--list", "sample")
    assert outreach("campaign", "update", "spring").code == 2


def test_the_table_shows_every_campaign(article: str) -> None:
    assert "There is no campaign yet" in outreach("campaign", "ls").err
    outreach("campaign", "create", article, "--list", "sample")
    outreach("campaign", "create", article, "--list", "sample", "--name", "second")
    assert [found["name"] for found in outreach("campaign", "ls", "--json").document] == ["second", "spring"]
    assert "spring" in outreach("campaign", "ls").out


def test_a_deleted_campaign_is_gone_and_a_wrong_name_suggests_the_nearest(article: str) -> None:
    outreach("campaign", "create", article, "--list", "sample")
    missed = outreach("campaign", "delete", "sprnig")
    assert (missed.code, "Did you mean 'spring'?" in missed.err) == (1, True)
    assert outreach("campaign", "delete", "spring").code == 0
    assert outreach("campaign", "show", "spring").code == 1


def test_a_campaign_is_public_only_where_its_list_is_and_the_publisher_says_so(article: str) -> None:
    refused = outreach("campaign", "create", article, "--list", "sample", "--public")
    assert refused.code == 1
    assert "outreach list update sample --public" in refused.err
    outreach("list", "update", "sample", "--public")
    assert not outreach("campaign", "create", article, "--list", "sample", "--json").document["public"]
    assert outreach("campaign", "update", "spring", "--public", "--json").document["public"]
    assert not outreach("campaign", "update", "spring", "--private", "--json").document["public"]


def test_what_needs_a_name_cannot_be_read_by_everybody(tmp_path: Path) -> None:
    file = tmp_path / "personal.md"
    file.write_text(ARTICLE.replace("\n---\n", "\n---\nDear {{ name }},\n\n", 1))
    outreach("list", "update", "sample", "--public")
    refused = outreach("campaign", "create", str(file), "--list", "sample", "--public")
    assert (refused.code, "'name' is printed without a fallback" in refused.err) == (1, True)
    assert "{{ name | fallback('...') }}" in refused.err
    assert outreach("campaign", "ls", "--json").document == []


def test_the_archive_may_have_a_campaign_or_not_after_its_launch_too(article: str) -> None:
    outreach("list", "update", "sample", "--public")
    sender = ("--from", "A <a@example.org>")
    assert outreach("campaign", "create", article, "--list", "sample", *sender).code == 0
    assert outreach("campaign", "send", "spring").code == 0
    before = outreach("campaign", "show", "spring", "--json").document
    after = outreach("campaign", "update", "spring", "--public", "--json").document
    assert after == {**before, "public": True}
    assert outreach("campaign", "update", "spring", "--public", "--subject", "x").code == 1
