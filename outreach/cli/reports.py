"""`outreach reports ...`: what came back about mail that was sent."""

from __future__ import annotations

import mailbox
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from outreach import wiring
from outreach.actions import collect
from outreach.cli import show
from outreach.cli.open import house
from outreach.errors import DatabaseBusy, OutreachError
from outreach.inbox.mailbox import LARGEST
from outreach.store import reports
from outreach.store.reports import FACTS

app = typer.Typer(no_args_is_help=True, help="Bounces, complaints, and what nobody can make out of what came back.")

Number = Annotated[int, typer.Argument(metavar="N", help="The number of a report, as `reports ls` tells it.")]

_SHOWN = ("id", "received_at", "kind", "state", "campaign", "status", "reason", "source")
#: Where reports that are fed by hand are recorded to have come from.
SOURCE = "file"


@app.command("ls")
def ls(
    *,
    unclear: Annotated[bool, typer.Option("--unclear", help="Only those that wait for a person to look.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: show.JsonOption = False,
) -> None:
    """Show what came back, the newest first, and how much of each kind."""
    with house() as opened, opened.store.reading() as session:
        counts = reports.counts(session)
        found = reports.page(session, unclear=unclear, limit=limit)
    if as_json:
        show.document({**counts, "reports": [_written(each) for each in found]})
        return
    if found:
        rows = [_written(each) for each in found]
        # To the minute, in UTC: what does not fit into a terminal's line is hard to read.
        short = [{**row, "received_at": row["received_at"][:16].replace("T", " ")} for row in rows]
        cells = [[show.harmless(str("-" if row[name] is None else row[name])) for name in _SHOWN] for row in short]
        show.table(_SHOWN, cells)
    for each in counts.values():
        show.line(", ".join(f"{name} {n:,}" for name, n in each.items()))


@app.command("show")
def show_one(number: Number, as_json: show.JsonOption = False) -> None:
    """Show one report: what was made of it, what the server said, and while it is unclear the message as it came."""
    with house() as opened, opened.store.reading() as session:
        found = reports.by_id(session, number)
        campaign = reports.campaign_of(session, number)
    raw = found.raw.decode("utf-8", "replace") if found.raw is not None else None
    facts = _written({"id": found.id, "campaign": campaign, **{name: getattr(found, name) for name in FACTS}})
    facts |= {"delivery_id": found.delivery_id, "raw": raw}
    if as_json:
        show.document(facts)
        return
    shown = [(name.replace("_", " "), value) for name, value in facts.items() if name != "raw" and value is not None]
    show.table(["", ""], [(name, show.harmless(str(value))) for name, value in shown])
    if raw is not None:
        show.line("")
        show.line(show.harmless(raw.replace("\r\n", "\n"), lines=True))
        show.note(f"When you have seen to it: `outreach reports handled {number}`; the message is deleted then.")


@app.command("handled")
def handled(number: Number) -> None:
    """Say that you have looked at a report: it waits no more, and the message as it came is deleted."""
    with house() as opened:
        done = collect.looked_at(opened.store, number)
    show.line(f"Report {number} is done with." if done else f"Report {number} did not wait for anybody.")


@app.command("read")
def read(
    files: Annotated[list[str], typer.Argument(help="Messages (.eml) or mbox files; - reads a message from stdin.")],
    as_json: show.JsonOption = False,
) -> None:
    """Take in reports from files, for those that landed in an ordinary mailbox. Safe to repeat."""
    told: Counter[str] = Counter()
    with house() as opened:
        terms = wiring.terms(opened)
        for file in files:
            for data in _messages(file):
                try:
                    done = collect.message(opened.store, data, source=SOURCE, terms=terms, now=datetime.now(UTC))
                except DatabaseBusy as error:
                    raise OutreachError(
                        error.message, hint="Read the file again; what is done is not done twice."
                    ) from error
                told["read"] += 1
                told[f"{done.kind.value} {done.state.value}" if done.fresh else "known"] += 1
    counted = {"read": told.pop("read", 0), "known": told.pop("known", 0), **dict(sorted(told.items()))}
    if as_json:
        show.document(counted)
        return
    show.line(", ".join(f"{name} {n:,}" for name, n in counted.items()))


def _messages(file: str) -> Iterator[bytes]:
    """The messages of a file: one, or those of an mbox, which begins with a line ``From ``."""
    if file == "-":
        yield sys.stdin.buffer.read(LARGEST)
        return
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(LARGEST)
        if not data.startswith(b"From "):
            yield data
            return
        box = mailbox.mbox(file, create=False)
        try:
            for key in box.iterkeys():
                yield box.get_bytes(key)[:LARGEST]
        finally:
            box.close()
    except OSError as error:
        raise OutreachError(f"{file} cannot be read: {error.strerror}.") from error


def _written(each: dict[str, Any]) -> dict[str, Any]:
    at: datetime = each["received_at"]
    return {**each, "received_at": at.isoformat(timespec="seconds"), "kind": each["kind"].value,
            "state": each["state"].value}  # fmt: skip
