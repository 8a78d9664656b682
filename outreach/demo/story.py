"""How does the main job go, from the article to the counted click? The demo, played with the parts of production.

Nothing here is a special case of what it shows: the sample list goes through the import, the campaign through the
schedule, the clock launches it, the sender hands it to an SMTP server, and the quote link is followed as a browser
would follow it. Only the stage is the demo's own: a data folder that is thrown away, and the mailbox.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from outreach import config, materials, wiring
from outreach.actions import draft, import_list, report, schedule
from outreach.config import Settings
from outreach.demo import mailbox
from outreach.demo.catcher import Catcher, Caught
from outreach.engine.crew import Crew, looping
from outreach.errors import OutreachError
from outreach.house import House, prepare
from outreach.store import campaigns, figures
from outreach.store.campaigns import Campaign
from outreach.timing.schedule import Resolved
from outreach.web import listen, server

ARTICLE = "car-t-cell-therapy"
LIST = "sample"
CONSENT = "I would like to receive the newsletter. (the sample list's wording)"
#: Between the schedule and the launch.
LEAD = timedelta(seconds=4)
#: A reader needs a moment before the click: what comes sooner after the relay's acceptance is a scanner's work.
READING = timedelta(seconds=3)
#: What a common browser says of itself.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Stage:
    """The demo as it stands: a house, a catcher, and the pages."""

    house: House
    catcher: Catcher
    #: Where the pages are: `/demo/` is the mailbox.
    url: str

    @property
    def mailbox_url(self) -> str:
        """Where the caught mails can be read."""
        return f"{self.url}/demo/"

    def schedule(self) -> datetime:
        """Import the sample list, make the campaign and schedule it a few seconds ahead; when it is due."""
        now = datetime.now(UTC)
        sample = config.shipped("subscribers") / "sample.csv"
        import_list.file(self.house.store, sample, list_name=LIST, consent=CONSENT, source=sample.name, now=now)
        settings = self.house.settings
        layout = materials.layout(settings, "default")
        plan = draft.Draft(
            article=materials.article(settings, ARTICLE), layout=(layout.name, layout.sources), list_name=LIST
        )
        terms = schedule.Terms(materials.defaults(settings), settings.grace)
        made = draft.create(self.house.store, ARTICLE, plan, defaults=terms.defaults, now=now)
        due = (now + LEAD).replace(microsecond=0)
        when = Resolved(at=due, wall=due.strftime("%Y-%m-%d %H:%M:%S"), zone="UTC", note=None)
        schedule.at(self.house.store, _number(made.id), when, terms, now=now)
        return due

    def status(self) -> dict[str, Any]:
        """What `outreach campaign status --json` says."""
        with self.house.store.reading() as session:
            return figures.status(session, campaigns.by_name(session, ARTICLE))

    def report(self) -> tuple[dict[str, Any], Campaign]:
        """What `outreach campaign report --json` says, and the campaign."""
        return report.campaign(self.house.store, ARTICLE, now=datetime.now(UTC))

    def wait_until_finished(self, seconds: float, told: Callable[[dict[str, Any]], None]) -> None:
        """Wait for the campaign's end, telling each change of its status; raises OutreachError when it stalls."""
        deadline = time.monotonic() + seconds
        last: dict[str, Any] = {}
        while last.get("state") != "finished":
            status = self.status()
            if status != last:
                told(status)
                last = status
            if status["state"] == "paused":
                with self.house.store.reading() as session:
                    reason = campaigns.by_name(session, ARTICLE).reason
                raise OutreachError(f"The campaign was held: {reason}")
            if time.monotonic() > deadline:
                raise OutreachError(f"The campaign has not finished within {seconds:.0f} seconds.")
            time.sleep(0.1)

    def read_and_click(self) -> tuple[Caught, str]:
        """Take the first mail, read a moment, follow its quote link as a browser would; the mail and where it led."""
        mail = self.catcher.mails()[-1]
        wait = (mail.at + READING - datetime.now(UTC)).total_seconds()
        time.sleep(max(0.0, wait))
        # The address is this machine's own, from a mail that we have just sent.
        request = urllib.request.Request(quote_link(mail), headers={"User-Agent": BROWSER, "Accept": "text/html"})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return mail, str(answer.url)


def quote_link(mail: Caught) -> str:
    """The first link of the quote button in a mail, as a reader finds it."""
    found = re.search(r'<a\b[^>]*?\bhref="([^"]+)"[^>]*>\s*Receive a Free Medical Quote', mail.body("html"))
    if found is None:
        raise OutreachError("The mail that was caught has no quote link.")
    return found[1].replace("&amp;", "&")


@contextmanager
def staged(port: int) -> Iterator[Stage]:
    """Set the stage, and clear it away again: data folder, catcher, web part with the mailbox, clock and sender.

    Raises SettingsError where the port is in use.
    """
    folder = Path(tempfile.mkdtemp(prefix="outreach-demo-"))
    listener = listen.on("127.0.0.1", port)
    crew, catcher = Crew(), Catcher("127.0.0.1", _free_port())
    try:
        catcher.start()
        settings = _settings(folder, catcher, listen.url(listener))
        house = prepare(settings)[0]
        stage = Stage(house, catcher, listen.url(listener))
        crew.add("web", looping(lambda stop: _serve(stage, listener, stop)))
        wiring.man(crew, house, senders=1, clock=True)
        try:
            yield stage
        finally:
            crew.leave(8)
            house.close()
            catcher.stop()
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path, catcher: Catcher, url: str) -> Settings:
    """The demo's own settings: whatever the environment says, nothing leaves this machine."""
    return config.load(
        home=folder,
        database_url=None,
        secret_key=None,
        old_secret_keys=(),
        smtp_url=f"smtp://{catcher.host}:{catcher.port}",
        public_url=url,
        quote_url=f"{url}/demo/quote",
        OUTREACH_FROM="Outreach Demo <news@demo.example>",
        reply_to=None,
        return_path=None,
        postal_address="Outreach Demo, 1 Example Street, 00000 Example City",
        rate=None,
        templates=None,
        strict=False,
        approval="optional",
        wording=None,
    )


async def _serve(stage: Stage, listener: socket.socket, stop: asyncio.Event) -> None:
    """The web part of production, with the mailbox beside it."""
    pages = stage.house.settings.template_folders("pages")
    site = wiring.web(stage.house)
    app = Starlette(
        routes=[
            Route("/", _to_the_mailbox),
            Mount("/demo", mailbox.app(stage.catcher, pages, lambda: stage.report()[0])),
            Mount("/", site),
        ],
        lifespan=site.router.lifespan_context,
    )
    serving = server.make(app, host="127.0.0.1", port=0)
    task = asyncio.create_task(serving.serve(sockets=[listener]))
    await stop.wait()
    serving.should_exit = True
    await task


async def _to_the_mailbox(_: Request) -> RedirectResponse:
    return RedirectResponse("/demo/", status_code=303)


def _free_port() -> int:
    with listen.on("127.0.0.1", 0) as probe:
        port: int = probe.getsockname()[1]
        return port


def _number(found: int | None) -> int:
    assert found is not None
    return found
