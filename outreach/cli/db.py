"""`outreach db ...`: the database as a whole."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from outreach import config, wiring
from outreach.actions import accept_copy, copy_database
from outreach.cli import open as opened
from outreach.cli import show
from outreach.house import opened_to_copy
from outreach.store.database import Store

app = typer.Typer(no_args_is_help=True)


@app.command("copy")
def copy(
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="URL", help="An empty PostgreSQL database: postgresql+psycopg://user:password@host/name."
        ),
    ],
    as_json: show.JsonOption = False,
) -> None:
    """Move this installation from SQLite to PostgreSQL whole. The old database then refuses to go on."""
    begun = time.monotonic()
    with opened_to_copy(config.load()) as source:
        target = Store(to)
        try:
            copied = copy_database.whole(source, target, now=datetime.now(UTC), told=_told)
        finally:
            target.close()
        place, seconds = source.place, round(time.monotonic() - begun, 1)
    total = sum(copied.rows.values())
    if as_json:
        facts = {"from": place, "to": target.place, "tables": copied.rows, "rows": total, "seconds": seconds}
        show.document({**facts, "next": {"OUTREACH_DATABASE_URL": target.place}})
        return
    show.table(("table", "rows"), [(name, n) for name, n in copied.rows.items() if n])
    show.line(f"Copied {total:,} rows to {target.place} in {seconds} s; counts and sums agree.")
    show.line(f"Now set OUTREACH_DATABASE_URL={target.place} (with its password) on every host; the secret key stays.")
    show.line(f"{place} stays as it is and takes no more writes.")


@app.command("accept")
def accept(as_json: show.JsonOption = False) -> None:
    """Go on with a database that was restored from a copy; campaigns that may have gone further are held."""
    with opened.house() as house:
        held = accept_copy.database(house.store, wiring.watermark(house).accept, now=datetime.now(UTC))
    if as_json:
        show.document({"held": held})
        return
    show.line("The database is accepted as it is: senders and clocks go on by themselves.")
    for name in held:
        show.line(f"Held: {name}. Somebody may get it twice if you `outreach campaign resume {name}`.")
    show.note("Who left, was erased or joined since the copy was made is not in it either.")


def _told(table: str, rows: int) -> None:
    if rows and show.err().is_terminal:
        show.note(f"{table}: {rows:,} rows")
