"""How does a process notice that another is at the same work? By a lock that ends with its process, however it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

from outreach.errors import StateError
from outreach.store.database import Stay, sqlite_file


@dataclass(frozen=True)
class Turn:
    """A work that one process does at a time."""

    #: The number of PostgreSQL's advisory lock.
    lock: int
    #: The end of the name of the file that is locked beside an SQLite database.
    suffix: str


IMPORT = Turn(0x6F75_7472_6561_6368, "-import")
CLOCK = Turn(0x6F75_7472_6561_6369, "-clock")
MAILBOX = Turn(0x6F75_7472_6561_636A, "-mailbox")


@contextmanager
def importing(stay: Stay) -> Iterator[None]:
    """Hold the only turn to import into this database; raises StateError where another import has it."""
    with asked(stay, IMPORT) as ours:
        if not ours:
            raise StateError("Another import into this database is running.", hint="Try again when it has ended.")
        yield


@contextmanager
def asked(stay: Stay, turn: Turn) -> Iterator[bool]:
    """Whether the turn is ours; if so, until the end."""
    if stay.store.backend == "postgresql":
        with _advisory(stay, turn) as ours:
            yield ours
        return
    file = sqlite_file(stay.store)
    if file is None:
        yield True
        return
    with _beside(file.with_name(file.name + turn.suffix)) as ours:
        yield ours


@contextmanager
def _advisory(stay: Stay, turn: Turn) -> Iterator[bool]:
    """A lock of the session: PostgreSQL gives it back by itself when the process dies."""
    ours = _answer(stay, turn, "SELECT pg_try_advisory_lock(%s)")
    try:
        yield ours
    finally:
        if ours:
            _answer(stay, turn, "SELECT pg_advisory_unlock(%s)")


def _answer(stay: Stay, turn: Turn, question: LiteralString) -> bool:
    driver = stay.driver()
    if driver.closed:
        return False
    with driver.transaction(), driver.cursor() as cursor:
        return bool(cursor.execute(question, (turn.lock,)).fetchone()[0])


@contextmanager
def _beside(file: Path) -> Iterator[bool]:
    """SQLite's own lock on an empty file beside the database, so that the database itself stays free."""
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            ours = False
        else:
            ours = True
        yield ours
