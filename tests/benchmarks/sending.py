"""How fast do messages leave? `.venv/bin/python tests/benchmarks/sending.py [--rows N] [--sink builtin|smtp-sink]`

The whole way: claimed from SQLite with durable commits, spliced, pipelined over loopback, settled. The sink takes
everything and runs in a process of its own. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from outreach.engine.sender import Sender, SenderOptions
from outreach.message.compiled import Compiled, Field, Piece
from outreach.message.links import TrackedLink
from outreach.message.slots import Click, Context, Own, Slot, Value
from outreach.store import campaigns, deliveries, migrate
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.relay import Relay, Tls
from outreach.transport.smtp import SmtpTransport

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=20_000, help="recipients (20,000)")
    options.add_argument("--connections", type=int, default=20)
    options.add_argument("--bytes", type=int, default=30_000, help="about the size of a message (30,000)")
    options.add_argument("--sink", choices=["builtin", "smtp-sink"], default="builtin")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="outreach-sending-") as folder, sink(chosen.sink) as port:
        store = Store(f"sqlite:///{folder}/sending.db")
        migrate.upgrade(store)
        size = fill(store, chosen.rows, chosen.bytes)
        print(f"{chosen.rows:,} messages of about {size:,} bytes into {chosen.sink}", file=sys.stderr)
        told = measured(store, port, chosen.connections)
        store.close()
    print(json.dumps({"rows": chosen.rows, "sink": chosen.sink, "connections": chosen.connections, **told}, indent=2))


def measured(store: Store, port: int, connections: int) -> dict[str, object]:
    """Drain the campaign."""
    transport = SmtpTransport(Relay("127.0.0.1", port, Tls.OFF), hello="bench.example", connections=connections)
    tokens = TokenMaker(KeyRing(b"0123456789abcdef0123456789abcdef"))
    sender = Sender(store, transport, tokens, SenderOptions(public_url="https://clinic.example"))
    begun, cpu = time.perf_counter(), time.process_time()
    tallies = asyncio.run(sender.drain(1))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    told = {state.value: n for state, n in tallies.items() if n}
    done = sum(told.values())
    return {
        "seconds": round(seconds, 2),
        "per_second": round(done / seconds),
        "cpu_us_per_message": round(cpu / done * 1e6, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "deliveries": told,
    }


def fill(store: Store, rows: int, size: int) -> int:
    """A list, its people, one launched campaign; the size of a message."""
    numbers = f"(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {rows}) SELECT i FROM g) g"
    email = "'p' || i || '@example.org'"
    statements = [
        "INSERT INTO mailing_list (id, name, title, tracking, created_at) VALUES (1, 'all', 'All', 'off', :now)",
        "INSERT INTO subscriber (id, email, email_key, name, language, timezone, attributes, tracking_consent, "
        f"created_at, updated_at) SELECT i, {email}, {email}, 'Person ' || i, 'en', 'UTC', '{{}}', 0, :now, :now "
        f"FROM {numbers}",
        "INSERT INTO subscription (list_id, subscriber_id, state, created_at, changed_at) "
        f"SELECT 1, i, 'confirmed', :now, :now FROM {numbers}",
        "INSERT INTO campaign (id, name, list_id, state, article_name, article, layout_name, layout, created_at, "
        "updated_at) VALUES (1, 'c', 1, 'sending', 'a', 'a', 'l', '{}', :now, :now)",
    ]
    data = compiled(size)
    with store.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement), {"now": NOW.replace(tzinfo=None)})
        campaigns.store_compiled(session, 1, data.to_bytes())
        deliveries.freeze(session, 1, 1, NOW)
    return sum(len(piece) for piece in data.pieces if isinstance(piece, bytes))


def compiled(size: int) -> Compiled:
    """A campaign as the compiler makes it: six tracked links, a greeting in both parts, the usual headers."""
    filler = b"information, not advice, and how the treatment goes from day to day =\r\n"
    block = filler * max(1, size // len(filler) // 8)
    links = tuple(TrackedLink(number, "quote", "Quote", "https://clinic.example/quote") for number in range(1, 7))
    body: list[Piece] = []
    for link in links:
        body += [block, Slot(Click(link.number), Context.ATTRIBUTE), b"=\r\n"]
    pieces: tuple[Piece, ...] = (
        b"From: Clinic News <news@clinic.example>\r\nSubject: Understanding the therapy\r\n",
        *(Field.TO, Field.MESSAGE_ID, Field.LIST_UNSUBSCRIBE, Field.FEEDBACK_ID),
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGood day, ",
        Slot(Value(("name",), "reader"), Context.HTML),
        b"=\r\n",
        *body,
        Slot(Own.UNSUBSCRIBE, Context.ATTRIBUTE),
        b"=\r\nGood bye.\r\n",
    )
    return Compiled(links=links, required=frozenset(), size_bound=size, pieces=pieces)


@contextmanager
def sink(kind: str) -> Iterator[int]:
    """A server that takes everything, in a process of its own; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    if kind == "smtp-sink":
        binary = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
        command = [binary, "-u", "nobody", f"127.0.0.1:{port}", "1000"]
        process: subprocess.Popen[bytes] = subprocess.Popen(command)
        stop = process.terminate
    else:
        child = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
        child.start()
        stop = child.terminate
    try:
        _await(port)
        yield port
    finally:
        stop()


def _await(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("the sink did not start")


class Sink(asyncio.Protocol):
    """An SMTP server that says yes to everything, PIPELINING included, and keeps nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.rest, self.in_body = transport, b"", False
        transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self.rest += data
        answers: list[bytes] = []
        while True:
            if self.in_body:
                end = self.rest.find(b"\r\n.\r\n")
                if end < 0:
                    self.rest = self.rest[-4:]
                    break
                self.rest, self.in_body = self.rest[end + 5 :], False
                answers.append(b"250 2.0.0 Ok\r\n")
            else:
                line, found, rest = self.rest.partition(b"\r\n")
                if not found:
                    break
                self.rest = rest
                answers.append(self.answer(line))
        if answers:
            self.transport.write(b"".join(answers))

    def answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self.in_body = True
            return b"354 Go\r\n"
        if verb == b"EHLO":
            return b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        return b"221 Bye\r\n" if verb == b"QUIT" else b"250 2.1.0 Ok\r\n"


def serve(port: int) -> None:
    """Run the sink until the process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=500)
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
