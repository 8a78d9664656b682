"""Can the database be written now? Found out in a transaction that is rolled back: nothing stays, the disk rests."""

from __future__ import annotations

import sqlalchemy as sa

from outreach.store.database import Store, table_of
from outreach.store.installation import ID, InstallationFact

#: Longer than a page of SQLite, so that the file would have to grow (or has free pages).
_LENGTH = 8_192


def write(store: Store) -> None:
    """Raise DatabaseUnavailable unless the database takes a write; waits for whoever writes, as any writer does.

    SQLite is asked for new pages, which it refuses where the file may not be written or grow; they are given up before
    they reach the disk (whether the disk has room must be asked of the disk). PostgreSQL is asked to change a row: it
    would keep what is larger until the next vacuum.
    """
    table = table_of(InstallationFact)
    with store.writing() as session:
        if store.backend == "sqlite":
            session.execute(sa.insert(table).values(key="probe", value="x" * _LENGTH))
        else:
            session.execute(sa.update(table).where(table.c.key == ID).values(value=table.c.value))
        session.rollback()
