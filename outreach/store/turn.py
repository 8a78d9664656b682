"""How does an import notice that another one runs? By a lock that ends with its process, however that ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import LiteralString

from outreach.errors import StateError
from outreach.store.database import Stay, sqlite_file

#: The number of PostgreSQL's advisory lock.
_LOCK = 0x6F75_7472_6561_6368


@contextmanager
def importing(stay: Stay) -> Iterator[None]:
    """Hold the only turn to import into this database; raises StateError where another import has it."""
    if stay.store.backend == "postgresql":
        with _advisory(stay):
            yield
        return
    file = sqlite_file(stay.store)
    if file is None:
        yield
        return
    with _beside(file):
        yield


@contextmanager
def _advisory(stay: Stay) -> Iterator[None]:
    """A lock of the session: PostgreSQL gives it back by itself when the process dies."""
    if not _asked(stay, "SELECT pg_try_advisory_lock(%s)"):
        raise _taken()
    try:
        yield
    finally:
        _asked(stay, "SELECT pg_advisory_unlock(%s)")


def _asked(stay: Stay, question: LiteralString) -> bool:
    driver = stay.driver()
    if driver.closed:
        return False
    with driver.transaction(), driver.cursor() as cursor:
        return bool(cursor.execute(question, (_LOCK,)).fetchone()[0])


@contextmanager
def _beside(file: Path) -> Iterator[None]:
    """SQLite's own lock on an empty file beside the database, so that the database itself stays free."""
    beside = file.with_name(file.name + "-import")
    with closing(sqlite3.connect(beside, timeout=0, isolation_level=None, check_same_thread=False)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise _taken() from None
        yield


def _taken() -> StateError:
    return StateError("Another import into this database is running.", hint="Try again when it has ended.")
