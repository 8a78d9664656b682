"""`outreach list ...`"""

from __future__ import annotations

import pytest

from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _installed() -> None:
    outreach("init")


def test_a_list_is_made_and_shown() -> None:
    made = outreach("list", "create", "spring-news", "--title", "News in spring", "--tracking", "aggregate")
    assert made.code == 0
    assert "spring-news" in made.out
    found = outreach("list", "show", "spring-news", "--json").document
    assert (found["title"], found["tracking"], found["confirmed"]) == ("News in spring", "aggregate", 0)
    assert outreach("list", "ls", "--json").document == [found]
    assert "News in spring" in outreach("list", "ls").out
    assert "aggregate" in outreach("list", "show", "spring-news").out


def test_no_list_yet_is_said() -> None:
    assert outreach("list", "ls", "--json").document == []
    assert "no list yet" in outreach("list", "ls").out


def test_a_name_that_is_not_there_suggests_the_nearest() -> None:
    outreach("list", "create", "news")
    missing = outreach("list", "show", "nwes")
    assert missing.code == 1
    assert "'news'" in missing.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("create", "Bad Name"), 1), (("create", "news"), 1), (("create", "x", "--tracking", "all"), 2), (("create",), 2)],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], code: int) -> None:
    outreach("list", "create", "news")
    said = outreach("list", *arguments)
    assert said.code == code
    assert "Traceback" not in said.err


def test_a_list_is_changed_and_what_is_not_given_stays() -> None:
    outreach("list", "create", "news", "--title", "News")
    changed = outreach("list", "update", "news", "--tracking", "off")
    assert (changed.code, "off" in changed.out) == (0, True)
    outreach("list", "update", "news", "--title", "  Good   news ")
    found = outreach("list", "show", "news", "--json").document
    assert (found["title"], found["tracking"]) == ("Good news", "off")
    assert outreach("list", "update", "nwes", "--tracking", "off").code == 1


def test_a_list_is_private_until_the_publisher_says_otherwise() -> None:
    outreach("list", "create", "news")
    outreach("list", "create", "open", "--public")
    assert {each["name"]: each["public"] for each in outreach("list", "ls", "--json").document} == {
        "news": False, "open": True,
    }  # fmt: skip
    said = outreach("list", "update", "news", "--public", "--title", "Our  news")
    assert (said.code, said.out) == (
        0,
        "The list 'news': readers see “Our news”; it is public; links are counted: individual.\n",
    )
    outreach("list", "update", "open", "--private")
    shown = {each["name"]: (each["title"], each["public"]) for each in outreach("list", "ls", "--json").document}
    assert shown == {"news": ("Our news", True), "open": ("Open", False)}


@pytest.mark.parametrize(
    ("arguments", "code"), [(("news",), 2), (("nwes", "--public"), 1), (("news", "--title", "x" * 201), 1)]
)
def test_an_update_that_cannot_be_is_refused(arguments: tuple[str, ...], code: int) -> None:
    outreach("list", "create", "news")
    assert outreach("list", "update", *arguments).code == code
    assert outreach("list", "show", "news", "--json").document["title"] == "News"


def test_a_public_list_has_a_form_for_other_pages_and_a_private_one_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_PUBLIC_URL", "https://news.example")
    outreach("list", "create", "news", "--title", "News <&>")
    refused = outreach("list", "form", "news")
    assert (refused.code, "--public" in refused.err) == (1, True)
    outreach("list", "update", "news", "--public")
    form = outreach("list", "form", "news").out
    assert 'action="https://news.example/subscribe/news"' in form
    assert "News &lt;&amp;&gt;" in form
    assert all(f'name="{field}"' in form for field in ("email", "name", "consent", "language", "website"))
