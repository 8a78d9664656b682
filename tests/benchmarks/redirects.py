"""How many durable click redirects a second does one server process answer, and how long does a reader wait?

One uvicorn process, pinned to one core where the system can do that, with SQLite at synchronous=FULL; the requests
come over loopback from a bounded load generator in a process of its own, over kept connections, from many client
addresses (told by X-Forwarded-For), for links of many messages. At the end the rows are counted: every answer that
led on must have its hit on the disk, and no other hit may be there.

With --sending a sender process empties a campaign of the same database into `smtp-sink` at full speed meanwhile. Four
processes then share the machine: what a redirect costs its server is the figure that does not depend on its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import sqlalchemy as sa
from outgoing import outbox, sinks
from outgoing.outbox import Way

from outreach import config
from outreach.audience.consent import SubscriptionState
from outreach.store import campaigns, figures, migrate
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

KEYS = KeyRing(b"a key for measuring, not for mail")
AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{n}.0.0.0 Safari/537.36"
    for n in range(100, 140)
]
LINKS = 5


def main() -> None:
    options = _options()
    if options.serve:
        _serve(Path(options.serve), options.port)
        return
    if options.load:
        print(json.dumps(asyncio.run(_load(options))))
        return
    with tempfile.TemporaryDirectory(prefix="outreach-redirects-", dir=options.dir) as folder:
        file = Path(folder) / "store.db"
        _prepare(file, options.messages)
        rounds = [_round(file, options) for _ in range(options.rounds)]
    answered, stored = sum(each["answered"] for each in rounds), rounds[-1]["rows"]
    best = max(rounds, key=lambda each: float(each["per_second"]))
    print(
        json.dumps(
            {
                "redirects_per_second": best["per_second"],
                "p50_ms": best["p50_ms"],
                "p99_ms": best["p99_ms"],
                "connections": options.connections,
                "answered": answered,
                "rows_stored": stored,
                "every_answer_has_its_row": answered == stored,
                "rounds": rounds,
            },
            indent=2,
        )
    )
    sys.exit(0 if answered == stored else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000, help="deliveries that the links belong to")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each round asks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=200, help="kept connections, one request at a time on each")
    parser.add_argument("--sending", action="store_true", help="while a campaign is sent at full speed")
    parser.add_argument("--dir", default=None, help="where the database lies; default: the system's temporary folder")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _prepare(file: Path, messages: int) -> None:
    """A list of people, half of whom consented to tracking, and a campaign that was sent to them an hour ago."""
    store = Store(f"sqlite:///{file}")
    migrate.upgrade(store)
    now = datetime.now(UTC)
    sent = now - timedelta(hours=1)
    with store.writing() as session:
        mailing_list = MailingList(name="readers", title="Readers", tracking=Tracking.INDIVIDUAL, created_at=now)
        session.add(mailing_list)
        session.flush()
        campaign = Campaign(
            name="bench", list_id=mailing_list.id, state=CampaignState.FINISHED, article_name="a", article="",
            layout_name="l", layout={}, created_at=now, updated_at=now, launched_at=sent, finished_at=sent,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        numbers = range(1, messages + 1)
        session.execute(
            sa.insert(table_of(Subscriber)),
            [
                {"id": n, "email": f"p{n}@example.org", "email_key": f"p{n}@example.org", "name": "", "language": "",
                 "timezone": "", "attributes": {}, "tracking_consent": n % 2 == 0, "created_at": now, "updated_at": now}
                for n in numbers
            ],
        )  # fmt: skip
        session.execute(
            sa.insert(table_of(Delivery)),
            [
                {"id": n, "campaign_id": campaign.id, "subscriber_id": n, "state": DeliveryState.SENT, "attempts": 1,
                 "sent_at": sent, "settled_at": sent}
                for n in numbers
            ],
        )  # fmt: skip
        session.add_all(
            Link(campaign_id=campaign.id, number=n, role="", label=f"Link {n}", url=f"https://clinic.example/{n}?a=1&b")
            for n in range(1, LINKS + 1)
        )
        session.execute(
            sa.insert(table_of(Subscription)),
            [
                {"list_id": 1, "subscriber_id": n, "state": SubscriptionState.CONFIRMED, "created_at": now,
                 "changed_at": now}
                for n in numbers
            ],
        )  # fmt: skip
    store.close()


@contextmanager
def _sending(file: Path) -> Iterator[Callable[[], int]]:
    """A sender at full speed in the same database; tells how many messages have left."""
    store = Store(f"sqlite:///{file}")
    campaign, _ = outbox.launched(store)
    with sinks.smtp_sink() as port:
        way = Way(f"sqlite:///{file}", port, file.parent / "journals")
        (process,) = outbox.senders(way, campaign)
        outbox.begin([process])

        def sent() -> int:
            with store.reading() as session:
                return int(figures.status(session, campaigns.by_id(session, campaign))["sent"])

        try:
            while not sent():
                time.sleep(0.05)
            yield sent
            if process.poll() is not None:
                raise SystemExit("the campaign was too small: it was sent before the round ended")
        finally:
            process.terminate()
            process.wait()
            store.close()


def _serve(file: Path, port: int) -> None:
    from ipaddress import ip_network

    from outreach.web import app, server

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    site = app.Site(
        public_url=f"http://127.0.0.1:{port}",
        pages=(config.shipped("templates") / "pages",),
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    server.run(server.make(app.make(Store(f"sqlite:///{file}"), TokenMaker(KEYS), site), host="127.0.0.1", port=port))


def _round(file: Path, options: argparse.Namespace) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    myself = [sys.executable, __file__, "--port", str(port)]
    server = subprocess.Popen([*myself, "--serve", str(file)])
    with ExitStack() as stack:
        stack.callback(_ended, server)
        _wait(port, server)
        sent = stack.enter_context(_sending(file)) if options.sending else (lambda: 0)
        load = [*myself, "--load", "--messages", str(options.messages), "--seconds", str(options.seconds)]
        load += ["--connections", str(options.connections)]
        before, sent_before = _cpu_seconds(server.pid), sent()
        result: dict[str, Any] = json.loads(subprocess.run(load, check=True, capture_output=True, text=True).stdout)
        used = _cpu_seconds(server.pid) - before
        result["sent_meanwhile_per_second"] = round((sent() - sent_before) / result["seconds"])
    result["server_cpu_us_per_redirect"] = round(used / max(result["answered"], 1) * 1e6, 1)
    result["server_share_of_core"] = round(used / result["seconds"], 2)
    store = Store(f"sqlite:///{file}")
    with store.reading() as session:
        hit = table_of(Hit)
        result["rows"] = session.execute(sa.select(sa.func.count()).select_from(hit)).scalar_one()
        judged = session.execute(sa.select(hit.c.judgement, sa.func.count()).group_by(hit.c.judgement))
        result["judged_so_far"] = {judgement.value: n for judgement, n in judged}
    store.close()
    print(
        f"{result['per_second']:,} redirects/s, p99 {result['p99_ms']} ms, "
        f"{result['server_cpu_us_per_redirect']} us of server CPU each, {result['server_share_of_core']:.0%} of a core",
        file=sys.stderr,
    )
    return result


def _ended(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    server.wait(30)


def _cpu_seconds(process: int) -> float:
    """The processor time that a process has used; 0 where the system does not show it."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


async def _load(options: argparse.Namespace) -> dict[str, Any]:
    if hasattr(os, "sched_setaffinity") and os.cpu_count() != 1:
        os.sched_setaffinity(0, {1})
    chance = random.Random(7)
    tokens = TokenMaker(KEYS)
    requests = [_request(tokens, chance, options.messages) for _ in range(50_000)]
    waits: list[float] = []
    bad: list[bytes] = []
    start = time.perf_counter()
    until = start + options.seconds
    lanes = (
        _lane(options.port, requests[lane :: options.connections], until=until, waits=waits, bad=bad)
        for lane in range(options.connections)
    )
    await asyncio.gather(*lanes)
    took = time.perf_counter() - start
    waits.sort()
    return {
        "answered": len(waits),
        "otherwise": len(bad),
        "seconds": round(took, 3),
        "per_second": round(len(waits) / took),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
        "slowest_ms": round(waits[-1] * 1000, 1),
    }


def _request(tokens: TokenMaker, chance: random.Random, messages: int) -> bytes:
    token = tokens.make(Purpose.CLICK, chance.randint(1, messages), chance.randint(1, LINKS))
    address = ".".join(str(chance.randint(1, 250)) for _ in range(4))
    return (
        f"GET /l/{token} HTTP/1.1\r\nHost: news.example\r\nUser-Agent: {chance.choice(AGENTS)}\r\n"
        f"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nX-Forwarded-For: {address}\r\n\r\n"
    ).encode()


async def _lane(port: int, requests: list[bytes], *, until: float, waits: list[float], bad: list[bytes]) -> None:
    """One kept connection, with one request on its way at a time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in itertools.cycle(requests):
        begun = time.perf_counter()
        if begun >= until:
            break
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 302 "):
            bad.append(answer)
            break
        waits.append(time.perf_counter() - begun)
    writer.close()


if __name__ == "__main__":
    main()
