"""How long does it take to freeze an audience? `tests/benchmarks/launch.py [--rows N] [--postgresql auto]`

Prints one JSON document: seconds for SQLite, and for PostgreSQL where a server is named (`auto` starts a private one
with durable settings). One person in fifty has left, one in seventy-seven is unconfirmed, one in a hundred suppressed.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import freeze, migrate
from outreach.store.database import Store

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000, help="people on the list (1,000,000)")
    options.add_argument("--rounds", type=int, default=3, help="launches of the same list (3)")
    options.add_argument("--postgresql", default=None, help="URL of an empty database, or auto")
    chosen = options.parse_args()
    told: dict[str, object] = {"rows": chosen.rows}
    with tempfile.TemporaryDirectory(prefix="outreach-launch-") as folder:
        told["sqlite"] = measured(f"sqlite:///{folder}/launch.db", chosen.rows, chosen.rounds)
    if chosen.postgresql == "auto":
        with private_postgresql() as url:
            told["postgresql"] = measured(url, chosen.rows, chosen.rounds)
    elif chosen.postgresql:
        told["postgresql"] = measured(chosen.postgresql, chosen.rows, chosen.rounds)
    print(json.dumps(told, indent=2))


def measured(url: str, rows: int, rounds: int) -> dict[str, object]:
    """Fill a fresh database, then launch several campaigns to the whole list."""
    store = Store(url)
    migrate.upgrade(store)
    print(f"{store.backend}: filling with {rows:,} people", file=sys.stderr)
    fill(store, rows, rounds)
    seconds: list[float] = []
    busy: list[float] = []
    audience: dict[str, int] = {}
    for campaign in range(1, rounds + 1):
        with store.writing() as session:
            process = worker(session)
            begun, cpu = time.perf_counter(), cpu_seconds(process)
            found = freeze.audience(session, campaign, 1, NOW)
            busy.append(round(cpu_seconds(process) - cpu, 2))
        seconds.append(round(time.perf_counter() - begun, 3))
        audience = {state.value: n for state, n in found.items() if n}
        print(f"{store.backend}: launch {campaign} took {seconds[-1]} s", file=sys.stderr)
    store.close()
    return {"freeze_seconds": seconds, "best": min(seconds), "cpu_seconds": busy, "audience": audience}


def worker(session: Session) -> int:
    """The process that does the work: this one, or the server's."""
    if session.get_bind().dialect.name == "sqlite":
        return os.getpid()
    return int(session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


def cpu_seconds(process: int) -> float:
    """What a process has used of a core: what tells on a machine that others use too."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(store: Store, rows: int, campaigns: int) -> None:
    """One list, its people, and the campaigns, written by the database itself."""
    sqlite = store.backend == "sqlite"
    numbers = (
        f"(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < {rows}) SELECT i FROM g) g"
        if sqlite
        else f"generate_series(1, {rows}) g(i)"
    )
    moment = {"now": NOW.replace(tzinfo=None) if sqlite else NOW}
    no, email = ("0" if sqlite else "false"), "'p' || i || '@example.org'"
    state = "CASE WHEN i % 50 = 0 THEN 'unsubscribed' WHEN i % 77 = 0 THEN 'unconfirmed' ELSE 'confirmed' END"
    statements = [
        "INSERT INTO mailing_list (id, name, title, tracking, created_at) VALUES (1, 'all', 'All', 'off', :now)",
        "INSERT INTO subscriber (id, email, email_key, name, language, timezone, attributes, tracking_consent, "
        f"created_at, updated_at) SELECT i, {email}, {email}, 'Person ' || i, 'en', 'UTC', '{{}}', {no}, :now, :now "
        f"FROM {numbers}",
        "INSERT INTO subscription (list_id, subscriber_id, state, created_at, changed_at) "
        f"SELECT 1, i, {state}, :now, :now FROM {numbers}",
        f"INSERT INTO suppression (email_key, reason, note, at) SELECT {email}, 'manual', '', :now FROM {numbers} "
        "WHERE i % 100 = 0",
        *(
            "INSERT INTO campaign (id, name, list_id, state, article_name, article, layout_name, layout, created_at, "
            f"updated_at) VALUES ({number}, 'c{number}', 1, 'sending', 'a', 'a', 'l', '{{}}', :now, :now)"
            for number in range(1, campaigns + 1)
        ),
    ]
    with store.writing() as session:
        for statement in statements:
            # A colon that is not a parameter stands nowhere in them.
            session.execute(sa.text(statement), moment)
    if not sqlite:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def private_postgresql() -> Iterator[str]:
    """A PostgreSQL cluster of our own, with the settings that it comes with; started as a user that is not root."""
    initdb = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
    found = shutil.which("initdb")
    binary = Path(found) if found else initdb
    if binary is None:
        sys.exit("PostgreSQL's server binaries are not on this machine: run .ci/tools.")
    folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(tool: str, *words: str) -> None:
        command = [str(binary.resolve().with_name(tool)), "-D", str(folder / "data"), *words]
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)

    run("initdb", "-U", "outreach", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=", "start")
    try:
        yield f"postgresql+psycopg://outreach@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
