"""What did the server say? SMTP replies (RFC 5321 4.2) with their enhanced codes (RFC 2034, 3463), read from bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

#: A line is at most 512 octets (RFC 5321 4.5.3.1.5); this much is borne from servers that do not count.
LONGEST_LINE = 4096

#: Lines of one reply that are read; EHLO of the richest servers has about twenty.
MOST_LINES = 200

#: How much of a reply's text is kept.
LONGEST_TEXT = 1000

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


class Stage(StrEnum):
    """The step of a transaction that a reply answers, or at which the connection ended."""

    LOCAL = "local"  # decided here: the relay's EHLO already says that it cannot take the message
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # the message has begun to leave: from here on silence means `unknown`


class Reply(NamedTuple):
    """One reply, all its lines joined."""

    #: 200 to 599.
    code: int
    #: Such as `5.1.1`; None where the server gave none.
    enhanced: str | None
    #: The words without codes and control characters, line by line.
    text: str

    @property
    def words(self) -> str:
        """The words in one line."""
        return self.text.replace("\n", " ")

    @property
    def is_positive(self) -> bool:
        """Done (2xx)."""
        return 200 <= self.code < 300

    @property
    def is_transient(self) -> bool:
        """Not now (4xx)."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """Never (5xx)."""
        return self.code >= 500

    @property
    def closes(self) -> bool:
        """Whether the server ends the connection after it (421, RFC 5321 3.8)."""
        return self.code == 421

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.words) if part)


class GarbledReply(ValueError):
    """Bytes that are no SMTP reply; nothing after them on this connection can be trusted."""


class ReplyReader:
    """Cuts the bytes of a connection into replies, as they arrive."""

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []

    @property
    def has_leftovers(self) -> bool:
        """Whether bytes of a reply that is not complete are waiting."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that are complete with these bytes; raises GarbledReply."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._lines.append(_checked(line))
            if line[3:4] != b"-":
                reply = _parsed(self._lines[0]) if len(self._lines) == 1 else parse(self._lines)
                self._lines = []
                yield reply
            elif len(self._lines) > MOST_LINES:
                raise GarbledReply(f"a reply of more than {MOST_LINES} lines")
        if len(self._rest) > LONGEST_LINE:
            raise GarbledReply(f"a line of more than {LONGEST_LINE} octets")


def parse(lines: list[bytes]) -> Reply:
    """The reply that these lines are, each with or without its line end; raises GarbledReply.

    An enhanced code that every line repeats is taken from the first and left out of the text.
    """
    if not lines:
        raise GarbledReply("no line at all")
    parts = [_taken_apart(line) for line in lines]
    codes = {code for code, _, _ in parts}
    if len(codes) > 1:
        raise GarbledReply(f"the lines of one reply carry different codes: {sorted(codes)}")
    enhanced = next((enhanced for _, enhanced, _ in parts if enhanced), None)
    return Reply(parts[0][0], enhanced, "\n".join(text for _, _, text in parts if text)[:LONGEST_TEXT])


def _taken_apart(line: bytes) -> tuple[int, str | None, str]:
    match = _LINE.fullmatch(line.rstrip(b"\r\n"))
    if not match:
        raise GarbledReply(f"not an SMTP reply: {line[:80]!r}")
    text = _CONTROLS.sub(" ", (match[3] or b"").decode("utf-8", "replace")).strip()
    enhanced = _ENHANCED.match(text)
    if enhanced and enhanced[1][0] == chr(match[1][0]):
        return int(match[1]), enhanced[1], text[enhanced.end() :].strip()
    return int(match[1]), None, text


@lru_cache(maxsize=1024)
def _parsed(line: bytes) -> Reply:
    # The same few lines come back for every message.
    return parse([line])


def _checked(line: bytes) -> bytes:
    if len(line) > LONGEST_LINE:
        raise GarbledReply(f"a line of more than {LONGEST_LINE} octets")
    if not line[:3].isdigit():
        # Said at once: a line such as ``SSH-2.0`` would pass for the first of several.
        raise GarbledReply(f"not an SMTP reply: {line[:80]!r}")
    return line
