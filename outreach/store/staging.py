"""Where do the checked rows of a file wait, and in which slices are they taken? Beside the tables, holding up nobody.

Addresses in random order would touch every page of the index of addresses again in each transaction, which takes ten
times as long on SQLite, and each slice would reach over everybody: such a file is sorted before it is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlmodel import Session

from outreach.audience.listfile import Entry
from outreach.store.database import Stay
from outreach.store.intake import Slice
from outreach.store.merge import FIELDS, STAGED, TEMPORARY

#: Every so many rows a key is remembered, to see whether the file is sorted well enough.
SAMPLE = 64

#: Rows of one multi-row INSERT on SQLite: half the price of a statement for each.
_ROWS = 50

_COPY = "COPY staged (" + ", ".join(FIELDS) + ") FROM STDIN"

#: Stages some rows; no address may come twice.
Add = Callable[[Sequence[Entry]], None]


class Staging:
    """The checked rows of one file, on one connection."""

    def __init__(self, stay: Stay) -> None:
        self._stay = stay
        self._sample: list[str] = []
        self._is_sqlite = stay.store.backend == "sqlite"
        self._taken = 0
        self.rows = 0
        if self._is_sqlite:
            # A million rows belong in a file of their own, not in memory; big pages, since they are read in a row.
            stay.driver().execute("PRAGMA temp_store = FILE")
            stay.driver().execute("PRAGMA temp.page_size = 65536")
            # Pages are brought from the log to the file between the slices (`pause`), not within a commit.
            stay.driver().execute("PRAGMA wal_autocheckpoint = 0")
        with stay.aside() as session:
            TEMPORARY.create_all(session.connection(), checkfirst=False)

    @contextmanager
    def filling(self) -> Iterator[Add]:
        """A function that stages rows; no address may come twice in all of them. Once for each Staging."""
        with self._stay.aside() as session:
            driver = session.connection().connection.driver_connection
            with (_sqlite_filler if self._is_sqlite else _postgresql_filler)(driver) as write:

                def add(entries: Sequence[Entry]) -> None:
                    self._sample += [entry[0] for entry in entries[-self.rows % SAMPLE :: SAMPLE]]
                    self.rows += len(entries)
                    write(entries)

                yield add
            if is_scattered(self._sample):
                _sort(session)

    def take(self, rows: int) -> Slice | None:
        """The next slice, of at most that many rows; None where all were taken."""
        first = self._taken + 1
        self._taken = min(self._taken + rows, self.rows)
        return Slice(first, self._taken + 1) if self._taken >= first else None

    def pause(self) -> None:
        """Between two slices: let others write, and bring pages from SQLite's log to its file meanwhile."""
        if self._is_sqlite:
            self._stay.driver().execute("PRAGMA wal_checkpoint(PASSIVE)")


def is_scattered(sample: Sequence[str], window: int = 128) -> bool:
    """Whether stretches of a file reach all over the index: keys that were taken at regular distances tell.

    In a sorted file each window of keys lies in one or two of the windows that they would fill when sorted.
    """
    rank = {key: index for index, key in enumerate(sorted(sample))}
    windows = [sample[at : at + window] for at in range(0, len(sample), window)]
    reached = sum(len({rank[key] // window for key in keys}) for keys in windows)
    return reached > 4 * len(windows)


def _sort(session: Session) -> None:
    """Write the staged rows anew in the order of their keys, which is that of the index of addresses."""
    unsorted = sa.table("unsorted", *(sa.column(name) for name in FIELDS))
    session.execute(sa.text("ALTER TABLE staged RENAME TO unsorted"))
    STAGED.create(session.connection(), checkfirst=False)
    rows = sa.select(unsorted).order_by(unsorted.c.email_key)
    session.execute(sa.insert(STAGED).inline().from_select(FIELDS, rows))
    session.execute(sa.text("DROP TABLE unsorted"))


@contextmanager
def _sqlite_filler(driver: Any) -> Iterator[Add]:
    compiled = sa.insert(STAGED).compile(dialect=sqlite.dialect(), column_keys=FIELDS)
    into, _, row = str(compiled).rpartition(" VALUES ")
    one, several = f"{into} VALUES {row}", f"{into} VALUES {', '.join([row] * _ROWS)}"

    def add(entries: Sequence[Entry]) -> None:
        whole = len(entries) - len(entries) % _ROWS
        many = (tuple(chain.from_iterable(entries[at : at + _ROWS])) for at in range(0, whole, _ROWS))
        driver.executemany(several, many)
        driver.executemany(one, entries[whole:])

    yield add


@contextmanager
def _postgresql_filler(driver: Any) -> Iterator[Add]:
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:

        def add(entries: Sequence[Entry]) -> None:
            for entry in entries:
                copy.write_row(entry)

        yield add
