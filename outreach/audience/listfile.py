"""Which people does this file hold, and which of its rows are no good, and why? Bytes in, entries and faults out.

The file is read once, in batches, so that a million rows take no more memory than their addresses. Most batches are
plain and are checked column by column, at the speed of C; a batch that holds a remarkable row is halved until the row
stands alone, and is then judged for itself. Both ways come to the same result.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from json.encoder import encode_basestring as _quoted
from typing import NamedTuple

from outreach import address
from outreach.audience import dialect
from outreach.audience.decode import Text
from outreach.audience.rows import LONG, Rows
from outreach.errors import AddressError

#: The longest values that are taken, in characters.
LONGEST_NAME = 500
LONGEST_LANGUAGE = 35
LONGEST_TIMEZONE = 64
LONGEST_VALUE = 10_000

#: Batches below this many rows are not halved but read row by row.
_FEW = 8

_BREAK = re.compile(r"\r\n|\r|\n")
_BREAKS = "\r\n\x85\u2028\u2029"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


#: One person of a file, checked: the address as compared and as mailed, name, language, time zone, and the further
#: columns that are not empty as a JSON object. A plain tuple, since a million of them are made.
Entry = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Fault:
    """A row that was not taken."""

    line: int
    reason: str


class Batch(NamedTuple):
    """Some good rows, and the lines on which they begin."""

    entries: list[Entry]
    lines: Sequence[int]


class ListFile:
    """One subscriber file, read once from its beginning to its end."""

    def __init__(self, chunks: Iterable[bytes], *, encoding: str | None = None) -> None:
        """Look at the beginning; raises ListFileError where nobody can be read from it."""
        self._text = Text(chunks, encoding=encoding)
        blocks = self._text.blocks()
        head = next(blocks, "")
        self._dialect = dialect.sniff(head)
        self.header = self._dialect.header
        #: Data rows so far; blank ones do not count.
        self.read = 0
        self.faults: list[Fault] = []
        self._seen: dict[str, int] = {}
        self._attributes: dict[tuple[str, ...], str] = {}
        self._rows = Rows(
            chain([head] if head else [], blocks),
            self._dialect.separator,
            skip=self._dialect.skip,
            swallowed=self._swallowed,
        )

    @property
    def encoding(self) -> str:
        """The encoding, in words; final once the batches are used up."""
        return self._text.encoding

    @property
    def columns(self) -> dict[str, str]:
        """What was understood: field -> the header it comes from."""
        return {name: " + ".join(self._dialect.said(at) for at in found) for name, found in self.header.fields.items()}

    @property
    def separator(self) -> str:
        """What stands between the columns."""
        return self._dialect.separator

    def batches(self) -> Iterator[Batch]:
        """The good rows, each address once, some hundreds at a time; meanwhile `read` and `faults` grow.

        Raises ListFileError where the rest of the file cannot be decoded.
        """
        for batch in self._rows.batches():
            self.read += len(batch.rows) + len(batch.broken)
            yield from self._taken(batch.lines, batch.rows, clean=batch.clean)
            self.faults += (Fault(line, reason) for line, reason in batch.broken)

    def _taken(self, lines: Sequence[int], rows: Sequence[list[str]], *, clean: bool) -> Iterator[Batch]:
        plain = self._plain(lines, rows, clean=clean) if rows else []
        if plain is not None:
            yield Batch(plain, lines)
        elif len(rows) <= _FEW:
            judged = ((line, self._judged(line, row)) for line, row in zip(lines, rows, strict=True))
            good = [(line, entry) for line, entry in judged if entry]
            yield Batch([entry for _, entry in good], [line for line, _ in good])
        else:
            half = len(rows) // 2
            yield from self._taken(lines[:half], rows[:half], clean=clean)
            yield from self._taken(lines[half:], rows[half:], clean=clean)

    def _plain(self, lines: Sequence[int], rows: Sequence[list[str]], *, clean: bool) -> list[Entry] | None:
        """All the rows at once; None where one of them is remarkable (nothing is kept of them then)."""
        header = self.header
        if set(map(len, rows)) != {header.width} or not (clean or _are_clean(rows)):
            return None
        columns = list(zip(*rows, strict=True))
        texts = list(map(str.strip, columns[header.email]))
        keys = address.plain_keys(texts)
        if keys is None:
            return None
        blank = [""] * len(rows)
        names = self._joined(columns) if header.name else blank
        languages = blank if header.language is None else list(map(str.strip, columns[header.language]))
        timezones = blank if header.timezone is None else list(map(str.strip, columns[header.timezone]))
        if _any_longer(languages, LONGEST_LANGUAGE) or _any_longer(timezones, LONGEST_TIMEZONE):
            return None
        # Only now, when nothing else is wrong with any of them, do they count as seen.
        if list(map(self._seen.setdefault, keys, lines)) != list(lines):
            return None
        emails = texts if keys == texts else list(map(address.as_mailed, texts, keys))
        attributes = self._objects(columns)
        return list(zip(keys, emails, names, languages, timezones, attributes, strict=True))

    def _judged(self, line: int, row: list[str]) -> Entry | None:
        """One row for itself; a fault where it is not taken, nothing at all where it is blank."""
        if not any(map(str.strip, row)):
            self.read -= 1
            return None
        reason = _fault_of_width(row, self.header.width) or self._fault_of_text(row)
        if reason is None:
            try:
                return self._entry(line, row)
            except AddressError as error:
                reason = error.message
        self.faults.append(Fault(line, reason))
        return None

    def _entry(self, line: int, row: list[str]) -> Entry | None:
        parsed = address.parse(row[self.header.email])
        first = self._seen.setdefault(parsed.key, line)
        if first != line:
            self.faults.append(Fault(line, f"{parsed} repeats line {first}"))
            return None
        columns = [(cell,) for cell in row]
        name = self._joined(columns)[0] if self.header.name else ""
        language, timezone = self._cell(row, self.header.language), self._cell(row, self.header.timezone)
        return parsed.key, str(parsed), name, language, timezone, self._objects(columns)[0]

    def _fault_of_text(self, row: list[str]) -> str | None:
        header = self.header
        if "\0" in "".join(row):
            return "the row holds a NUL byte"
        if (fault := _fault_of_value("the address", row[header.email].strip(), 1000, _CONTROL)) is not None:
            return fault
        name = self._joined([(cell,) for cell in row])[0] if header.name else ""
        values = {key: row[column].strip() for key, column in header.attributes}
        return fault_of_person(name, self._cell(row, header.language), self._cell(row, header.timezone), values)

    def _cell(self, row: list[str], column: int | None) -> str:
        return "" if column is None else row[column].strip()

    def _joined(self, columns: Sequence[Sequence[str]]) -> list[str]:
        """The names: one column, or first and last name with a space between."""
        parts = [map(str.strip, columns[index]) for index in self.header.name]
        if len(parts) == 1:
            return list(parts[0])
        return [" ".join(filter(None, each)) for each in zip(*parts, strict=True)]

    def _objects(self, columns: Sequence[Sequence[str]]) -> list[str]:
        """The further columns as JSON; combinations that come again are remembered, up to a bound."""
        if not self.header.attributes:
            return ["{}"] * len(columns[0])
        if len(self._attributes) > 50_000:
            self._attributes.clear()
        known, keys = self._attributes, [f"{_quoted(key)}:" for key, _ in self.header.attributes]
        objects = []
        for values in zip(*(columns[index] for _, index in self.header.attributes), strict=True):
            found = known.get(values)
            if found is None:
                parts = [
                    key + _quoted(text) for key, value in zip(keys, values, strict=True) if (text := value.strip())
                ]
                found = known[values] = "{" + ",".join(parts) + "}"
            objects.append(found)
        return objects

    def _swallowed(self, row: list[str]) -> bool:
        """Whether a value of several lines holds another row, since its quotation was not closed."""
        for line in chain.from_iterable(_BREAK.split(cell)[1:] for cell in row):
            parts = next(csv.reader([line], delimiter=self.separator), [])
            if len(parts) == self.header.width > 1 and address.is_one(parts[self.header.email]):
                return True
        return False


def fault_of_person(name: str, language: str, timezone: str, attributes: Mapping[str, str]) -> str | None:
    """Why these values cannot be a person's: too long, or with a character that would break a header of their mail."""
    for what, value, longest in (
        ("the name", name, LONGEST_NAME),
        ("the language", language, LONGEST_LANGUAGE),
        ("the time zone", timezone, LONGEST_TIMEZONE),
    ):
        if (fault := _fault_of_value(what, value, longest, _CONTROL)) is not None:
            return fault
    for key, value in attributes.items():
        if (fault := _fault_of_value(f"the column {key!r}", value, LONGEST_VALUE, _CONTROL_BUT_BREAKS)) is not None:
            return fault
    return None


def _fault_of_width(row: Sequence[str], width: int) -> str | None:
    if len(row) == width:
        return None
    return f"the row has {len(row)} {'value' if len(row) == 1 else 'values'} where the header has {width}"


def _fault_of_value(what: str, value: str, longest: int, control: re.Pattern[str]) -> str | None:
    if len(value) > longest:
        return f"{what} is longer than {longest} characters"
    found = control.search(value)
    if found is None:
        return None
    kind = "line break" if found[0] in _BREAKS else "control character"
    return f"{what} holds a {kind}"


def _are_clean(rows: Iterable[Sequence[str]]) -> bool:
    """Whether no value holds a control character and none is long."""
    whole = list(map("".join, rows))
    return "".join(whole).isprintable() and not _any_longer(whole, LONG)


def _any_longer(values: Iterable[str], longest: int) -> bool:
    return max(map(len, values), default=0) > longest
