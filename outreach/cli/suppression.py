"""`outreach suppression ...`: addresses and domains that are never mailed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from outreach.actions import import_suppressions, suppress, unsuppress
from outreach.cli import show
from outreach.cli.open import house
from outreach.errors import OutreachError
from outreach.store import suppressions
from outreach.store.database import Store
from outreach.store.suppressions import SuppressionReason

app = typer.Typer(no_args_is_help=True, help="Addresses and domains that are never mailed, above everything else.")

Entry = Annotated[str, typer.Argument(help="An address, or @example.org for a domain and all below it.")]

#: Rejected rows that a person gets to see; `--json` has all of them.
SHOWN = 20
#: Entries that are read at once for an export.
_PAGE = 5_000
_COLUMNS = ("entry", "reason", "note", "at")


@app.command("add")
def add(entry: Entry, note: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "") -> None:
    """See to it that an address, or everybody at a domain and below it, is never mailed."""
    with house() as opened:
        key, fresh = suppress.entry(opened.store, entry, note=note, now=datetime.now(UTC))
    show.line(f"{key} is never mailed{'' if fresh else ' (it was suppressed before)'}.")


@app.command("remove")
def remove(entry: Entry, reason: Annotated[str, typer.Option(help="Why it may be mailed again.")]) -> None:
    """Take back what was suppressed by hand; bounces and complaints only the person can lift, by joining again."""
    with house() as opened:
        key = unsuppress.entry(opened.store, entry, reason=reason, now=datetime.now(UTC))
    show.line(f"{key} may be mailed again.")


@app.command("ls")
def ls(
    reason: Annotated[SuppressionReason | None, typer.Option(help="Only those with this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: show.JsonOption = False,
) -> None:
    """Show what is suppressed, why and since when: domains first, then addresses in their order."""
    with house() as opened, opened.store.reading() as session:
        counts = suppressions.counts(session)
        entries = suppressions.page(session, reason=reason, limit=limit)
    if as_json:
        show.document({"counts": counts, "entries": entries})
        return
    if entries:
        show.table(_COLUMNS, [_written(each) for each in entries])
    show.line(", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counts.items()))


@app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(help="A CSV file; - reads standard input.", show_default=False)],
    as_json: show.JsonOption = False,
) -> None:
    """Import addresses and domains from a CSV file (columns: entry, reason, note); it only adds. Safe to repeat."""
    barred: Path | BinaryIO = sys.stdin.buffer if file == "-" else Path(file)
    source = "import of standard input" if file == "-" else f"import of {Path(file).name}"
    with house() as opened:
        keys = opened.keys.readers("erasure")
        report = import_suppressions.file(opened.store, barred, source=source, now=datetime.now(UTC), erasure_keys=keys)
    if as_json:
        show.document(report.document())
        return
    figures = (report.read, report.added, report.known, len(report.rejected))
    show.table(("read", "added", "known", "rejected"), [figures])
    for line, reason in report.rejected[:SHOWN]:
        show.line(f"  line {line}: {reason}")
    if len(report.rejected) > SHOWN:
        show.line(f"  ... and {len(report.rejected) - SHOWN:,} more; --json shows all of them.")


@app.command("export")
def export(file: Annotated[str, typer.Argument(help="The file to write; - writes standard output.")]) -> None:
    """Write everything that is suppressed as CSV, which `import` takes; erased people are in it as hashes."""
    with house() as opened:
        if file == "-":
            _write(sys.stdout, opened.store)
            return
        try:
            with Path(file).open("w", encoding="utf-8", newline="") as out:
                n = _write(out, opened.store)
        except OSError as error:
            raise OutreachError(f"{file} cannot be written: {error.strerror}.") from error
    show.line(f"Wrote {n:,} entries to {file}.")


def _write(out: Any, store: Store) -> int:
    rows = csv.writer(out)
    rows.writerow(_COLUMNS)
    written = 0
    for each in _all(store):
        rows.writerow(_written(each))
        written += 1
    return written


def _all(store: Store) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        with store.reading() as session:
            found = suppressions.page(session, after=after, limit=_PAGE)
        if not found:
            return
        yield from found
        after = found[-1]["entry"]


def _written(each: dict[str, Any]) -> tuple[str, ...]:
    return (each["entry"], each["reason"], each["note"], each["at"].isoformat(timespec="seconds"))
