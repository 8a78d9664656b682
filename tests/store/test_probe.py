"""A database that takes no writes is found out without writing anything."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from outreach.errors import DatabaseUnavailable
from outreach.store import installation, probe
from outreach.store.database import Store, sqlite_file


def test_a_database_that_can_be_written_is_and_nothing_stays_behind(store: Store) -> None:
    with store.writing() as session:
        installation.state_once(session, "installation_id", "one")
    before = _kept(store)
    probe.write(store)
    probe.write(store)
    assert _kept(store) == before


def test_the_disk_of_sqlite_is_not_touched(sqlite_store: Store) -> None:
    file = sqlite_file(sqlite_store)
    assert file is not None
    probe.write(sqlite_store)
    wal = file.with_name(file.name + "-wal")
    before = (file.stat().st_size, wal.stat().st_size if wal.exists() else 0)
    for _ in range(20):
        probe.write(sqlite_store)
    assert (file.stat().st_size, wal.stat().st_size if wal.exists() else 0) == before


def test_a_full_sqlite_is_told(sqlite_store: Store) -> None:
    @sa.event.listens_for(sqlite_store.engine, "connect")
    def no_page_more(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite makes of it as many as there are

    with pytest.raises(DatabaseUnavailable, match="full"):
        probe.write(sqlite_store)


def test_a_sqlite_that_may_only_be_read_is_told(sqlite_store: Store) -> None:
    file = sqlite_file(sqlite_store)
    assert file is not None
    readers = Store(f"sqlite:///file:{file}?mode=ro&uri=true")
    try:
        with pytest.raises(DatabaseUnavailable, match="readonly"):
            probe.write(readers)
    finally:
        readers.close()


def test_a_postgresql_that_takes_no_writes_is_told(postgresql_store: Store) -> None:
    with postgresql_store.writing() as session:
        installation.state_once(session, "installation_id", "one")
        name = session.execute(sa.text("SELECT current_database()")).scalar_one()
        session.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    postgresql_store.close()
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        probe.write(postgresql_store)


def _kept(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        return [tuple(row) for row in session.execute(sa.text("SELECT key, value FROM installation ORDER BY key"))]
