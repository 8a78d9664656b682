"""How is text written in quoted-printable so that pieces written apart can be put together (RFC 2045, 6.7)?

A piece always begins at the first column, and ends there: with a line break of the text, or with a soft one. So any
value can stand between any two pieces, and the whole decodes to exactly the text that it was made from.

A dot at the beginning of a line is written as ``=2E``, so that nothing needs dot-stuffing on the way, and a line never
begins with ``From`` and a space, which mailboxes on disk would change (and so break a signature).
"""

from __future__ import annotations

import re

#: A line has at most 76 characters, of which a soft break takes one (RFC 2045, 6.7, rule 5).
LONGEST = 75
SOFT_BREAK = b"=\r\n"

_UNSAFE = re.compile(rb"[^\t\x20-\x3c\x3e-\x7e]")
_WRITTEN = tuple(b"=%02X" % octet if _UNSAFE.match(bytes([octet])) else bytes([octet]) for octet in range(256))
_CHANGED_ON_THE_WAY = (".", "From ")


def piece(text: str, *, more: bool = False) -> bytes:
    """Text with ``\\n`` for its line breaks; `more` says that another piece follows.

    Without `more` the text's last line is left open (no soft break after it).
    """
    *whole, last = text.split("\n")
    lines = [_line(line) + b"\r\n" for line in whole]
    return b"".join(lines) + (value(last) if more else _line(last))


def value(text: str) -> bytes:
    """Text without line breaks that another piece follows; an empty one is nothing at all."""
    if (
        0 < len(text) <= LONGEST
        and text.isascii()
        and text.isprintable()
        and "=" not in text
        and not text.startswith(_CHANGED_ON_THE_WAY)
    ):
        return text.encode() + SOFT_BREAK
    if not text:
        return b""
    written = b"".join([_WRITTEN[octet] for octet in text.encode()])
    return b"".join(_soft(written)) + SOFT_BREAK


def _line(text: str) -> bytes:
    data = text.encode()
    kept = data.rstrip(b" \t")
    # White space at the end of a line is lost on the way, so its last character is written out.
    end = b"=%02X" % data[-1] if len(kept) < len(data) else b""
    return b"".join(_soft(_escaped(data[:-1] if end else data) + end))


def _escaped(data: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: b"=%02X" % found.group()[0], data)


def _soft(rest: bytes) -> list[bytes]:
    """Break one line; no ``=XX`` is torn apart."""
    broken: list[bytes] = []
    while True:
        if rest.startswith((b".", b"From ")):
            rest = b"=%02X" % rest[0] + rest[1:]
        if len(rest) <= LONGEST:
            return [*broken, rest]
        cut = rest.find(b"=", LONGEST - 2, LONGEST)
        cut = LONGEST if cut < 0 else cut
        broken += [rest[:cut], SOFT_BREAK]
        rest = rest[cut:]
