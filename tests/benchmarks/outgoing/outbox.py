"""A campaign that waits to be sent, and a sender process that drains it and tells what that cost.

As a program of its own it is that process: it says when it is ready, begins at a word on stdin, and prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import sqlalchemy as sa

from outreach import config, materials, memory
from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.engine.letters import Letters
from outreach.engine.sender import Sender, SenderOptions
from outreach.message import dkimkey
from outreach.message.compiled import Compiled
from outreach.message.dkim import Signer
from outreach.store import campaigns, freeze, migrate
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.lists import MailingList
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.relay import Relay, Tls
from outreach.transport.smtp import SmtpTransport

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://news.clinic.example"
TOKENS = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))


@dataclass(frozen=True)
class Way:
    """How a campaign is sent."""

    url: str
    port: int
    #: Where the journals lie.
    folder: Path
    senders: int = 1
    connections: int = 20
    #: A PEM file with the key that signs.
    key: Path | None = None


@cache
def compiled() -> Compiled:
    """The shipped article in the shipped layout."""
    settings = config.load()
    name, text = materials.article(settings, "car-t-cell-therapy")
    layout = materials.layout(settings, "default")
    campaign = Campaign(
        name="spring", list_id=1, article_name=name, article=text, layout_name=layout.name,
        layout=dict(layout.sources), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    group = MailingList(name="readers", title="Readers", created_at=NOW)
    defaults = Defaults("Clinic News <news@clinic.example>", None, "1 Road", "https://clinic.example/quote", URL)
    return compose.campaign(campaign, group, defaults, date=NOW, tracked=True)


def one_message() -> bytes:
    """The message of one recipient."""
    letters = Letters(TOKENS, URL)
    letters.learn(1, compiled().to_bytes())
    return letters.write(Claimed(1, 1, 0, None, "p1@example.org", "Person 1", "en", "UTC", {}, "")).message


def fill(store: Store, rows: int) -> None:
    """A list, and its people."""
    migrate.upgrade(store)
    sqlite = store.backend == "sqlite"
    numbers = f"generate_series(1, {rows}) g(i)"
    if sqlite:
        numbers = f"(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {rows}) SELECT i FROM g)"
    no, email = "0" if sqlite else "false", "'p' || i || '@example.org'"
    statements = [
        "INSERT INTO mailing_list (id, name, title, tracking, created_at) VALUES (1, 'all', 'All', 'off', :now)",
        "INSERT INTO subscriber (id, email, email_key, name, language, timezone, attributes, tracking_consent, "
        f"created_at, updated_at) SELECT i, {email}, {email}, 'Person ' || i, 'en', 'UTC', '{{}}', {no}, :now, :now "
        f"FROM {numbers}",
        "INSERT INTO subscription (list_id, subscriber_id, state, created_at, changed_at) "
        f"SELECT 1, i, 'confirmed', :now, :now FROM {numbers}",
    ]
    with store.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement), {"now": NOW.replace(tzinfo=None) if sqlite else NOW})


def launched(store: Store, most: int | None = None) -> tuple[int, float]:
    """A further campaign to everybody, or to the first so many; its number, and the seconds that its launch took."""
    begun = time.perf_counter()
    with store.writing() as session:
        campaign = Campaign(
            name=f"c{time.time_ns()}", list_id=1, state=CampaignState.SENDING, article_name="a", article="a",
            layout_name="l", layout={}, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        number = campaigns.add(session, campaign).id
        assert number is not None
        campaigns.store_compiled(session, number, compiled().to_bytes())
        freeze.audience(session, number, 1, NOW)
    seconds = time.perf_counter() - begun
    if most is not None:
        with store.writing() as session:
            where = {"c": number, "n": most}
            gone = "DELETE FROM delivery WHERE campaign_id = :c AND subscriber_id > :n"
            session.execute(sa.text(gone), where)
            session.execute(sa.text("UPDATE tally SET n = :n WHERE campaign_id = :c AND state = 'queued'"), where)
    return number, seconds


def senders(way: Way, campaign: int) -> list[subprocess.Popen[str]]:
    """Sender processes that are ready to drain the campaign, and wait for the word."""
    key = ["--key", str(way.key)] if way.key else []
    words = [way.url, str(campaign), str(way.port), "--connections", str(way.connections), "--folder", str(way.folder)]
    made = [
        subprocess.Popen(
            [sys.executable, __file__, *words, *key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(way.senders)
    ]
    for process in made:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return made


def begin(processes: list[subprocess.Popen[str]]) -> None:
    """Give the word."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def ended(processes: list[subprocess.Popen[str]]) -> dict[str, Any]:
    """What they told: the seconds of the slowest, the CPU time of all, the memory of the largest."""
    told = []
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0
        told.append(json.loads(out))
    return {
        "seconds": max(one["seconds"] for one in told),
        "cpu": sum(one["cpu"] for one in told),
        "peak_mb": max(one["peak_mb"] for one in told),
        "deliveries": told[0]["deliveries"],
    }


def drained(way: Way, campaign: int) -> dict[str, Any]:
    """Send the campaign."""
    processes = senders(way, campaign)
    begin(processes)
    return ended(processes)


def _peak() -> int:
    """The most megabytes that this process had resident; `ru_maxrss` would count those of the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1024) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Be a sender process."""
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("campaign", type=int)
    options.add_argument("port", type=int)
    options.add_argument("--connections", type=int, default=20)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--key", type=Path)
    chosen = options.parse_args()
    store = Store(chosen.url)
    sign = Signer("clinic.example", (dkimkey.read("s", chosen.key.read_bytes()),)).sign if chosen.key else None
    relay = Relay("127.0.0.1", chosen.port, Tls.OFF)
    transport = SmtpTransport(relay, hello="sender.clinic.example", connections=chosen.connections)
    sender = Sender(store, transport, TOKENS, SenderOptions(public_url=URL, sign=sign, journals=chosen.folder))
    memory.settle()
    print("ready", flush=True)
    sys.stdin.readline()
    begun, cpu = time.perf_counter(), time.process_time()
    tallies = asyncio.run(sender.drain(chosen.campaign))
    told = {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "peak_mb": _peak(),
        "deliveries": {state.value: n for state, n in tallies.items() if n},
    }
    store.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
