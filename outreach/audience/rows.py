"""What are the rows of this text, and on which line does each begin? A broken quotation costs one row, not the file."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from outreach.errors import ListFileError

#: Rows that are handed on at once.
BATCH = 512

#: How many lines are kept for a second look, when a quotation turns out to be broken.
KEPT_LINES = 20_000

#: From how many characters on a line is long.
LONG = 500

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass
class Batch:
    """Some rows, the line on which each begins, and the lines between them that make no row."""

    lines: Sequence[int]
    rows: list[list[str]]
    #: Whether nothing in these lines is a control character or long: told of whole blocks, so at next to no price.
    clean: bool = False
    #: (line, reason)
    broken: list[tuple[int, str]] = field(default_factory=list)


class Rows:
    """The rows of a file behind its header, read once."""

    def __init__(
        self, blocks: Iterable[str], separator: str, *, skip: int, swallowed: Callable[[list[str]], bool]
    ) -> None:
        """`skip` lines come first; `swallowed` tells of a row with line breaks whether it holds other rows."""
        self._separator = separator
        self._swallowed = swallowed
        #: (number of the first one, lines) of the blocks that were read last.
        self._kept: deque[tuple[int, list[str]]] = deque()
        #: The last line of the last block that was not clean.
        self._unclean = 0
        self._lines: Iterator[str] = chain.from_iterable(self._fed(blocks))
        for _ in islice(self._lines, skip):
            pass
        self._restart_behind(skip)

    def batches(self) -> Iterator[Batch]:
        """The rows in their order; raises ListFileError where a quotation swallows too much to look at again."""
        while True:
            rows: list[list[str]] = []
            before, fault = self._line, None
            try:
                rows.extend(islice(self._reader, BATCH))  # keeps what came before an error
            except csv.Error as error:
                fault = str(error)
            if not rows and fault is None:
                return
            if fault is None and self._line - before == len(rows):
                yield Batch(range(before + 1, before + 1 + len(rows)), rows, clean=before >= self._unclean)
            else:
                yield self._placed(rows, before, fault)

    @property
    def _line(self) -> int:
        """The last line that was read."""
        return self._behind + self._reader.line_num

    def _placed(self, rows: list[list[str]], before: int, fault: str | None) -> Batch:
        """A batch in which rows take several lines, up to the first one that is broken; reading resumes behind that."""
        batch = Batch(lines := [], [])
        line = before + 1
        for row in rows:
            breaks = sum(len(_BREAK.findall(cell)) for cell in row)
            if breaks and self._swallowed(row):
                fault = "unexpected end of data"
                break
            lines.append(line)
            batch.rows.append(row)
            line += 1 + breaks
        if fault is not None:
            batch.broken.append((line, _said(fault)))
            self._restart_behind(line)
        return batch

    def _restart_behind(self, line: int) -> None:
        """Read on with the line behind this one, though later ones were read already."""
        read = self._line if hasattr(self, "_reader") else line
        if line < read:
            self._lines = chain(self._again(line + 1, read), self._lines)
        self._behind = line
        self._reader = csv.reader(self._lines, delimiter=self._separator, strict=True, skipinitialspace=True)

    def _again(self, first: int, last: int) -> list[str]:
        if first < self._kept[0][0]:
            raise ListFileError("a quotation mark is opened here and never closed", line=first - 1)
        again: list[str] = []
        for number, lines in self._kept:
            again += lines[max(first - number, 0) : max(last + 1 - number, 0)]
        return again

    def _fed(self, blocks: Iterable[str]) -> Iterator[list[str]]:
        number, kept = 1, 0
        for block in blocks:
            lines = io.StringIO(block, newline="").readlines()
            self._kept.append((number, lines))
            kept += len(lines)
            while len(self._kept) > 2 and kept - len(self._kept[0][1]) > KEPT_LINES:
                kept -= len(self._kept.popleft()[1])
            number += len(lines)
            if not block.replace("\n", "").replace("\r", "").isprintable() or max(map(len, lines)) > LONG:
                self._unclean = number - 1
            yield lines


def _said(fault: str) -> str:
    if "expected after" in fault:
        return "the quotation marks do not match (one inside a quoted value is written twice)"
    return "a quotation mark is opened here and never closed"
