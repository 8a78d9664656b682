"""Which paths does the web part answer? Neutral ones: nothing in a path says what the mail was about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from outreach import memory
from outreach.actions.record import Ask, Recorder
from outreach.language import Languages
from outreach.store.database import Store
from outreach.tracking import robot
from outreach.tracking.client import Networks
from outreach.tracking.token import TokenMaker
from outreach.web.archive import Archive
from outreach.web.brand import Brand
from outreach.web.group import Group
from outreach.web.health import Health
from outreach.web.hooks import Hooks, HooksPage
from outreach.web.joining import Desk, Joining
from outreach.web.media import Media
from outreach.web.pages import Pages
from outreach.web.preferences import Preferences
from outreach.web.readiness import Readiness
from outreach.web.redirect import Redirect
from outreach.web.traffic import Traffic
from outreach.web.unsubscribe import Unsubscribe
from outreach.web.view import View


@dataclass(frozen=True)
class Site:
    """How the web part stands in the world."""

    #: Where readers reach it: the start of every link in mail.
    public_url: str
    #: Folders of page templates, searched in this order.
    pages: tuple[Path, ...]
    #: Folders whose pictures are served under /media/, searched in this order.
    media: tuple[Path, ...] = ()
    #: Proxies whose X-Forwarded-For is believed.
    trusted_proxies: Networks = ()
    languages: Languages = field(default_factory=Languages)
    brand: Brand = field(default_factory=Brand)
    #: What people join by; None: nobody is named who could write to them.
    joining: Desk | None = None
    #: Providers that tell what became of mail.
    hooks: Hooks = field(default_factory=Hooks)
    #: How long after a message was sent a click may be kept with its reader's name; None: for ever.
    keep_personal: timedelta | None = None

    @property
    def base(self) -> str:
        """The path that readers' paths begin with: "" where they reach us at the top of a host."""
        return urlsplit(self.public_url).path.rstrip("/")


def make(
    store: Store,
    tokens: TokenMaker,
    site: Site,
    *,
    health: Health | None = None,
    traffic: Traffic | None = None,
) -> Starlette:
    """The web part, ready to be served (see `web.server`).

    `health` answers for what else works in this process, and `traffic` counts for its metrics.
    """
    health = health or Health(Readiness(store))
    traffic = traffic or Traffic()
    pages = Pages(site.pages, languages=site.languages, brand=site.brand, base=site.base)
    recorder = Recorder(store, traffic.hit, keep=site.keep_personal)
    clicks: Group[Ask, str | None] = Group(recorder.clicks, name="clicks")
    redirect = Redirect(clicks.ask, tokens=tokens, pages=pages, trusted=site.trusted_proxies)
    unsubscribe = Unsubscribe(store, tokens=tokens, pages=pages, traffic=traffic)
    preferences = Preferences(store, tokens=tokens, pages=pages)
    view = View(store, tokens=tokens, pages=pages, public_url=site.public_url)

    name = site.brand.name or urlsplit(site.public_url).netloc
    archive = Archive(store, pages=pages, public_url=site.public_url, name=name)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        robot.is_robot("a browser")  # the list of robots takes a moment to load: no reader should wait for it
        memory.settle()
        yield
        clicks.close()

    joining = []
    if site.joining is not None:
        join = Joining(store, site.joining, tokens=tokens, pages=pages, trusted=site.trusted_proxies)
        joining = [
            Route("/subscribe/{name}", join.form, methods=["GET", "POST"]),
            Route("/confirm/{token}", join.confirm, methods=["GET", "POST"]),
        ]
    app = Starlette(
        routes=[
            *joining,
            Route("/l/{token}", redirect),
            Route("/u/{token}", unsubscribe.page, methods=["GET", "POST"]),
            Route("/p/{token}", preferences.page, methods=["GET", "POST"]),
            Route("/v/{token}", view.page),
            Route("/archive", archive.index),
            Route("/archive/{number}", archive.letter),
            Route("/feed.xml", archive.feed),
            Route("/hooks/{provider}", HooksPage(site.hooks, pages=pages).told, methods=["POST"]),
            Route("/media/{name}", Media(site.media, pages=pages).picture),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
        ],
        exception_handlers={HTTPException: pages.of_status, 500: pages.of_status},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app
