"""`outreach subscriber ...`: the people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from outreach.actions import erase as erasing
from outreach.actions import import_list, subscribe, suppress, unsubscribe
from outreach.actions.import_list import ImportReport
from outreach.audience.consent import Mover, SubscriptionState
from outreach.cli import show
from outreach.cli.open import house
from outreach.errors import OutreachError
from outreach.store import lists, subscribers, traces

app = typer.Typer(no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The address of the person.", show_default=False)]
ListName = Annotated[str, typer.Option("--list", help="The name of the list.", show_default=False)]

#: Rejected rows that a person gets to see; `--json` has all of them.
SHOWN = 20


@app.command("import")
def import_file(
    file: Annotated[str, typer.Argument(help="A CSV file; - reads standard input.", show_default=False)],
    *,
    list_name: ListName,
    consent: Annotated[
        str | None, typer.Option(help="The wording that all of them agreed to; without it nobody is mailed.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, write nothing.")] = False,
    encoding: Annotated[str | None, typer.Option(help="The encoding of the file, where it is not told right.")] = None,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give up an earlier import of another file that did not end.")
    ] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Import people from a CSV file into a list, which is made where it is missing. Safe to repeat."""
    people: Path | BinaryIO = sys.stdin.buffer if file == "-" else Path(file)
    source = "import of standard input" if file == "-" else f"import of {Path(file).name}"
    with house() as opened, _progress() as progress:
        try:
            report = import_list.file(
                opened.store,
                people,
                list_name=list_name,
                consent=consent,
                source=source,
                now=datetime.now(UTC),
                dry_run=dry_run,
                progress=progress,
                encoding=encoding,
                erasure_keys=opened.keys.readers("erasure"),
                abandon=abandon,
            )
        except KeyboardInterrupt:
            show.note("Stopped. If it was writing already, the same command again completes it.")
            raise
    if as_json:
        show.document(report.document())
        if report.created_list:
            show.note(f"The list {list_name!r} {'would be' if dry_run else 'is'} new.")
    else:
        _tell(report)
    _warn(report, consent)


@app.command("add")
def add(
    email: Email,
    *,
    list_name: ListName,
    name: Annotated[str, typer.Option(help="The name of the person.")] = "",
    language: Annotated[str, typer.Option(help="For example de or pt-BR.")] = "",
    timezone: Annotated[str, typer.Option(help="For example Europe/Berlin.")] = "",
    consent: Annotated[str | None, typer.Option(help="The wording that the person agreed to.")] = None,
) -> None:
    """Add one person to a list."""
    with house() as opened:
        with opened.store.reading() as session:
            group = lists.by_name(session, list_name)
        done = subscribe.add(
            opened.store,
            subscribe.Person(email, name, language, timezone),
            group.number,
            consent=consent,
            source="command",
            now=datetime.now(UTC),
            erasure_keys=opened.keys.readers("erasure"),
        )
    if not done.changed:
        show.line(f"{done.email} is on the list {list_name!r} already: {done.state.value}.")
    else:
        show.line(f"{done.email} is {'now on' if done.added else 'on'} the list {list_name!r}: {done.state.value}.")
    if done.state is SubscriptionState.UNCONFIRMED:
        show.note("Nobody is mailed without consent: give the wording that the person agreed to with --consent.")
    if done.suppressed:
        show.note(f"The address is suppressed ({done.suppressed}) and is not mailed.")


@app.command("show")
def show_one(email: Email, as_json: show.JsonOption = False) -> None:
    """Show one person: lists, values, consents."""
    found = _dossier(email)
    if as_json:
        show.document(found)
        return
    person = dict(found["subscriber"])
    values = {**person, **person.pop("attributes")}
    values.pop("attributes")
    show.table(["", ""], [(key.replace("_", " "), str(value)) for key, value in values.items()])
    if found["suppression"]:
        show.line(f"never mailed: {found['suppression']['reason']} {found['suppression']['note']}".rstrip())
    for heading, keys in (
        ("subscriptions", ("list", "state", "changed_at", "at_most", "paused_until")),
        ("consents", ("at", "list", "purpose", "act", "source", "wording")),
        ("deliveries", ("campaign", "state", "reason", "sent_at")),
    ):
        if found[heading]:
            rows = [["-" if row[key] is None else str(row[key]) for key in keys] for row in found[heading]]
            show.line("")
            show.table(keys, rows, title=heading)


@app.command("unsubscribe")
def leave(
    email: Email,
    list_name: Annotated[str | None, typer.Option("--list", help="One list; else every list.")] = None,
) -> None:
    """Take a person off a list, or off every list; running campaigns leave them out at once."""
    with house() as opened:
        with opened.store.reading() as session:
            person = subscribers.require(session, email)
            list_id = lists.by_name(session, list_name).id if list_name else None
        left = unsubscribe.person(
            opened.store, person.number, list_id, source="command", now=datetime.now(UTC), mover=Mover.PUBLISHER
        )
        with opened.store.reading() as session:
            names = ", ".join(repr(lists.by_id(session, each).name) for each in left)
    show.line(f"{person.email} has left {names}." if left else f"{person.email} was on no such list: nothing changed.")


@app.command("suppress")
def never_mail(email: Email, note: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "") -> None:
    """See to it that an address is never mailed, whoever imports it."""
    with house() as opened:
        fresh = suppress.address(opened.store, email, note=note, now=datetime.now(UTC))
    show.line(f"{email} is never mailed{'' if fresh else ' (it was suppressed before)'}.")


@app.command("export")
def export(
    email: Email,
    out: Annotated[Path | None, typer.Option(help="The file to write; else standard output.")] = None,
    _: show.JsonOption = True,
) -> None:
    """Hand out everything that is known about one person, as JSON."""
    found = _dossier(email)
    if out is None:
        show.document(found)
        return
    try:
        out.write_text(json.dumps(found, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutreachError(f"{out} cannot be written: {error.strerror}.") from error
    show.line(f"Wrote {out}.")


@app.command("erase")
def erase(
    email: Email, yes: Annotated[bool, typer.Option("--yes", help="Do not ask, as in a script: no way back.")] = False
) -> None:
    """Erase one person everywhere; sums stay, and an import cannot bring them back."""
    with house() as opened:
        asked = not yes and sys.stdin.isatty()
        if asked and not typer.confirm(f"Erase everything that is known about {email}?", err=True):
            raise OutreachError("Nothing was erased.")
        rows = erasing.person(opened.store, email, key=opened.keys.derive("erasure"), now=datetime.now(UTC))
    show.line(
        f"Erased {email}: {rows.subscriptions} subscriptions, {rows.consents} consents; "
        f"{rows.deliveries} deliveries, {rows.hits} clicks, {rows.events} events and {rows.reports} reports no longer "
        "name anybody."
    )


def _dossier(email: str) -> dict[str, Any]:
    with house() as opened, opened.store.reading() as session:
        return traces.dossier(session, subscribers.require(session, email))


def _tell(report: ImportReport) -> None:
    tally, rejected = report.tally, report.rejected
    made = ", which is new" if report.created_list else ""
    would = "Would import" if report.dry_run else "Imported"
    columns = ", ".join(name if name == said else f"{name} ({said})" for name, said in report.columns.items())
    show.line(f"{would} into the list {report.list_name!r}{made}. Read as {report.encoding}: {columns}.")
    figures = (report.read, tally.added, tally.updated, tally.unchanged, len(rejected))
    show.table(["read", "added", "updated", "unchanged", "rejected"], [figures])
    for line, reason in rejected[:SHOWN]:
        show.line(f"  line {line}: {reason}")
    if len(rejected) > SHOWN:
        show.line(f"  ... and {len(rejected) - SHOWN:,} more; --json shows all of them.")


def _warn(report: ImportReport, consent: str | None) -> None:
    """What must not be overlooked, on stderr."""
    tally = report.tally
    if consent is None and tally.waiting:
        show.warning(
            f"{tally.waiting:,} of these people are UNCONFIRMED and will NOT be mailed: no --consent was given. "
            "Repeat with --consent 'the wording that they agreed to' if they did agree."
        )
    if tally.left:
        show.note(f"{tally.left:,} of these people left this list before and stay off it.")
    if report.encoding in {"Latin-1", "Windows-1252"}:
        show.note(f"The file is not UTF-8; it was read as {report.encoding}. If names look wrong, name its --encoding.")


@contextmanager
def _progress() -> Iterator[import_list.Progress | None]:
    """A progress bar on stderr, where that is a terminal."""
    console = show.err()
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def progress(what: str, done: int, of: int | None) -> None:
            bar.update(task, description=what, completed=done, total=of)

        yield progress
