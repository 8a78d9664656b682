"""A mail in the browser: this person's words, links and nothing that could run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from outreach import address, config
from outreach.message import article
from outreach.message import compile as compiler
from outreach.message.headers import Identity
from outreach.message.template import Layout
from outreach.store import campaigns
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from outreach.store.subscribers import Subscriber
from tests.conftest import NOW
from tests.web.test_redirect import ask

ARTICLE = """---
title: Spring
subject: Spring
links:
  quote: https://clinic.example/quote
---
Dear {{ name | fallback('reader') }} of {{ city | fallback('your city') }},

![A door](door.png)

**[Receive a Free Medical Quote](quote)**
"""


@pytest.fixture(autouse=True)
def _launched(client: Callable[..., Any], sqlite_store: Store) -> None:
    folder = config.shipped("templates") / "email" / "default"
    sources = {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
    identity = Identity(
        sender=address.parse_mailbox("Clinic <news@clinic.example>"), reply_to=None, subject="Spring",
        postal_address="1 Street", list_name="sample", list_title="Sample", public_url="https://news.example",
    )  # fmt: skip
    parsed = article.parse(ARTICLE, file="spring.md")
    images = {"door.png": b"\x89PNG\r\n\x1a\n" + bytes(200)}
    compiled = compiler.campaign(parsed, Layout("default", sources), identity, date=NOW, images=images)
    with sqlite_store.writing() as session:
        campaigns.store_compiled(session, 1, compiled.to_bytes())
        session.get_one(Subscriber, 1).attributes = {"city": "<Köln>"}


def test_the_mail_is_shown_as_this_person_got_it(client: Callable[..., Any], path: Callable[..., str]) -> None:
    answer = ask(client, path("v"))
    page = lxml.html.fromstring(answer.text)
    assert answer.status_code == 200
    assert "Dear Maria of <Köln>," in page.text_content()
    assert "https://news.example" + path("l", 1, 1) in page.xpath("//a/@href")
    assert "https://news.example" + path("u") in page.xpath("//a/@href")
    assert "cid:" not in answer.text
    (source,) = page.xpath("//img[@alt='A door']/@src")
    assert source.startswith("data:image/png;base64,iVBORw0KGgo")
    assert set(source) & set(" \r\n") == set()
    assert "your city" in ask(client, path("v", 2)).text


def test_nothing_in_it_can_run(client: Callable[..., Any], path: Callable[..., str]) -> None:
    headers = ask(client, path("v")).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src https://news.example data:; ")
    assert "script" not in policy
    assert "form-action 'none'" in policy
    assert (headers["referrer-policy"], headers["x-robots-tag"]) == ("no-referrer", "noindex, nofollow")
    assert headers["cache-control"] == "no-store"


def test_what_cannot_be_shown_any_more_is_not_here(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    assert ask(client, path("v", 4711)).status_code == 404
    assert "test mail" in ask(client, path("v", 0)).text
    with sqlite_store.writing() as session:
        delivery = table_of(Delivery)
        session.execute(sa.update(delivery).where(delivery.c.id == 1).values(subscriber_id=99))  # erased
    assert ask(client, path("v")).status_code == 404
    assert ask(client, path("v"), "POST").status_code == 405
