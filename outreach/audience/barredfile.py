"""Which addresses and domains does a CSV file bar, and why? What this program exports, and what providers hand out.

One column holds the entries: an address, `@` and a domain, or the hash of an erased person's address. Others may hold
a reason and a note. Rows that are no good are told with their line, and the others are taken.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from outreach.audience import barred, erasure
from outreach.audience.decode import Text
from outreach.audience.listfile import Fault
from outreach.errors import AddressError, ListFileError

#: What is understood -> the header names that mean it, without case and anything but letters.
_HEADERS = {
    "entry": {"entry", "email", "emailaddress", "mail", "address", "recipient", "domain", "emailadresse", "adresse"},
    "reason": {"reason", "type", "category", "status", "grund"},
    "note": {"note", "comment", "description", "details", "notiz"},
}

#: Words for a reason, as providers write them, without case and anything but letters. Whatever else is said is a note.
REASONS = {
    "hardbounce": "hard_bounce",
    "hard": "hard_bounce",
    "bounce": "hard_bounce",
    "bounced": "hard_bounce",
    "invalid": "hard_bounce",
    "softbounces": "soft_bounces",
    "complaint": "complaint",
    "complained": "complaint",
    "spam": "complaint",
    "spamreport": "complaint",
    "abuse": "complaint",
    "manual": "manual",
    "erased": "erased",
}

_SEPARATORS = ",;\t|"


class Row(NamedTuple):
    """One entry of a file, with a reason of `suppressions.SuppressionReason`."""

    line: int
    key: str
    reason: str
    note: str


@dataclass
class BarredFile:
    """One file, read once from its beginning to its end."""

    chunks: Iterable[bytes]
    read: int = 0
    faults: list[Fault] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """The good rows, each entry once; meanwhile `read` and `faults` grow.

        Raises ListFileError where the file is no text, or no column holds entries.
        """
        lines = (line for block in Text(self.chunks).blocks() for line in io.StringIO(block, newline=""))
        head = next(lines, "")
        reader = csv.reader(chain([head], lines), delimiter=max(_SEPARATORS, key=head.count))
        columns: dict[str, int] | None = None
        seen: dict[str, int] = {}
        for cells in _parsed(reader):
            line = reader.line_num
            if not any(map(str.strip, cells)):
                continue
            if columns is None:
                columns, is_header = _columns(cells)
                if is_header:
                    continue
            self.read += 1
            row = self._judged(line, cells, columns)
            if row is None:
                continue
            first = seen.setdefault(row.key, line)
            if first != line:
                self.faults.append(Fault(line, f"{row.key} repeats line {first}"))
                continue
            yield row

    def _judged(self, line: int, cells: list[str], columns: dict[str, int]) -> Row | None:
        said = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        try:
            key = barred.entry(said["entry"])
        except AddressError as error:
            self.faults.append(Fault(line, error.message))
            return None
        words, note = said.get("reason", ""), said.get("note", "")
        reason = REASONS.get(_letters(words), "")
        if key.startswith("@"):
            reason = "manual"
        elif (reason == "erased") != key.startswith(erasure.PREFIX):
            self.faults.append(Fault(line, "an erased person stands in the file as the hash of their address"))
            return None
        if not reason and words:
            note = f"{words}: {note}" if note else words
        return Row(line, key, reason or "manual", note)


def _parsed(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise ListFileError(f"it is no CSV: {error}") from error


def _columns(first: list[str]) -> tuple[dict[str, int], bool]:
    """Where entry, reason and note stand, and whether the first row says so: one that holds an entry is data."""
    for at, cell in enumerate(first):
        try:
            barred.entry(cell)
        except AddressError:
            continue
        return {"entry": at, "reason": at + 1, "note": at + 2}, False
    named: dict[str, int] = {}
    for at, cell in enumerate(first):
        for name, words in _HEADERS.items():
            if _letters(cell) in words:
                named.setdefault(name, at)
    if "entry" not in named:
        raise ListFileError(
            f"no column holds addresses or domains; its first row is {', '.join(map(repr, first[:8]))}",
            hint="Give the column of addresses and domains (written @example.org) the header `entry`.",
        )
    return named, True


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalpha())
