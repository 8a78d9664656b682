"""How does everything in an SQLite database get into a PostgreSQL one? Table by table, as COPY takes it, ids kept.

SQLite holds moments as UTC text, JSON as text and booleans as 0 and 1. PostgreSQL reads all three as they stand, so no
value passes through Python's types: that is what makes it fast, and leaves nothing to round or to reformat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlmodel import Session

from outreach.errors import StateError
from outreach.store import migrate
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, Tally
from outreach.store.fence import FACT

#: Told the table and how many of its rows are over, now and then.
Progress = Callable[[str, int], object]

#: Rows between two words of progress.
OFTEN = 50_000


def tables() -> list[sa.Table]:
    """Every table, those that others refer to first."""
    return list(migrate.metadata().sorted_tables)


def what_is_there(session: Session) -> list[str]:
    """The tables that a database has already."""
    return sorted(sa.inspect(session.connection()).get_table_names())


def copy(here: Session, there: Session, table: sa.Table, told: Progress) -> int:
    """Copy the rows of a table; how many. Raises StateError for a value that PostgreSQL does not take."""
    names = [column.name for column in table.columns]
    target = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    n = 0
    try:
        with _driver(there).cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")  # what SQLite's naive moments are meant in
            with cursor.copy(target) as rows:
                for n, row in enumerate(_rows(here, table), 1):
                    rows.write_row(row)
                    if n % OFTEN == 0:
                        told(table.name, n)
    except psycopg.DataError as error:
        place = (error.diag.context or "").partition("\n")[0]
        raise StateError(
            f"The table {table.name} cannot be copied: {error.diag.message_primary or error}"
            + (f" ({place})." if place else "."),
            hint="Nothing was written to the new database, and the old one goes on as before.",
        ) from error
    told(table.name, n)
    return n


def count(session: Session, table: sa.Table) -> int:
    """How many rows of a table are copied: all but the mark that says where it has moved."""
    statement = sa.select(sa.func.count()).select_from(table)
    if table.name == "installation":
        statement = statement.where(table.c.key != FACT)
    n: int = session.execute(statement).scalar_one()
    return n


def set_sequences(here: Session, there: Session) -> None:
    """Let new rows get numbers that were never used: not even those of people who were erased."""
    remembered = {}
    if here.execute(sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")).first():
        remembered = {row.name: row.seq for row in here.execute(sa.text("SELECT name, seq FROM sqlite_sequence"))}
    for table in tables():
        key = table.autoincrement_column
        if key is None:
            continue
        sequence = there.execute(
            sa.select(sa.func.pg_get_serial_sequence(f'"{table.name}"', key.name))
        ).scalar_one_or_none()
        highest = there.execute(sa.select(sa.func.max(key))).scalar_one() or 0
        last = max(highest, remembered.get(table.name, 0))
        if sequence and last:
            there.execute(sa.select(sa.func.setval(sequence, last)))


def analyse(there: Session) -> None:
    """Let PostgreSQL know what it holds, so that the first queries are planned well."""
    there.execute(sa.text("ANALYZE"))


def miscounted(session: Session) -> list[int]:
    """The campaigns whose tallies are not the sum of their deliveries; none, unless something is broken."""
    delivery, tally = table_of(Delivery), table_of(Tally)
    counting = sa.select(delivery.c.campaign_id, delivery.c.state, sa.func.count().label("n"))
    counting = counting.group_by(delivery.c.campaign_id, delivery.c.state)
    rows = {(row.campaign_id, row.state): row.n for row in session.execute(counting)}
    kept = sa.select(tally.c.campaign_id, tally.c.state, tally.c.n).where(tally.c.n != 0)
    tallies = {(row.campaign_id, row.state): row.n for row in session.execute(kept)}
    return sorted({campaign_id for (campaign_id, _), _ in rows.items() ^ tallies.items()})


def _rows(here: Session, table: sa.Table) -> Iterator[tuple[object, ...]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    mark = f" WHERE key <> '{FACT}'" if table.name == "installation" else ""
    query = f'SELECT {names} FROM "{table.name}"{mark} ORDER BY {order}'  # noqa: S608
    driver = here.connection().connection.driver_connection
    assert driver is not None
    yield from driver.execute(query)


def _driver(session: Session) -> psycopg.Connection[tuple[object, ...]]:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
