"""`outreach db ...`: the database as a whole."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from outreach import wiring
from outreach.actions import accept_copy
from outreach.cli import open as opened
from outreach.cli import show

app = typer.Typer(name="db", help="The database as a whole.", no_args_is_help=True)


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
