"""How long do readers wait for a page? `tests/benchmarks/pages.py [--rows N] [--asks N] [--postgresql auto]`

Prints one JSON document: milliseconds at the median and at the 99th percentile, and those of one core at the median
(what tells on a machine that others use too), for each page, asked one after another of the web part in this process,
with a million people on two lists, each of whom has a message. Every ask is for somebody else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import launch
import sqlalchemy as sa

from outreach import config
from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.language import Languages
from outreach.store import campaigns, freeze, links, lists, migrate
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import app as web

URL = "https://news.example"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000, help="people (1,000,000)")
    options.add_argument("--asks", type=int, default=400, help="requests for each page (400)")
    options.add_argument("--postgresql", default=None, help="URL of an empty database, or auto")
    chosen = options.parse_args()
    told: dict[str, object] = {"rows": chosen.rows}
    with tempfile.TemporaryDirectory(prefix="outreach-pages-") as folder:
        told["sqlite"] = measured(f"sqlite:///{folder}/pages.db", chosen.rows, chosen.asks)
    if chosen.postgresql == "auto":
        with launch.private_postgresql() as url:
            told["postgresql"] = measured(url, chosen.rows, chosen.asks)
    elif chosen.postgresql:
        told["postgresql"] = measured(chosen.postgresql, chosen.rows, chosen.asks)
    print(json.dumps(told, indent=2))


def measured(url: str, rows: int, asks: int) -> dict[str, object]:
    """Fill a fresh database, launch to everybody, and ask for each page."""
    store = Store(url)
    migrate.upgrade(store)
    print(f"{store.backend}: filling with {rows:,} people", file=sys.stderr)
    launch.fill(store, rows, 3)
    compiled(store)
    tokens = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))
    found = asyncio.run(asked(store, tokens, rows, asks))
    store.close()
    return found


def compiled(store: Store) -> None:
    """Make the campaigns ones that were sent and are public."""
    templates = config.shipped("templates")
    layout = {file.name: file.read_text() for file in (templates / "email/default").iterdir() if file.is_file()}
    article = (templates / "articles/car-t-cell-therapy.md").read_text()
    defaults = Defaults("News <news@example.org>", None, "1 Street", "https://example.org/quote", URL)
    with store.writing() as session:
        session.execute(sa.text("UPDATE mailing_list SET public = :yes"), {"yes": True})
        session.execute(
            sa.text(
                "INSERT INTO subscription (list_id, subscriber_id, state, created_at, changed_at) "
                "SELECT 2, subscriber_id, 'confirmed', created_at, changed_at FROM subscription WHERE list_id = 1"
            )
        )
        session.execute(
            sa.text(
                "INSERT INTO mailing_list (id, name, title, tracking, created_at, public) "
                "SELECT 2, 'second', 'Second', 'off', created_at, public FROM mailing_list WHERE id = 1"
            )
        )
        freeze.audience(session, 1, 1, launch.NOW)
        for number in range(1, 4):
            values = {"article": article, "layout": layout, "public": True, "launched_at": launch.NOW}
            campaigns.change(session, number, now=launch.NOW, **values, state="finished")
            campaign = campaigns.by_id(session, number)
            made = compose.campaign(campaign, lists.by_id(session, 1), defaults, date=launch.NOW, tracked=True)
            campaigns.store_compiled(session, number, made.to_bytes())
            links.add_all(session, number, made.links)


async def asked(store: Store, tokens: TokenMaker, rows: int, asks: int) -> dict[str, object]:
    """Milliseconds for each page."""
    templates = config.shipped("templates")
    german = Languages({"de": [(templates / "languages/de.po").read_text()]})
    site = web.Site(public_url=URL, pages=(templates / "pages",), languages=german)
    transport = httpx.ASGITransport(web.make(store, tokens, site))
    chance = random.Random(1)
    tomorrow = datetime.fromtimestamp(time.time() + 86_400 * 30, UTC).date().isoformat()
    choice = {"less": "1", "at_most": "week", "until": tomorrow}
    pages: dict[str, tuple[str, Purpose | str, dict[str, str] | None]] = {
        "preferences": ("p", Purpose.PREFERENCES, None),
        "unsubscribe": ("u", Purpose.UNSUBSCRIBE, None),
        "view in browser": ("v", Purpose.VIEW, None),
        "archive": ("archive", "", None),
        "letter": ("archive", "/1", None),
        "feed": ("feed.xml", "", None),
        "not here": ("u", "/nothing", None),
        "fewer mails (POST)": ("u", Purpose.UNSUBSCRIBE, choice),
        "one-click (POST)": ("u", Purpose.UNSUBSCRIBE, {"List-Unsubscribe": "One-Click"}),
    }
    told: dict[str, object] = {}
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"accept-language": "de"}) as client:
        for name, (place, purpose, form) in pages.items():
            waits, busy = [], []
            for _ in range(asks + 5):
                last = purpose
                if isinstance(purpose, Purpose):
                    last = "/" + tokens.make(purpose, chance.randint(1, rows))
                begun, cpu = time.perf_counter(), time.process_time()
                answer = await (client.post(f"/{place}{last}", data=form) if form else client.get(f"/{place}{last}"))
                waits.append((time.perf_counter() - begun) * 1000)
                busy.append((time.process_time() - cpu) * 1000)
                assert answer.status_code == (404 if name == "not here" else 200), (name, answer.status_code)
            ordered = sorted(waits[5:])
            told[name] = {
                "median": round(statistics.median(ordered), 2),
                "p99": round(ordered[int(len(ordered) * 0.99)], 2),
                "core": round(statistics.median(busy[5:]), 2),
            }
    return told


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
