"""When are two messages one report? When they say the same about the same delivery, whichever way they came.

Servers on the way put lines on top of a message and rewrite its line ends and its spaces; what the sender wrote stays.
So the digest is of a few fields that a sender writes, and of the body, both without their spaces at the ends of lines.
"""

from __future__ import annotations

import hashlib
import re

#: Fields that the sender writes and nobody on the way touches.
_OWN = (b"from", b"to", b"date", b"message-id", b"subject", b"content-type")

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_SPACES = re.compile(rb"\s+")


def digest(message: bytes, *, about: int | None) -> str:
    """What tells this report about a delivery (None: about nothing that was proved) from any other: 64 hex digits."""
    head, body = _parts(message)
    said = hashlib.sha256(f"about {about}\n".encode())
    for field in sorted(_own(head)):
        said.update(field + b"\n")
    said.update(b"\n" + b"\n".join(line.rstrip() for line in body.splitlines()).rstrip())
    return said.hexdigest()


def of_notice(source: str, key: str) -> str:
    """The same for what a provider tells under a key of its own."""
    return hashlib.sha256(f"{source}\n{key}".encode("utf-8", "replace")).hexdigest()


def _parts(message: bytes) -> tuple[bytes, bytes]:
    found = _BLANK_LINE.search(message)
    return (message[: found.start()], message[found.end() :]) if found else (message, b"")


def _own(head: bytes) -> list[bytes]:
    fields = (line.partition(b":") for line in _FOLD.sub(b"", head).splitlines())
    return [
        name.strip().lower() + b":" + _SPACES.sub(b" ", value.strip())
        for name, colon, value in fields
        if colon and name.strip().lower() in _OWN
    ]
