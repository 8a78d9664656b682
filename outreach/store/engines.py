"""How is a connection made to each of the two databases, and how does a transaction begin there?

On SQLite a writer takes the write lock when it begins (``BEGIN IMMEDIATE``): a transaction that starts by reading and
then writes would otherwise fail at once when another process wrote in between, however long the busy timeout is.
"""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import ConnectionPoolEntry

from outreach.errors import SettingsError

#: How long a SQLite writer waits for another one, in milliseconds.
BUSY_TIMEOUT_MS = 10_000
#: How often it looks whether the other is through, in seconds: SQLite itself waits up to 100 ms between two looks, and
#: one that writes again and again, as a sender does, then comes first time after time.
LOOK_SECONDS = 0.001

#: So that a server that is gone is noticed: seconds, by libpq's names.
_LINK = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
#: So that nobody waits for the locks of a process that was frozen in mid-transaction, or whose host is gone.
_SESSION = {
    "idle_in_transaction_session_timeout": "8s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
}


def parsed(url: str) -> sa.URL:
    """The URL of a database that we know; raises SettingsError."""
    try:
        found = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise SettingsError(
            "OUTREACH_DATABASE_URL is not a database URL.",
            hint="Write sqlite:///path/to/outreach.db or postgresql+psycopg://user:password@host/name.",
        ) from error
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
    if found.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise SettingsError(
            f"OUTREACH_DATABASE_URL names {found.drivername!r}, which outreach does not know.",
            hint="Use sqlite:///... or postgresql+psycopg://...",
        )
    if found.get_backend_name() == "sqlite" and found.database in {None, "", ":memory:"}:
        raise SettingsError(
            "OUTREACH_DATABASE_URL names no file, and a database in memory would be gone when the command ends.",
            hint="Write sqlite:///path/to/outreach.db.",
        )
    return found


def sqlite(url: sa.URL) -> Engine:
    """Connections to an SQLite file: readers and one writer at a time, each commit durable."""
    engine = sa.create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        json_serializer=_json,
        hide_parameters=True,  # an error that is logged would quote addresses
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver's own habit of opening transactions is switched off; `begin` below opens them.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # a commit that was reported survives a power cut
            "foreign_keys = ON",
            "temp_store = MEMORY",
            "cache_size = -8192",  # in KiB; neither a sender nor a launch is faster with more
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("outreach_writes", False):
            _begin_to_write(connection.connection.driver_connection)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_to_write(driver: Any) -> None:
    """Take the write lock as soon as it is free; raises sqlite3.OperationalError where it is not in time."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def postgresql(url: sa.URL) -> Engine:
    """Connections to a PostgreSQL server."""
    engine = sa.create_engine(
        url,
        connect_args={name: value for name, value in _LINK.items() if name not in url.query},
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        json_serializer=_json,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        with connection.cursor() as cursor:
            for name, value in _SESSION.items():
                cursor.execute(f"SET {name} = '{value}'")
        connection.commit()

    return engine


def _json(value: Any) -> str:
    """JSON as SQLite's own functions write it: they compare escaped and plain letters as different texts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
