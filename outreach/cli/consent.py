"""`outreach consent ...`: the ledger of what people agreed to."""

from __future__ import annotations

from typing import Annotated

import typer

from outreach.actions import verify as verifying
from outreach.audience.ledger import DIGEST
from outreach.cli import show
from outreach.cli.open import house
from outreach.errors import OutreachError

app = typer.Typer(
    name="consent", help="What people agreed to, on a record that shows every change.", no_args_is_help=True
)


@app.command("verify")
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head that was noted earlier: it must still be in the chain.")
    ] = None,
    as_json: show.JsonOption = False,
) -> None:
    """Compute every entry and link of the ledger anew; exit code 1 where anything was changed, and what it is."""
    noted = _noted(head) if head is not None else None
    with house() as opened:
        found = verifying.consents_ledger(opened.store, noted=noted)
    if as_json:
        show.document(found.document())
    else:
        for fault in found.faults:
            place = ", ".join(
                f"{word} {n}" for word, n in (("link", fault.link), ("entry", fault.entry)) if n is not None
            )
            show.line(f"{place}: {fault.what}." if place else f"{fault.what[:1].upper()}{fault.what[1:]}.")
        if found.more_faults:
            show.line(f"... and {found.more_faults:,} more.")
        if found.noted_at is not None:
            show.line(f"The head that was noted is link {found.noted_at:,}: everything up to it is what it was then.")
        erased = f", {found.erased:,} of people who were erased" if found.erased else ""
        show.line(f"{found.entries:,} entries as they were{erased}, in {found.links:,} links.")
        show.line(f"Head: {found.head.hex()}")
        if found.sound:
            show.note("Note the head somewhere else: `--head` tells later whether the chain up to it was written anew.")
    if not found.sound:
        raise typer.Exit(1)


def _noted(text: str) -> bytes:
    try:
        noted = bytes.fromhex(text.strip())
    except ValueError:
        noted = b""
    if len(noted) != DIGEST:
        raise OutreachError(f"{text!r} is not a head.", hint=f"A head has {2 * DIGEST} hexadecimal digits.")
    return noted
