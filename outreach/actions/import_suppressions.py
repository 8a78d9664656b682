"""Bring a file of addresses and domains onto the suppressions; it only ever adds, and repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from outreach.audience import erasure
from outreach.audience.barredfile import BarredFile, Row
from outreach.audience.listfile import Fault
from outreach.errors import ListFileError
from outreach.store import events, suppressions
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.suppressions import SuppressionReason

#: Entries that are written in one transaction: the writer is held for some milliseconds.
SLICE = 1_000

_CHUNK = 1 << 18


@dataclass(frozen=True)
class Report:
    """What became of every row: added + known + rejected = read."""

    read: int
    added: int
    known: int
    #: (line, reason)
    rejected: tuple[tuple[int, str], ...]

    def document(self) -> dict[str, Any]:
        """As `outreach suppression import --json` prints it."""
        rejected = [{"line": line, "reason": reason} for line, reason in self.rejected]
        return {"read": self.read, "added": self.added, "known": self.known, "rejected": rejected}


def file(
    store: Store, barred: Path | BinaryIO, *, source: str, now: datetime, erasure_keys: Sequence[bytes] = ()
) -> Report:
    """Import a CSV file or stream; bad rows are rejected one by one, with their line.

    The address of somebody who was erased does not come back by it: its hash bars it already. Raises ListFileError
    where the file cannot be read, with nothing written.
    """
    try:
        if isinstance(barred, Path):
            with barred.open("rb") as stream:
                found = BarredFile(iter(lambda: stream.read(_CHUNK), b""))
                rows = list(found.rows())
        else:
            found = BarredFile(iter(lambda: barred.read(_CHUNK), b""))
            rows = list(found.rows())
    except ListFileError as error:
        name = barred.name if isinstance(barred, Path) else "standard input"
        raise ListFileError(error.message, file=name, hint=error.hint) from error
    except OSError as error:
        raise ListFileError(f"{barred} cannot be read: {error.strerror}.") from error
    kept = _without_erased(store, rows, erasure_keys, found.faults)
    added = sum(_written(store, part, now) for part in _slices(kept))
    if added:
        with store.writing() as session:
            events.append(session, EventKind.SUPPRESSED, now, detail={"source": source, "added": added})
    rejected = tuple((fault.line, fault.reason) for fault in sorted(found.faults, key=lambda fault: fault.line))
    return Report(found.read, added, len(kept) - added, rejected)


def _without_erased(store: Store, rows: list[Row], keys: Sequence[bytes], faults: list[Fault]) -> list[Row]:
    with store.reading() as session:
        hashes = suppressions.erased(session)
    if not hashes:
        return rows
    kept = []
    for row in rows:
        if any(erasure.pseudonym(key, row.key) in hashes for key in keys):
            faults.append(Fault(row.line, "this person was erased, and is barred by the hash of the address"))
        else:
            kept.append(row)
    return kept


def _slices(rows: list[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while part := list(islice(left, SLICE)):
        yield part


def _written(store: Store, rows: list[Row], now: datetime) -> int:
    domains = [(row.key[1:], row.note) for row in rows if row.key.startswith("@")]
    people = [(row.key, SuppressionReason(row.reason), row.note) for row in rows if not row.key.startswith("@")]
    with store.writing() as session:
        return suppressions.add_domains(session, domains, now=now) + suppressions.add_all(session, people, now=now)
