"""The archive: only what a publisher made public, written to nobody, with a feed that readers understand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa
from lxml import etree

from outreach import config
from outreach.actions import compose, initialise
from outreach.actions.compose import Defaults
from outreach.store import archive, campaigns, links
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.lists import MailingList
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import app as web
from outreach.web import archive as archive_page
from tests.web.test_redirect import ask

NAMES = {"atom": "http://www.w3.org/2005/Atom"}
DEFAULTS = Defaults(
    "Clinic <news@clinic.example>", None, "1 Street", "https://clinic.example/quote?a=1&b=2", "https://news.example"
)

ARTICLE = """---
title: Title {number}
subject: "Letter {number}{{{{ ', ' ~ name if name }}}}"
preheader: In short, {{{{ name | fallback('reader') }}}}
language: {language}
links:
  quote:
---
Dear {{{{ name | fallback('reader') }}}} of {{{{ city | fallback('your city') }}}},

**[A quote](quote)** and [more](https://more.example/?x='1'&y=2)
"""


def publish(store: Store, number: int, *, language: str = "en", list_id: int = 1, at: datetime | None = None) -> int:
    """A campaign that was sent and is public; its number."""
    at = at or datetime.now(UTC) - timedelta(hours=1)
    folder = config.shipped("templates") / "email" / "default"
    with store.writing() as session:
        group = session.get_one(MailingList, list_id)
        group.public = True
        campaign = Campaign(
            name=f"letter-{number}", list_id=list_id, state=CampaignState.FINISHED, article_name="letter.md",
            article=ARTICLE.format(number=number, language=language), layout_name="default", public=True,
            layout={file.name: file.read_text() for file in folder.iterdir() if file.is_file()}, created_at=at,
            updated_at=at, launched_at=at,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        assert campaign.id is not None
        compiled = compose.campaign(campaign, group, DEFAULTS, date=at, tracked=True)
        campaigns.store_compiled(session, campaign.id, compiled.to_bytes())
        links.add_all(session, campaign.id, compiled.links)
        return campaign.id


def change(store: Store, model: Any, number: int, **values: Any) -> None:
    table = table_of(model)
    with store.writing() as session:
        session.execute(sa.update(table).where(table.c.id == number).values(**values))


def test_where_nothing_is_public_there_is_no_archive(client: Callable[..., Any]) -> None:
    for path in ("/archive", "/feed.xml", "/archive/1", "/archive/x", "/archive/99999999999999999999"):
        assert ask(client, path).content == ask(client, "/nowhere").content
        assert ask(client, path).status_code == 404


def test_a_letter_names_nobody_and_holds_no_token(client: Callable[..., Any], sqlite_store: Store) -> None:
    number = publish(sqlite_store, 7)
    answer = ask(client, f"/archive/{number}")
    page = lxml.html.fromstring(answer.text)
    assert answer.status_code == 200
    assert "Dear reader of your city," in page.text_content()
    hrefs = page.xpath("//a/@href")
    assert hrefs == ["/archive", "https://clinic.example/quote?a=1&b=2", "https://more.example/?x='1'&y=2"]
    for word in ("Unsubscribe", "You receive this", "View in browser", "Maria", "maria", ".invalid", "news.example/"):
        assert word not in answer.text
    assert "It is sent by Clinic, news@clinic.example." in page.text_content()


def test_a_letter_may_be_kept_and_found_but_runs_nothing(client: Callable[..., Any], sqlite_store: Store) -> None:
    headers = ask(client, f"/archive/{publish(sqlite_store, 1)}").headers
    assert headers["cache-control"] == "public, max-age=300"
    assert "x-robots-tag" not in headers
    assert headers["content-security-policy"].startswith("default-src 'none'; img-src https://news.example data:; ")
    assert "script" not in headers["content-security-policy"]


def test_the_list_shows_the_newest_first_and_page_by_page(
    client: Callable[..., Any], sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_page, "PAGE", 2)
    numbers = [publish(sqlite_store, each, language="de" if each == 2 else "en") for each in range(1, 6)]
    seen, where = [], "/archive"
    while where:
        page = lxml.html.fromstring(ask(client, where).text)
        seen += page.xpath("//ol[@class='letters']//a/text()")
        where = next(iter(page.xpath("//a[@rel='next']/@href")), "")
    assert seen == [f"Letter {each}" for each in (5, 4, 3, 2, 1)]
    page = lxml.html.fromstring(ask(client, f"/archive?before={numbers[2]}").text)
    assert page.xpath("//ol//a/@href") == [f"/archive/{numbers[1]}", f"/archive/{numbers[0]}"]
    assert page.xpath("//ol//a/@lang") == ["de", "en"]
    assert page.xpath("//meta[@name='robots']") == []
    assert ask(client, "/archive?before=x").status_code == 404


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Campaign, {"public": False}),
        (MailingList, {"public": False}),
        (Campaign, {"launched_at": None}),
        *((Campaign, {"state": state}) for state in ("draft", "scheduled", "paused", "cancelled")),
    ],
)
def test_what_is_not_public_any_more_or_was_stopped_is_not_here(
    client: Callable[..., Any], sqlite_store: Store, model: Any, values: dict[str, Any]
) -> None:
    number = publish(sqlite_store, 1)
    publish(sqlite_store, 2, list_id=2)
    assert ask(client, f"/archive/{number}").status_code == 200
    change(sqlite_store, model, 1 if model is MailingList else number, **values)
    assert ask(client, f"/archive/{number}").content == ask(client, "/nowhere").content
    assert "Letter 1" not in ask(client, "/archive").text
    assert "Letter 1" not in ask(client, "/feed.xml").text
    assert "Letter 2" in ask(client, "/archive").text


def test_a_link_that_nobody_may_follow_leads_nowhere(client: Callable[..., Any], sqlite_store: Store) -> None:
    number = publish(sqlite_store, 1)
    link = table_of(links.Link)
    with sqlite_store.writing() as session:
        session.execute(sa.update(link).where(link.c.campaign_id == number).values(url="javascript:alert(1)"))
    assert "javascript" not in ask(client, f"/archive/{number}").text


def test_a_letter_that_cannot_be_written_to_nobody_is_left_out(client: Callable[..., Any], sqlite_store: Store) -> None:
    number = publish(sqlite_store, 1)
    publish(sqlite_store, 2)
    compiled = table_of(campaigns.CompiledCampaign)
    with sqlite_store.writing() as session:
        session.execute(sa.delete(compiled).where(compiled.c.campaign_id == number))
    assert ask(client, f"/archive/{number}").status_code == 404
    assert "Letter 1" not in ask(client, "/feed.xml").text


def test_the_feed_is_an_atom_feed(client: Callable[..., Any], sqlite_store: Store) -> None:
    """Every element that RFC 4287 wants (4.1.1, 4.1.2), once, with ids that stay the same wherever it is read."""
    initialise.fingerprint(sqlite_store, "f")
    at = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
    numbers = [publish(sqlite_store, 1, at=at), publish(sqlite_store, 2, language="de", at=at + timedelta(days=1))]
    answer = ask(client, "/feed.xml")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = etree.fromstring(answer.content)
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    for name in ("id", "title", "updated", "author/atom:name"):
        assert len(feed.xpath(f"atom:{name}", namespaces=NAMES)) == 1, name
    assert feed.xpath("string(atom:updated)", namespaces=NAMES) == "2026-03-03T09:30:15Z"
    assert feed.xpath("string(atom:link[@rel='self']/@href)", namespaces=NAMES) == "https://news.example/feed.xml"
    entries = feed.xpath("atom:entry", namespaces=NAMES)
    assert [entry.xpath("string(atom:title)", namespaces=NAMES) for entry in entries] == ["Letter 2", "Letter 1"]
    assert [entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in entries] == ["de", "en"]
    for entry, number in zip(entries, reversed(numbers), strict=True):
        for name in ("id", "title", "updated", "published", "summary", "link[@rel='alternate']"):
            assert len(entry.xpath(f"atom:{name}", namespaces=NAMES)) == 1, name
        assert entry.xpath("string(atom:link/@href)", namespaces=NAMES) == f"https://news.example/archive/{number}"
        assert entry.xpath("string(atom:id)", namespaces=NAMES).startswith("urn:uuid:")
        assert entry.xpath("string(atom:summary)", namespaces=NAMES) == "In short, reader"
    ids = feed.xpath("//atom:id/text()", namespaces=NAMES)
    assert len(set(ids)) == 3
    assert etree.fromstring(ask(client, "/feed.xml").content).xpath("//atom:id/text()", namespaces=NAMES) == ids


def test_below_a_path_of_its_own_every_link_holds_that_path(
    app: object, sqlite_store: Store, tokens: TokenMaker, *, site: web.Site, opened: Callable[..., Any]
) -> None:
    number = publish(sqlite_store, 1)
    below = opened(web.make(sqlite_store, tokens, replace(site, public_url="https://clinic.example/letters")))
    page = lxml.html.fromstring(ask(below, "/archive").text)
    assert page.xpath("//ol//a/@href") == [f"/letters/archive/{number}"]
    assert page.xpath("//link/@href") == ["/letters/feed.xml"]
    assert lxml.html.fromstring(ask(below, f"/archive/{number}").text).xpath("//nav/a/@href") == ["/letters/archive"]
    left = lxml.html.fromstring(ask(below, "/u/" + unsubscribe_token(tokens), "POST").text)
    assert left.xpath("//main//a/@href")[0].startswith("/letters/p/")


def unsubscribe_token(tokens: TokenMaker) -> str:
    return tokens.make(Purpose.UNSUBSCRIBE, 1)


@pytest.mark.parametrize("path", ["/archive", "/feed.xml", "/archive/1"])
def test_the_archive_is_only_read(client: Callable[..., Any], path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = ask(client, path, method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_archive_of_many_campaigns_is_read_by_its_index(sqlite_store: Store) -> None:
    asked: list[str] = []
    sa.event.listen(sqlite_store.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    with sqlite_store.reading() as session:
        archive.issues(session, limit=20)
        plan = (
            session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1]}", (1,) * asked[-1].count("?")).all()
        )
    assert any("ix_campaign_public" in str(row[-1]) for row in plan), plan
