"""Pages speak the reader's language, then the browser's, then English; right-to-left ones are laid out so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from outreach.actions import prefer
from outreach.language import Languages
from outreach.store import consents
from outreach.store.database import Store, table_of
from outreach.store.subscribers import Subscriber
from outreach.tracking.token import TokenMaker
from outreach.web import app as web
from tests.web.test_redirect import ask

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
ARABIC = HEAD + 'msgid "Unsubscribe"\nmsgstr "إلغاء الاشتراك"\n'


def speaks(store: Store, language: str) -> None:
    with store.writing() as session:
        session.execute(sa.update(table_of(Subscriber)).values(language=language))


@pytest.mark.parametrize(
    ("known", "wished", "tag"),
    [
        ("", "", "en"),
        ("", "de-DE,en;q=0.5", "de"),
        ("de-CH", "en", "de"),
        ("en", "de", "en"),
        ("fr", "de", "de"),
        ("fr", "nl", "en"),
    ],
)
def test_a_page_speaks_the_readers_language_then_the_browsers(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, *, known: str, wished: str, tag: str
) -> None:
    speaks(sqlite_store, known)
    for kind in ("u", "p"):
        answer = ask(client, path(kind), headers={"Accept-Language": wished})
        page = lxml.html.fromstring(answer.text)
        assert (page.get("lang"), page.get("dir")) == (tag, "ltr")
        assert (answer.headers["content-language"], answer.headers["vary"]) == (tag, "accept-language")
    assert ("Abmelden" in ask(client, path("u"), headers={"Accept-Language": wished}).text) == (tag == "de")


@pytest.mark.parametrize(("where", "status"), [("/nowhere", 404), ("/u/x", 404), ("/healthz", 405)])
def test_what_says_the_same_to_everybody_says_it_in_their_language(
    client: Callable[..., Any], where: str, status: int
) -> None:
    answers = [
        ask(client, where, "GET" if status == 404 else "POST", headers={"Accept-Language": wished})
        for wished in ("de", "en", "")
    ]
    assert {answer.status_code for answer in answers} == {status}
    assert [lxml.html.fromstring(answer.text).get("lang") for answer in answers] == ["de", "en", "en"]


def test_a_tracked_link_that_is_none_is_told_in_german_too(client: Callable[..., Any]) -> None:
    assert "Diese Seite gibt es hier nicht" in ask(client, "/l/x", headers={"Accept-Language": "de"}).text


def test_right_to_left_is_laid_out_so_and_what_is_not_translated_stays(
    app: object, sqlite_store: Store, site: web.Site, *, made: Callable[..., Any], path: Callable[..., str]
) -> None:
    speaks(sqlite_store, "ar-EG")
    other = made(replace(site, languages=Languages({"ar": [ARABIC]})))
    answer = ask(other, path("u"))
    page = lxml.html.fromstring(answer.text)
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    assert "إلغاء الاشتراك" in answer.text
    assert page.xpath("//b[@class='address']/@dir") == ["ltr"]
    (style,) = page.xpath("//style/text()")
    one_sided = ("-left:", "-right:", "text-align: left", "text-align: right", "float:")
    assert [word for word in one_sided if word in style] == []


def test_a_consent_is_kept_in_the_words_that_were_read(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    german = {"Accept-Language": "de"}
    page = lxml.html.fromstring(ask(client, path("p"), headers=german).text)
    form = next(form for form in page.forms if dict(form.fields).get("tracking") == "on")
    wording = form.getparent().xpath("./p/text()")[0].partition("„")[2].rstrip("“")
    ask(client, path("p"), "POST", data=dict(form.fields))  # sent on by a browser that asks for nothing
    with sqlite_store.reading() as session:
        (act,) = consents.of_person(session, 1)
    assert act["wording"] == wording != prefer.WORDING
    assert wording.startswith("Sie dürfen mit meinem Namen aufbewahren")


def test_one_s_own_words_and_pages_win(site: web.Site, made: Callable[..., Any], tmp_path: Any) -> None:
    (tmp_path / "not-found.html").write_text("{% extends 'base.html' %}{% block main %}{{ _('Lost') }}{% endblock %}")
    own = Languages({"de": [HEAD + 'msgid "Lost"\nmsgstr "Verirrt"\n']})
    other = made(replace(site, pages=(tmp_path, *site.pages), languages=own))
    assert "Verirrt" in ask(other, "/x", headers={"Accept-Language": "de"}).text
    assert "Lost" in ask(other, "/x").text


@pytest.fixture
def made(sqlite_store: Store, tokens: TokenMaker, opened: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a client of a web part that stands otherwise in the world."""
    return lambda site: opened(web.make(sqlite_store, tokens, site))
