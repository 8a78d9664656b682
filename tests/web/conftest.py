"""A web part over a small installation: a campaign that was sent an hour ago, and its readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from outreach import config
from outreach.audience.consent import SubscriptionState
from outreach.language import Languages
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.hits import Hit
from outreach.store.links import Link
from outreach.store.lists import MailingList, Tracking
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import app as web

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

#: The links of the campaign, by their numbers.
URLS = {
    1: "https://clinic.example/quote?utm_source=mail&utm_medium=a%20b&x=%27y%27&z='[1]'#top?",
    2: "https://bücher.example/ä",
    3: "https://gha.example/advice",
    4: "https://user:secret@clinic.example/",
    5: "javascript:alert(1)",
}


@pytest.fixture
def tokens(keys: KeyRing) -> TokenMaker:
    """The token maker of the installation."""
    return TokenMaker(keys)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """The folder of pictures."""
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


@pytest.fixture
def site(media: Path) -> web.Site:
    """How the web part stands in the world; it speaks English and German."""
    templates = config.shipped("templates")
    return web.Site(
        public_url="https://news.example",
        pages=(templates / "pages",),
        media=(media,),
        trusted_proxies=(ip_network("10.0.0.0/8"),),
        languages=Languages({"de": [(templates / "languages" / "de.po").read_text(encoding="utf-8")]}),
    )


@pytest.fixture
def app(sqlite_store: Store, tokens: TokenMaker, site: web.Site) -> Starlette:
    """The web part; deliveries 1 (no consent to tracking) and 2 (consent) were accepted an hour ago."""
    _fill(sqlite_store, datetime.now(UTC) - timedelta(hours=1))
    return web.make(sqlite_store, tokens, site)


def _fill(store: Store, sent: datetime) -> None:
    with store.writing() as session:
        for name, tracking in (("sample", Tracking.INDIVIDUAL), ("other", Tracking.AGGREGATE)):
            session.add(MailingList(name=name, title=f"The {name} list", tracking=tracking, created_at=sent))
        session.flush()
        campaign = Campaign(
            name="spring", list_id=1, state=CampaignState.FINISHED, article_name="spring", article="",
            layout_name="default", layout={}, created_at=sent, updated_at=sent, launched_at=sent,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        for n, (mail, consent) in enumerate((("maria@example.org", False), ("ngozi@example.net", True)), 1):
            session.add(
                Subscriber(id=n, email=mail, email_key=mail, name="Maria", tracking_consent=consent, created_at=sent,
                           updated_at=sent)
            )  # fmt: skip
            session.flush()
            for list_id in (1, 2):
                session.add(
                    Subscription(list_id=list_id, subscriber_id=n, state=SubscriptionState.CONFIRMED, created_at=sent,
                                 changed_at=sent)
                )  # fmt: skip
            session.add(
                Delivery(id=n, campaign_id=1, subscriber_id=n, state=DeliveryState.SENT, sent_at=sent, settled_at=sent,
                         attempts=1)
            )  # fmt: skip
        for number, url in URLS.items():
            session.add(Link(campaign_id=1, number=number, role="quote" if number == 1 else "", url=url))


@pytest.fixture
def opened() -> Callable[[Starlette], Any]:
    """Opens clients of a web part, without a cookie jar to speak of and with no user agent of their own."""

    def of(app: Starlette) -> Callable[..., Any]:
        @asynccontextmanager
        async def opened(address: str = "192.0.2.1") -> AsyncIterator[httpx.AsyncClient]:
            transport = httpx.ASGITransport(app, client=(address, 4711), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="https://news.example") as client:
                del client.headers["user-agent"]
                yield client

        return opened

    return of


@pytest.fixture
def client(app: Starlette, opened: Callable[[Starlette], Any]) -> Callable[[], Any]:
    """Opens a client of the web part."""
    found: Callable[[], Any] = opened(app)
    return found


@pytest.fixture
def hits(sqlite_store: Store) -> Callable[[], list[Any]]:
    """Reads every hit."""

    def read() -> list[Any]:
        hit = table_of(Hit)
        with sqlite_store.reading() as session:
            return list(session.execute(sa.select(hit).order_by(hit.c.id)).all())

    return read


@pytest.fixture
def path(tokens: TokenMaker) -> Callable[..., str]:
    """The path of a link, or of a page, of a delivery."""
    paths = {"l": Purpose.CLICK, "u": Purpose.UNSUBSCRIBE, "p": Purpose.PREFERENCES, "v": Purpose.VIEW}

    def made(kind: str, delivery: int = 1, number: int = 0) -> str:
        return f"/{kind}/{tokens.make(paths[kind], delivery, number)}"

    return made
