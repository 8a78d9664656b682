"""Are rates kept, whoever sends? `.venv/bin/python tests/benchmarks/pace.py [--seconds N] [--processes N]`

Several sender processes share one database (a private PostgreSQL, and an SQLite file with two) and send through two
relays on loopback. Each limit in turn is the one that binds: everything together, one provider, one relay. Counted is
what the relays took in a window after the first second; the campaign is then paused, and what leaves in the first
second after that is told too. Prints one JSON document; `error` is the share by which the rate was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Event

import sqlalchemy as sa
from launch import private_postgresql
from sinks import smtp_sink

from outreach.engine.desk import boot_clock
from outreach.engine.sender import Sender, SenderOptions
from outreach.message.compiled import Compiled, Field
from outreach.store import campaigns, deliveries, freeze, migrate
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.timing.limits import Limits, parse_providers
from outreach.timing.pace import Limit
from outreach.timing.ways import Way, Ways
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Begin, Outcome, Report, Source
from outreach.transport.fleet import Fleet
from outreach.transport.relay import Relay, Tls
from outreach.transport.smtp import SmtpTransport

#: What binds -> the limits: for everything, for providers, for the first relay.
CASES: dict[str, tuple[str | None, str, str | None]] = {
    "all": ("200/s", "", None),
    "provider": ("400/s", "google=50/s", None),
    "relay": ("300/s", "", "80/s"),
}

#: Seconds before the window that is measured.
START = 1.0


class Recording(Fleet):
    """A fleet that keeps when each message was accepted, by which relay, and whether it went to Gmail."""

    def __init__(self, relays: list[tuple[Way, SmtpTransport]], ways: Ways) -> None:
        super().__init__(relays, ways, clock=boot_clock)
        self.accepted: list[tuple[float, str, bool]] = []

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        def told(outcome: Outcome) -> None:
            if outcome.reply is not None and outcome.reply.is_positive:
                self.accepted.append((time.time(), outcome.relay, outcome.delivery_id % 2 == 0))
            report(outcome)

        await super().run(source, begin, told, patience=patience)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=20, help="the window that is measured (20)")
    options.add_argument("--processes", type=int, default=4, help="sender processes on PostgreSQL (4)")
    options.add_argument("--case", choices=[*CASES], action="append", help="what binds (each)")
    chosen = options.parse_args()
    told: dict[str, object] = {"seconds": chosen.seconds}
    with ExitStack() as stack:
        ports = [stack.enter_context(smtp_sink()) for _ in range(2)]
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="outreach-pace-"))
        server = stack.enter_context(private_postgresql())
        for backend, processes in (("postgresql", chosen.processes), ("sqlite", 2)):
            results = {}
            for case in chosen.case or CASES:
                url = server if backend == "postgresql" else f"sqlite:///{folder}/{case}.db"
                results[case] = measured(url, case, ports, processes, chosen.seconds)
                print(f"{backend}, {case}: {results[case]}", file=sys.stderr)
            told[backend] = {"processes": processes, **results}
    print(json.dumps(told, indent=2))


def measured(url: str, case: str, ports: list[int], processes: int, seconds: float) -> dict[str, object]:
    """One case: the rate that was kept, and what left at once after a pause."""
    store = Store(url)
    with fresh(store):
        fill(store, 40_000)
        context = multiprocessing.get_context("spawn")
        stop, found = context.Event(), context.Queue()
        work = [context.Process(target=send, args=(url, case, ports, stop, found)) for _ in range(processes)]
        for process in work:
            process.start()
        begun = first_sent(store)
        time.sleep(START + seconds + 0.5)
        paused = pause(store, 4.0)
        time.sleep(2.0)
        stop.set()
        accepted = [entry for _ in work for entry in found.get(timeout=60)]
        for process in work:
            process.join()
        store.close()
    return told(accepted, case, (begun + START, begun + START + seconds), paused)


def told(
    accepted: list[tuple[float, str, bool]], case: str, window: tuple[float, float], paused: tuple[float, float]
) -> dict[str, object]:
    total, providers, relay = CASES[case]
    first = min(name for _, name, _ in accepted) if case == "relay" else ""
    if case == "relay":  # the first relay is the one that has the limit: the one by which less left
        first = min(Counter(name for _, name, _ in accepted).items(), key=lambda item: item[1])[0]
    times = sorted(
        at for at, name, google in accepted if (google or case != "provider") and (not first or name == first)
    )
    rate = Limit.parse(relay or (providers.partition("=")[2] if case == "provider" else total) or "").spread.per_second
    inside = [at for at in times if window[0] <= at < window[1]]
    each = Counter(int(at - window[0]) for at in inside)
    kept = len(inside) / (window[1] - window[0])
    after = [at for at in times if at > paused[1]]
    return {
        "rate": rate,
        "kept": round(kept, 2),
        "error": round(kept / rate - 1, 4),
        "most_in_a_second": max(each.values()),
        "least_in_a_second": min(each.values()),
        "left_while_paused": sum(paused[0] + 2 < at < paused[1] for at in times),
        "first_second_after_the_pause": sum(at < after[0] + 1 for at in after) if after else 0,
        "all_together": len([at for at, _, _ in accepted if window[0] <= at < window[1]]),
    }


def send(url: str, case: str, ports: list[int], stop: Event, found: multiprocessing.Queue[object]) -> None:
    """A sender process."""
    total, providers, relay = CASES[case]
    limits = Limits(Limit.parse(total) if total else None, parse_providers(providers))
    relays = [
        Relay("127.0.0.1", ports[0], Tls.OFF, limit=Limit.parse(relay) if relay else None),
        Relay("127.0.0.1", ports[1], Tls.OFF, weight=2),
    ]
    ways = Ways([each.way for each in relays])
    fleet = Recording([(each.way, SmtpTransport(each, hello="bench.example", connections=5)) for each in relays], ways)
    tokens = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))
    sender = Sender(Store(url), fleet, tokens, SenderOptions("https://clinic.example", limits=limits, ways=ways))

    async def run() -> None:
        ended = asyncio.Event()
        working = asyncio.create_task(sender.run(ended))
        await asyncio.to_thread(stop.wait)
        ended.set()
        await working

    asyncio.run(run())
    found.put(fleet.accepted)


def first_sent(store: Store) -> float:
    """When the first message was settled."""
    while True:
        with store.reading() as session:
            if any(n for state, n in deliveries.tallies(session, 1).items() if state.value == "sent"):
                return time.time()
        time.sleep(0.02)


def pause(store: Store, seconds: float) -> tuple[float, float]:
    """Hold the campaign for some seconds; when that was."""
    moves = ((CampaignState.SENDING, CampaignState.PAUSED), (CampaignState.PAUSED, CampaignState.SENDING))
    at = []
    for before, after in moves:
        with store.writing() as session:
            campaigns.move(session, 1, before, after, now=datetime.now(UTC))
        at.append(time.time())
        if after is CampaignState.PAUSED:
            time.sleep(seconds)
    return at[0], at[1]


@contextmanager
def fresh(store: Store) -> Iterator[None]:
    """A database with nothing but its tables."""
    migrate.upgrade(store)
    yield
    if store.backend == "postgresql":
        again = Store(store.url.render_as_string(hide_password=False))
        with again.writing() as session:
            session.execute(sa.text("DROP SCHEMA public CASCADE"))
            session.execute(sa.text("CREATE SCHEMA public"))
        again.close()


def fill(store: Store, rows: int) -> None:
    """A campaign to that many people, every other one of them at Gmail."""
    numbers = f"(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {rows}) SELECT i FROM g) g"
    email = "'p' || i || CASE WHEN i % 2 = 0 THEN '@gmail.com' ELSE '@d' || (i % 500) || '.example' END"
    false = "0" if store.backend == "sqlite" else "false"
    statements = [
        "INSERT INTO mailing_list (id, name, title, tracking, created_at) VALUES (1, 'all', 'All', 'off', :now)",
        "INSERT INTO subscriber (id, email, email_key, name, language, timezone, attributes, tracking_consent, "
        f"created_at, updated_at) SELECT i, {email}, {email}, 'Person ' || i, 'en', 'UTC', '{{}}', {false}, :now, :now "
        f"FROM {numbers}",
        "INSERT INTO subscription (list_id, subscriber_id, state, created_at, changed_at) "
        f"SELECT 1, i, 'confirmed', :now, :now FROM {numbers}",
        "INSERT INTO campaign (id, name, list_id, state, article_name, article, layout_name, layout, created_at, "
        "updated_at) VALUES (1, 'c', 1, 'sending', 'a', 'a', 'l', '{}', :now, :now)",
    ]
    now = datetime.now(UTC)
    with store.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement), {"now": now.replace(tzinfo=None)})
        campaigns.store_compiled(session, 1, compiled().to_bytes())
        freeze.audience(session, 1, 1, now)


def compiled() -> Compiled:
    """A small campaign."""
    head = b"From: Clinic News <news@clinic.example>\r\n"
    pieces = (head, Field.TO, Field.MESSAGE_ID, Field.LIST_UNSUBSCRIBE, b"Subject: Hello\r\n\r\nGood day.\r\n")
    return Compiled(links=(), required=frozenset(), size_bound=1000, pieces=pieces)


if __name__ == "__main__":
    main()
