"""Bring a file of people onto a list: all of it checked first, then taken over in slices that others hardly notice.

The steps: read and check -> stage aside -> mark the list -> take over slice by slice -> unmark. Where that stops in
between, the mark stays: repeating the same file completes it, since what is in already is found to be in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from outreach.actions import create_list
from outreach.audience import erasure
from outreach.audience.consent import wording
from outreach.audience.listfile import Batch, Fault, ListFile
from outreach.errors import ListFileError, StateError
from outreach.store import consents, events, intake, lists, suppressions, turn
from outreach.store.database import Stay, Store
from outreach.store.events import EventKind
from outreach.store.intake import Intake, Tally, Terms
from outreach.store.staging import Staging

#: How long a slice should hold the writer, in seconds: half of the 50 ms that it may, since some are slow for once.
#: On PostgreSQL only those wait who write people themselves.
HOLD = {"sqlite": 0.025, "postgresql": 0.2}

#: Rows of the first slice, and of the smallest one: below that, commits are what takes the time.
FEWEST = 2000

_CHUNK = 1 << 18

#: Told as it goes: what is being done ("reading", "writing"), how far, and of how much (None: unknown). Bytes, rows.
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class ImportReport:
    """What became of every row: added + updated + unchanged + rejected = read."""

    list_name: str
    created_list: bool
    dry_run: bool
    encoding: str
    #: What was understood: field -> header of the file, or the column's number where it has none.
    columns: dict[str, str]
    read: int
    tally: Tally
    #: (line, reason)
    rejected: tuple[tuple[int, str], ...]

    def document(self) -> dict[str, Any]:
        """As `outreach subscriber import --json` prints it."""
        return {
            "read": self.read,
            "added": self.tally.added,
            "updated": self.tally.updated,
            "unchanged": self.tally.unchanged,
            "rejected": [{"line": line, "reason": reason} for line, reason in self.rejected],
        }


@dataclass(frozen=True)
class Order:
    """What is to be imported, and on what terms."""

    list_name: str
    #: The wording that these people agreed to; None: they stay unconfirmed and are not mailed.
    consent: str | None
    #: Where they come from, for the proof of consent: "import subscribers.csv".
    source: str
    now: datetime
    encoding: str | None = None
    #: The keys that addresses of erased people may have been hashed with (`KeyRing.readers("erasure")`).
    erasure_keys: Sequence[bytes] = ()
    #: Give up an earlier import of another file that did not end.
    abandon: bool = False
    progress: Progress = field(default=lambda *_: None)


def file(
    store: Store,
    people: Path | BinaryIO,
    *,
    list_name: str,
    consent: str | None,
    source: str,
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
    encoding: str | None = None,
    erasure_keys: Sequence[bytes] = (),
    abandon: bool = False,
) -> ImportReport:
    """Import a CSV file or stream into a list, which is made where it is missing; safe to repeat.

    Nobody who left is brought back, no suppression is lifted, an empty cell erases nothing. Raises ListFileError where
    the file cannot be read, with nothing written; StateError where another import runs, or an import of another file
    into the list did not end.
    """
    order = Order(
        create_list.checked(list_name),
        wording(consent),
        source,
        now,
        encoding,
        tuple(erasure_keys),
        abandon,
        progress or _quiet,
    )
    with store.staying() as stay, nullcontext() if dry_run else turn.importing(stay):
        staging = Staging(stay)
        checked = _checked(stay, staging, people, order)
        if dry_run:
            made, tally = _foreseen(stay, staging, order)
        else:
            list_id, made, terms = _begun(stay, checked.digest, order)
            tally = _taken_over(stay, staging, terms, order.progress)
            _ended(stay, list_id, checked, tally, order)
    return ImportReport(
        list_name, made, dry_run, checked.encoding, checked.columns, checked.read, tally, checked.rejected
    )


@dataclass(frozen=True)
class _Checked:
    """What is known of a file once it was read to its end."""

    digest: str
    encoding: str
    columns: dict[str, str]
    read: int
    rejected: tuple[tuple[int, str], ...]


def _checked(stay: Stay, staging: Staging, people: Path | BinaryIO, order: Order) -> _Checked:
    """Read the file to its end and stage its good rows; raises ListFileError."""
    try:
        if isinstance(people, Path):
            with people.open("rb") as stream:
                return _read(stay, staging, stream, people.stat().st_size, order)
        return _read(stay, staging, people, None, order)
    except ListFileError as error:
        name = people.name if isinstance(people, Path) else "standard input"
        raise ListFileError(error.message, file=name, hint=error.hint) from error
    except OSError as error:
        raise ListFileError(f"{people} cannot be read: {error.strerror}.") from error


def _read(stay: Stay, staging: Staging, stream: BinaryIO, size: int | None, order: Order) -> _Checked:
    digest = hashlib.blake2b(digest_size=32)

    def chunks() -> Iterator[bytes]:
        done = 0
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            order.progress("reading", done, size)
            yield chunk

    people = ListFile(chunks(), encoding=order.encoding)
    erased = _Erased.known(stay, order.erasure_keys)
    with staging.filling() as add:
        for batch in people.batches():
            add(erased.without(batch, people.faults) if erased else batch.entries)
    rejected = tuple((fault.line, fault.reason) for fault in sorted(people.faults, key=lambda fault: fault.line))
    return _Checked(digest.hexdigest(), people.encoding, people.columns, people.read, rejected)


@dataclass(frozen=True)
class _Erased:
    """The people who were erased at their wish: an import does not bring them back."""

    hashes: frozenset[str]
    keys: Sequence[bytes]

    @staticmethod
    def known(stay: Stay, keys: Sequence[bytes]) -> _Erased | None:
        """None where nobody was erased."""
        with stay.reading() as session:
            hashes = suppressions.erased(session)
        if hashes and not keys:
            raise ValueError("people were erased from this database: an import needs the keys to recognise them")
        return _Erased(hashes, keys) if hashes else None

    def without(self, batch: Batch, faults: list[Fault]) -> Sequence[tuple[str, str, str, str, str, str]]:
        """The entries of a batch that are not theirs; theirs become faults."""
        kept = []
        for entry, line in zip(batch.entries, batch.lines, strict=True):
            if any(erasure.pseudonym(key, entry[0]) in self.hashes for key in self.keys):
                faults.append(Fault(line, "this person was erased; only they themselves can come back"))
            else:
                kept.append(entry)
        return kept


def _foreseen(stay: Stay, staging: Staging, order: Order) -> tuple[bool, Tally]:
    """What taking the staged rows over would come to."""
    with stay.reading() as session:
        group = lists.find(session, order.list_name)
    tally = Tally()
    while part := staging.take(20_000):
        with stay.aside() as session:
            tally += intake.judge(session, part, group.number if group else None, confirms=order.consent is not None)
    return group is None, tally


def _begun(stay: Stay, digest: str, order: Order) -> tuple[int, bool, Terms]:
    """Mark the list, which is made where it is missing; its number, whether it was made, and the terms."""
    with stay.writing() as session:
        group = lists.find(session, order.list_name)
        made = group is None
        group = group or lists.add(session, create_list.described(order.list_name, now=order.now))
        if group.importing not in {None, digest} and not order.abandon:
            raise StateError(
                f"An import of another file into {group.name!r}, begun at {group.importing_since:%Y-%m-%d %H:%M} UTC, "
                "did not end.",
                hint="Repeat it with the same file, or leave it as far as it came with --abandon.",
            )
        lists.begin_import(session, group.number, digest, order.now)
        source_id = None if order.consent is None else consents.source(session, order.consent, order.source)
        return group.number, made, Terms(group.number, source_id, order.now)


def _taken_over(stay: Stay, staging: Staging, terms: Terms, progress: Progress) -> Tally:
    """Take the staged rows over, each slice as long as the writer may be held."""
    tally, size, done, goal = Tally(), FEWEST, 0, HOLD[stay.store.backend]
    taking = Intake(terms)
    while part := staging.take(size):
        with stay.writing() as session:
            held = time.perf_counter()
            tally += taking.apply(session, part)
        held = time.perf_counter() - held
        staging.pause()
        size = max(FEWEST, min(size * 2, int(part.rows * goal / held)))
        done += part.rows
        progress("writing", done, staging.rows)
    return tally


def _ended(stay: Stay, list_id: int, checked: _Checked, tally: Tally, order: Order) -> None:
    """Take the mark away, and write down what was imported where it changed anything."""
    detail = {
        "source": order.source,
        "read": checked.read,
        "added": tally.added,
        "updated": tally.updated,
        "rejected": len(checked.rejected),
    }
    with stay.writing() as session:
        lists.end_import(session, list_id)
        if tally.added or tally.updated:
            events.append(session, EventKind.IMPORTED, order.now, list_id=list_id, detail=detail)


def _quiet(_: str, __: int, ___: int | None) -> None:
    """Tell nobody."""
