"""What separates the columns, and is the first row a header? Tried out on the first lines, the best fit wins."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from outreach import address
from outreach.audience import header
from outreach.audience.header import Header
from outreach.errors import ListFileError

#: The separators that are tried; the earlier wins among equals.
SEPARATORS = (",", ";", "\t", "|")

#: How many rows are looked at.
ROWS = 100


@dataclass(frozen=True)
class Dialect:
    """How the rows of a file are read."""

    separator: str
    header: Header
    #: Lines before the first data row: the header row's, and Excel's `sep=` line.
    skip: int
    #: The header row as it stands; empty where there is none.
    words: tuple[str, ...] = ()

    def said(self, column: int) -> str:
        """What a person calls this column."""
        word = self.words[column] if column < len(self.words) else ""
        return word or f"column {column + 1}"


def sniff(text: str) -> Dialect:
    """The dialect of a file that begins with `text`, which should hold whole lines.

    Raises ListFileError where the text is blank or no column holds addresses.
    """
    told, begin = _told(text)
    candidates = [_tried(text[begin:], separator) for separator in (told or SEPARATORS)]
    _, best = max(enumerate(candidates), key=lambda pair: (pair[1].score, -pair[0]))
    if not best.rows:
        raise ListFileError("the file is empty")
    if best.header is None:
        raise ListFileError(
            f"no column holds e-mail addresses; its first row is {', '.join(map(repr, best.rows[0][:8]))}",
            line=best.first_line,
            hint="Give the column of addresses the header `email`.",
        )
    skip = (1 if begin else 0) + best.first_line - 1 + (best.header_lines if best.has_header else 0)
    words = tuple(best.rows[0]) if best.has_header else ()
    return Dialect(best.separator, best.header, skip, words)


@dataclass(frozen=True)
class _Trial:
    """The first rows as one separator cuts them."""

    separator: str
    rows: list[list[str]]
    #: The line of the first row that is not blank, and how many lines it takes.
    first_line: int
    header_lines: int
    header: Header | None
    has_header: bool

    @property
    def score(self) -> tuple[bool, float, int]:
        """Is an address column there, how many rows have its width, how wide is it."""
        if not self.rows:
            return (False, 0.0, 0)
        width = len(self.rows[0])
        alike = Counter(map(len, self.rows))[width] / len(self.rows)
        return (self.header is not None, alike if width > 1 else 0.0, width)


def _tried(text: str, separator: str) -> _Trial:
    rows, first_line, header_lines, before = [], 1, 1, 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append([cell.strip() for cell in row])
                if len(rows) == 1:
                    first_line, header_lines = before + 1, reader.line_num - before
            before = reader.line_num
            if len(rows) == ROWS:
                break
    except csv.Error:
        pass  # what came before the fault is enough to judge by
    found, has_header = _header(rows)
    return _Trial(separator, rows, first_line, header_lines, found, has_header)


def _header(rows: Sequence[Sequence[str]]) -> tuple[Header | None, bool]:
    """The columns' meaning, and whether the first row says it: a row that holds an address is data."""
    if not rows:
        return None, False
    first = rows[0]
    column = _address_column([first])
    if column is not None:
        return header.none(first, email=column), False
    named = header.read(first)
    if named is not None:
        return named, True
    column = _address_column(rows[1:])
    return (header.read(first, email=column) if column is not None and column < len(first) else None), True


def _address_column(rows: Sequence[Sequence[str]]) -> int | None:
    """The column in which most of the rows hold an address; None where none does in half of them."""
    counts: Counter[int] = Counter()
    for row in rows:
        counts.update(index for index, cell in enumerate(row) if address.is_one(cell))
    best = counts.most_common(1)
    return best[0][0] if best and best[0][1] * 2 >= len(rows) else None


def _told(text: str) -> tuple[tuple[str, ...] | None, int]:
    """The separator that a `sep=;` line tells (Excel writes one), and where the text begins behind it."""
    line, newline, _ = text.partition("\n")
    told = line.strip("\r\n\ufeff")
    if newline and len(told) == 5 and told.lower().startswith("sep="):
        return (told[4],), len(line) + 1
    return None, 0
