"""Which content is this?  One number for all that readers get the same of, whenever it is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from outreach.message.compiled import Compiled, Piece

_DATE = re.compile(rb"^Date: [^\r\n]*\r\n", re.MULTILINE)


def digest(compiled: Compiled) -> str:
    """The SHA-256, in hexadecimal, of a compiled campaign without the time it was compiled at.

    It stands for article, layout, subject, sender, list, and every setting that reaches the mail: what is the same for
    everybody is hashed as it leaves, and what varies by what it is made of. Compiling the same twice gives the same.
    """
    undated = replace(compiled, pieces=tuple(_undated(compiled.pieces)), size_bound=0, memo={})
    return hashlib.sha256(undated.to_bytes()).hexdigest()


def _undated(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    """The pieces without the Date field, which stands in the head: before anything else that looks like one."""
    left = 1
    for piece in pieces:
        if left and isinstance(piece, bytes):
            bare, found = _DATE.subn(b"", piece, count=1)
            left -= found
            yield bare
        else:
            yield piece
