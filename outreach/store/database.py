"""How is the database opened, and what differs between SQLite and PostgreSQL?

Every transaction says beforehand whether it reads or writes; what the two do with that stands in `engines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite
from sqlalchemy.engine import Dialect
from sqlmodel import Session, SQLModel

from outreach.errors import DatabaseBusy, DatabaseMoved, DatabaseUnavailable
from outreach.store import engines

#: What PostgreSQL calls it when it takes a transaction back because others wait for it: serialization failure,
#: deadlock, a transaction that stood still for too long.
CONFLICTS = frozenset({"40001", "40P01", "25P03"})

#: How a database that was copied away begins to say so (`fence`).
MOVED = "This database was moved to "

Backend = Literal["sqlite", "postgresql"]


class Moment(sa.types.TypeDecorator[datetime]):
    """An instant: aware UTC in Python, ``timestamptz`` in PostgreSQL, naive UTC text in SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone reached the store: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Choice(sa.types.TypeDecorator[Enum]):
    """A string enum, stored as its value in a plain text column (so that a new state needs no migration of types)."""

    impl = sa.String(32)
    cache_ok = True

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Enum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.enum(value).value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Enum | None:
        return None if value is None else self.enum(value)


#: A JSON object; ``jsonb`` in PostgreSQL.
Document = sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql")

#: A growing table's key: 64 bits in PostgreSQL, SQLite's own rowid.
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def table_of(model: type[SQLModel]) -> sa.Table:
    """The Core table behind a SQLModel noun, for the statements of the hot paths."""
    table: sa.Table = model.__table__  # type: ignore[attr-defined]
    return table


class Store:
    """The one door to the database: short transactions, each declared as reading or writing.

    Safe to share between threads; a transaction belongs to the thread that opened it.
    """

    def __init__(self, url: str) -> None:
        self.url = engines.parsed(url)
        self.backend: Backend = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        self.engine = engines.sqlite(self.url) if self.backend == "sqlite" else engines.postgresql(self.url)
        self._writing_engine = self.engine.execution_options(outreach_writes=True)
        self._driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.OperationalError
        # What SQLite's snapshots give of themselves: sums that are read in several statements belong together.
        self._reading_engine = (
            self.engine
            if self.backend == "sqlite"
            else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )

    @property
    def place(self) -> str:
        """Where the database is, for messages: never with the password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads: one consistent view, however many statements; rolled back at the end."""
        with self._translated(), Session(self._reading_engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes; committed durably on leaving, rolled back on any exception."""
        with (
            self._translated(),
            Session(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def staying(self) -> Iterator[Stay]:
        """One connection for several transactions in a row: temporary tables and locks stay until the end."""
        with self._translated():
            connection = self.engine.connect()
            try:
                yield Stay(self, connection)
            finally:
                # Closed for good, not given back: whatever was set up on it ends with it.
                connection.detach()
                connection.close()

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DatabaseError as error:
            if str(error.orig).startswith(MOVED):
                raise DatabaseMoved(str(error.orig)) from error
            taken_back = getattr(error.orig, "sqlstate", None) in CONFLICTS
            if (
                type(error) not in {sa.exc.OperationalError, sa.exc.DatabaseError}
                and not taken_back
                and not _is_read_only(error)
            ):
                raise
            raise self._unavailable(error.orig or error) from error
        except self._driver_error as error:  # where an import speaks to the driver itself
            raise self._unavailable(error) from error

    def _unavailable(self, cause: BaseException) -> DatabaseUnavailable:
        words = f"The database {self.place} cannot be used: {_first_line(cause)}."
        if getattr(cause, "sqlstate", None) in CONFLICTS:
            return DatabaseBusy(words, hint="Nothing was written; do it again.")
        return DatabaseUnavailable(words, hint=_remedy(cause))


class Stay:
    """A store's transactions on one connection; belongs to one thread."""

    def __init__(self, store: Store, connection: sa.Connection) -> None:
        self.store = store
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; rolled back at the end."""
        with self._session(writes=False) as session:
            yield session

    @contextmanager
    def aside(self) -> Iterator[Session]:
        """A transaction that fills temporary tables: committed, and holding up nobody."""
        with self._session(writes=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes; committed durably on leaving, rolled back on any exception."""
        with self._session(writes=True) as session, session.begin():
            yield session

    def hurry(self) -> None:
        """For small commits that need not outlive a power cut: no disk is waited for while others want to write."""
        if self.store.backend == "sqlite":
            for pragma in ("synchronous = NORMAL", "wal_autocheckpoint = 0"):
                self.driver().execute(f"PRAGMA {pragma}")

    def driver(self) -> Any:
        """The driver's own connection, for what stands outside of any transaction."""
        return self._connection.connection.driver_connection

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[Session]:
        self._connection.execution_options(outreach_writes=writes)
        with self.store._translated(), Session(self._connection, expire_on_commit=False) as session:
            yield session


def _is_read_only(error: sa.exc.DatabaseError) -> bool:
    """Whether PostgreSQL takes no writes: a standby, or a server that was told so (25006)."""
    return getattr(error.orig, "sqlstate", None) == "25006"


def _first_line(cause: BaseException) -> str:
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__


def _remedy(cause: BaseException) -> str:
    words = str(cause)
    if "not a database" in words:
        return "That file is something else; name another place in OUTREACH_DATABASE_URL."
    if "locked" in words:
        return "Another process holds the database for too long; try again, or end that process."
    if "full" in words:
        return "The disk is full; make room and do it again (an import that broke off is completed by repeating it)."
    if "no such table" in words or "does not exist" in words:
        return "Run `outreach init` to create or upgrade it."
    return "Check OUTREACH_DATABASE_URL and that the place exists and may be written; `outreach doctor` looks closer."


def sqlite_file(store: Store) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL or a database in memory."""
    name = store.url.database
    return Path(name) if store.backend == "sqlite" and name and name != ":memory:" else None


def insert(session: Session, table: sa.Table) -> Any:
    """An INSERT on which ``on_conflict_do_nothing`` / ``on_conflict_do_update`` can be called, for either database."""
    if session.get_bind().dialect.name == "sqlite":
        return sa.dialects.sqlite.insert(table)
    return sa.dialects.postgresql.insert(table)


def moment_text(session: Session, column: sa.ColumnElement[Any], characters: int) -> sa.ColumnElement[str]:
    """The first characters of an instant written as ``2026-03-02 09:15:00.000000`` in UTC, to group by hour or day."""
    written: sa.ColumnElement[str] = sa.cast(column, sa.String)
    if session.get_bind().dialect.name != "sqlite":
        written = sa.func.to_char(sa.func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")
    # the number stands in the text: PostgreSQL would not see that two parameters in SELECT and GROUP BY are the same
    return sa.func.substr(written, 1, sa.literal_column(str(characters)))
