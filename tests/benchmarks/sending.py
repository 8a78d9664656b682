"""How fast do messages leave? The whole way, against Postfix' `smtp-source -d` with the same bytes.

    .venv/bin/python tests/benchmarks/sending.py [--rows 20000] [--rounds 3] [--postgresql auto] [--rtt 20] [--script]
    .venv/bin/python tests/benchmarks/sending.py --million [--rows 1000000]

Ours: the shipped campaign, claimed from the database with durable commits, spliced with its tokens, its attempts in the
journal, pipelined over loopback, settled. Both send into the same `smtp-sink`, in rounds that alternate; ratios are of
one round. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import launch
from outgoing import million, outbox, plain_script, sinks
from outgoing.outbox import Way

from outreach import config, materials
from outreach.message import article as articles
from outreach.message.recipient import Recipient
from outreach.store.database import Store

#: How many connections `smtp-source` is tried with; its best is what counts.
SESSIONS = (1, 5, 20)

#: The plain scripts that ours is compared with.
SCRIPTS = {"script": plain_script.by_the_manual, "script with our inliner": plain_script.by_ours}

#: A measurement: messages a second, and what else there is to tell.
Measure = Callable[[], tuple[float, dict[str, Any]]]


def main() -> None:
    chosen = _options()
    with tempfile.TemporaryDirectory(prefix="outreach-sending-") as name, sinks.smtp_sink() as port:
        folder = Path(name)
        folder.chmod(0o755)
        if chosen.million:
            told = million.measured(folder, port, chosen.rows or 1_000_000)
        else:
            with sinks.far_away(port, chosen.rtt / 1000) if chosen.rtt else nullcontext(port) as way_in:
                told = _compared(folder, way_in, chosen)
    print(json.dumps(told, indent=2))


def _compared(folder: Path, port: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Rounds of everything, one after another."""
    rows = chosen.rows or 20_000
    message = folder / "message"
    message.write_bytes(outbox.one_message().replace(b"\r\n", b"\n"))
    sessions = (chosen.connections,) if chosen.rtt else SESSIONS
    with _databases(folder, rows, chosen.postgresql) as stores:
        measures: dict[str, Measure] = {
            f"smtp-source, {count} sessions": _source(port, message, rows, count) for count in sessions
        }
        for kind, store in stores.items():
            way = Way(_url(store), port, folder / kind, connections=chosen.connections)
            measures[kind] = _ours(store, way, rows)
            measures[f"{kind}, 2 senders"] = _ours(store, replace(way, senders=2), rows)
            if not chosen.rtt:
                signed = replace(way, key=_key(folder))
                measures[f"{kind}, DKIM"] = _ours(store, signed, rows)
                measures[f"{kind}, DKIM, 2 senders"] = _ours(store, replace(signed, senders=2), rows)
        if chosen.script:
            for name, inliner in SCRIPTS.items():
                measures[name] = _script(port, folder, chosen.script_rows, inliner)
        if chosen.only:
            measures = {name: measure for name, measure in measures.items() if name in chosen.only}
        found = [{name: _measured(name, measure) for name, measure in measures.items()} for _ in range(chosen.rounds)]
    facts = {"rows": rows, "bytes": len(outbox.one_message()), "rtt_ms": chosen.rtt, "rounds": chosen.rounds}
    return {**facts, "connections": chosen.connections, **_told(found)}


def _measured(name: str, measure: Measure) -> tuple[float, dict[str, Any]]:
    speed, more = measure()
    print(f"{name}: {speed:,.0f}/s {more or ''}", file=sys.stderr)
    return speed, more


def _told(rounds: list[dict[str, tuple[float, dict[str, Any]]]]) -> dict[str, Any]:
    """Medians, and ratios against the best of `smtp-source` in the same round."""
    best = [max(speed for name, (speed, _) in found.items() if name.startswith("smtp-source")) for found in rounds]
    told: dict[str, Any] = {}
    for name in rounds[0]:
        speeds = [found[name][0] for found in rounds]
        told[name] = {"per_second": round(statistics.median(speeds), 1)}
        for fact in rounds[0][name][1]:
            told[name][fact] = round(statistics.median(found[name][1][fact] for found in rounds), 1)
        against = statistics.median(speed / other for speed, other in zip(speeds, best, strict=True))
        told[name]["against_smtp_source"] = round(against, 4)
    for script in [name for name in SCRIPTS if name in rounds[0] and "sqlite" in rounds[0]]:
        against = statistics.median(found["sqlite"][0] / found[script][0] for found in rounds)
        told["sqlite"][f"against_{script}"] = round(against, 1)
    return {"medians": told, "rounds_per_second": [{name: round(f[0], 1) for name, f in r.items()} for r in rounds]}


def _source(port: int, message: Path, rows: int, sessions: int) -> Measure:
    return lambda: (sinks.smtp_source(port, message, rows, sessions), {})


def _ours(store: Store, way: Way, rows: int) -> Measure:
    def measure() -> tuple[float, dict[str, Any]]:
        campaign, _ = outbox.launched(store)
        told = outbox.drained(way, campaign)
        if told["deliveries"] != {"sent": rows}:
            sys.exit(f"not everybody was sent to: {told['deliveries']}")
        more = {"cpu_us": told["cpu"] / rows * 1e6, "peak_mb": told["peak_mb"]}
        return rows / told["seconds"], more

    return measure


def _script(port: int, folder: Path, rows: int, inliner: plain_script.Inliner) -> Measure:
    settings = config.load(quote_url="https://clinic.example/quote")
    name, text = materials.article(settings, "car-t-cell-therapy")
    article = articles.parse(text, file=f"{name}.md").with_links({"quote": settings.quote_url or ""})
    layout = materials.layout(settings, "default")
    people = [Recipient(f"p{number}@example.org", f"Person {number}") for number in range(rows)]
    database = f"sqlite:///{folder}/script.db"

    def measure() -> tuple[float, dict[str, Any]]:
        work = plain_script.messages(article, layout, people, outbox.URL, inliner=inliner)
        return plain_script.sent(work, port, database), {}

    return measure


@contextmanager
def _databases(folder: Path, rows: int, postgresql: str | None) -> Iterator[dict[str, Store]]:
    with launch.private_postgresql() if postgresql == "auto" else nullcontext(postgresql) as server:
        urls = {"sqlite": f"sqlite:///{folder}/sending.db", **({"postgresql": server} if server else {})}
        stores = {kind: Store(url) for kind, url in urls.items()}
        try:
            for kind, store in stores.items():
                print(f"{kind}: filling with {rows:,} people", file=sys.stderr)
                outbox.fill(store, rows)
            yield stores
        finally:
            for store in stores.values():
                store.close()


def _url(store: Store) -> str:
    return store.url.render_as_string(hide_password=False)


def _key(folder: Path) -> Path:
    """A key of 2048 bits."""
    file = folder / "dkim.pem"
    if not file.exists():
        subprocess.run(["openssl", "genrsa", "-out", str(file), "2048"], check=True, capture_output=True)
    return file


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, help="recipients (20,000; with --million 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--postgresql", help="URL of an empty database, or auto: a private one with durable settings")
    parser.add_argument("--only", nargs="+", help="only these, such as: sqlite 'smtp-source, 20 sessions'")
    parser.add_argument("--rtt", type=float, help="milliseconds of a round trip, for both sides")
    parser.add_argument("--script", action="store_true", help="also a script that renders, inlines and sends for each")
    parser.add_argument("--script-rows", type=int, default=100)
    parser.add_argument("--million", action="store_true", help="memory, status and cost while a large campaign leaves")
    return parser.parse_args()


if __name__ == "__main__":
    main()
