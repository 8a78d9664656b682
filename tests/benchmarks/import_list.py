"""How fast is a big list imported, and how long does it hold others up? One JSON document on stdout.

    .venv/bin/python tests/benchmarks/import_list.py [--rows 1000000] [--order random] [--postgresql auto] [--repeat 3]

The rows have names in several scripts, some with commas. The rate counts the whole import: reading,
checking, staging, taking over, every commit durable. Medians of several runs, each in a process of its own; since
machines are shared, `csv_alone_rows_per_s` tells what the csv module takes to read the same file at the same time.
With --probe a second process asks for the writer again and again: `writer_waited_ms` is the longest that it waited.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import sqlalchemy as sa

from outreach.actions import import_list
from outreach.store import migrate
from outreach.store.database import Store
from tests import conftest

FIRST = ("Ana", "Jürgen", "Olga", "Wei", "Noor", "Zoë", "李", "محمد", "Κώστας", "Иван")
LAST = ("Müller", "O'Neil", "Petrov", "Sato", "Smith, Jr.", "Núñez", "王", "Lee")
CITIES = ("Berlin", "Wien", "Paris", "Köln", "Zürich", "Tokyo", "Seoul")
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/Lima")


def write_file(file: Path, rows: int, order: str, columns: int = 6) -> None:
    """A list of people who do not exist, whose addresses ascend or come in no order, with 2 columns or 6."""
    chance = random.Random(1)
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write("email,name\n" if columns == 2 else "email,name,language,timezone,country,city\n")
        for number in range(rows):
            local = number if order == "ascending" else chance.getrandbits(44)
            name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            name = f'"{name}"' if "," in name else name
            rest = f",{chance.choice(('en', 'de', 'fr'))},{chance.choice(ZONES)},XX,{chance.choice(CITIES)}"
            out.write(f"user{local}@mail{chance.randrange(50)}.example.org,{name}{rest if columns == 6 else ''}\n")


def probe(url: str, stop: Event, longest: Any) -> None:
    """Ask for the writer every few milliseconds; the longest wait in seconds."""
    store = Store(url)
    with store.writing() as session:
        session.execute(sa.text("CREATE TABLE IF NOT EXISTS probe (n integer)"))
    while not stop.is_set():
        begun = time.perf_counter()
        with store.writing() as session:
            session.execute(sa.text("INSERT INTO probe VALUES (1)"))
        longest.value = max(longest.value, time.perf_counter() - begun)
        time.sleep(0.003)
    store.close()


@contextmanager
def probing(url: str) -> Iterator[Any]:
    """A second process that wants to write, for as long as the block lasts."""
    context = multiprocessing.get_context("spawn")
    stop, longest = context.Event(), context.Value("d", 0.0)
    process = context.Process(target=probe, args=(url, stop, longest))
    process.start()
    try:
        yield longest
    finally:
        stop.set()
        process.join()


def once(url: str, file: Path, consent: bool, probed: bool) -> dict[str, float]:
    """One import into a fresh database, and the same import again."""
    begun = time.perf_counter()
    with file.open(encoding="utf-8", newline="") as lines:
        read = sum(1 for _ in csv.reader(lines))
    alone = read / (time.perf_counter() - begun)
    store = Store(url)
    migrate.upgrade(store)
    held: list[float] = []
    slices = _timed(held)
    try:
        terms = {"list_name": "news", "consent": "I agree" if consent else None, "source": "benchmark"}
        begun, used = time.perf_counter(), time.process_time()
        if probed:
            with probing(url) as longest:
                report = import_list.file(store, file, now=datetime.now(UTC), **terms)
            waited = longest.value
        else:
            report = import_list.file(store, file, now=datetime.now(UTC), **terms)
            waited = 0.0
        took, worked = time.perf_counter() - begun, time.process_time() - used
        begun = time.perf_counter()
        again = import_list.file(store, file, now=datetime.now(UTC), **terms)
        repeated = time.perf_counter() - begun
    finally:
        slices()
        store.close()
    assert report.tally.added == again.tally.unchanged == report.read
    return {
        "rows_per_s": report.read / took,
        "rows_per_cpu_s": report.read / worked,
        "csv_alone_rows_per_s": alone,
        "again_rows_per_s": report.read / repeated,
        "slice_held_ms": max(held) * 1000,
        "slice_held_p99_ms": sorted(held)[int(len(held) * 0.99)] * 1000,
        "writer_waited_ms": waited * 1000,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _timed(held: list[float]) -> Any:
    """Note how long each slice holds the writer, from having it to the end of the commit; undone by the result."""
    from outreach.store.database import Stay

    writing = Stay.writing

    @contextmanager
    def timed(self: Stay) -> Iterator[Any]:
        begun = 0.0
        with writing(self) as session:
            session.connection()
            begun = time.perf_counter()
            yield session
        held.append(time.perf_counter() - begun)

    Stay.writing = timed  # type: ignore[method-assign]
    return lambda: setattr(Stay, "writing", writing)


def databases(where: str | None, folder: Path, repeat: int) -> Iterator[tuple[str, list[str]]]:
    """(kind, URLs of fresh databases)"""
    yield "sqlite", [f"sqlite:///{folder}/bench{number}.db" for number in range(repeat)]
    if where is None:
        return
    cluster = conftest.postgresql.__wrapped__() if where == "auto" else None  # type: ignore[attr-defined]
    base = next(cluster) if cluster else where
    urls = []
    for number in range(repeat):
        name = f"bench_{os.getpid()}_{number}"
        conftest._administer(base, f"CREATE DATABASE {name}")
        urls.append(f"{base}/{name}")
    try:
        yield "postgresql", urls
    finally:
        if cluster:
            next(cluster, None)


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--order", choices=("random", "ascending"), default="random")
    options.add_argument("--columns", type=int, choices=(2, 6), default=6)
    options.add_argument("--consent", action="store_true", help="with a proof of consent for each person")
    options.add_argument("--probe", action="store_true", help="a second process that wants to write meanwhile")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--postgresql", metavar="URL", help="also on this server (without database), or `auto`")
    wanted = options.parse_args()
    found: dict[str, Any] = {
        "rows": wanted.rows,
        "columns": wanted.columns,
        "order": wanted.order,
        "consent": wanted.consent,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.csv"
        write_file(file, wanted.rows, wanted.order, wanted.columns)
        for kind, urls in databases(wanted.postgresql, Path(folder), wanted.repeat):
            runs = []
            for url in urls:
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
                    runs.append(alone.submit(once, url, file, wanted.consent, wanted.probe).result())
                print(kind, {key: round(value) for key, value in runs[-1].items()}, file=sys.stderr)
            found[kind] = {key: round(statistics.median(run[key] for run in runs)) for key in runs[0]}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
