"""How is it proven, later, what a person was sent? By a digest of what all mails share and of what was filled in.

A message is fixed pieces, the same for everybody, with a filled-in piece before each of them; the first filled-in one
is its signatures. The digest is

    SHA-256( SHA-256( N, lengths of the fixed pieces, fixed pieces ), lengths of the filled-in pieces, those pieces )

with N of each, and N and every length as four bytes, the highest first. Pieces and lengths determine every byte of the
message, so it binds as a hash over the whole does. It costs a tenth of one, since the inner hash is made once.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from html import unescape
from itertools import islice
from operator import itemgetter
from quopri import decodestring
from typing import Any, NamedTuple

from outreach.message.compiled import Compiled, Field, Part, Piece, SubjectLine
from outreach.message.slots import Click, Context, Own, Slot, Value

#: Makes the digest, given the signatures that go before the message (`b""`: it is not signed).
Seal = Callable[[bytes], bytes]

#: How many ways of taking a message apart are tried; one is nearly always enough.
MOST_WAYS = 10_000

_SIGNATURE = re.compile(rb"DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE)
_FIELD = re.compile(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_SOFT_LINE = re.compile(rb"[^\r\n]*=\r\n")


class Difference(NamedTuple):
    """A filled-in piece that is not what it was."""

    #: The name of a field of the person or of the header, a link, a part.
    what: str
    sent: str
    now: str


def seal(compiled: Compiled, pieces: Sequence[bytes]) -> Seal:
    """What makes the digest of a message, given as `splice.pieces` made it."""
    kept = compiled.memo.get("proof")
    if kept is None:
        kept = compiled.memo["proof"] = _Fixed(compiled.pieces)
    filled: tuple[bytes, ...] = kept.filled(pieces)
    return partial(_digest, kept.base, kept.lengths(*map(len, filled)), b"".join(filled))


def digest(compiled: Compiled, filled: Sequence[bytes]) -> bytes:
    """The digest of a message that consists of these filled-in pieces, the signatures first."""
    base = _Fixed(compiled.pieces).base.copy()
    base.update(struct.pack(f">{len(filled)}I", *map(len, filled)) + b"".join(filled))
    return base.digest()


def taken_apart(compiled: Compiled, message: bytes) -> Iterator[list[bytes]]:
    """The filled-in pieces of a message, the signatures first: every way in which it can be one of this campaign.

    Fields above it, which relays add on the way, are left away. Nothing, where it is none of this campaign, or anything
    that is the same in all of its mails was changed.
    """
    fixed, kinds = _gaps(compiled.pieces)
    start = message.find(fixed[0]) if fixed[0] else 0
    if start < 0 or b"\r\n\r\n" in message[:start]:
        return
    for signatures in _signatures(message[:start]):
        for rest in islice(_ways(message, start + len(fixed[0]), fixed[1:], kinds), MOST_WAYS):
            yield [signatures, *rest]


def differences(compiled: Compiled, sent: Sequence[bytes], now: Sequence[bytes]) -> list[Difference]:
    """What is not the same in two messages of a campaign, given by their filled-in pieces; each thing once."""
    kinds: list[Piece | None] = [None, *_gaps(compiled.pieces)[1]]
    found = {
        _named(kind): Difference(_named(kind), _read(kind, before), _read(kind, after))
        for kind, before, after in zip(kinds, sent, now, strict=True)
        if before != after
    }
    return list(found.values())


def filled(compiled: Compiled, pieces: Sequence[bytes], signatures: bytes) -> list[bytes]:
    """The filled-in pieces of a message, given as `splice.pieces` made it."""
    return [signatures, *[data for kind, data in zip(compiled.pieces, pieces, strict=True) if type(kind) is not bytes]]


class _Fixed:
    """What is worked out once a campaign."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        fixed, _ = _gaps(pieces)
        lengths = struct.pack(f">{len(fixed) + 1}I", len(fixed), *map(len, fixed))
        self.base = sha256(sha256(lengths + b"".join(fixed)).digest())
        places = [place for place, piece in enumerate(pieces) if not isinstance(piece, bytes)]
        # An itemgetter of one place, or of none, gives no tuple.
        self.filled: Callable[[Sequence[bytes]], tuple[bytes, ...]] = (
            itemgetter(*places) if len(places) > 1 else lambda made: tuple(made[place] for place in places)
        )
        self.lengths = struct.Struct(f">{len(places)}I").pack


def _digest(base: Any, lengths: bytes, values: bytes, signatures: bytes) -> bytes:
    found = base.copy()
    found.update(b"".join((len(signatures).to_bytes(4, "big"), lengths, signatures, values)))
    made: bytes = found.digest()
    return made


def _gaps(pieces: Sequence[Piece]) -> tuple[list[bytes], list[Piece]]:
    """The fixed piece that stands before everything and after each filled-in one, empty or not, and what fills in."""
    fixed = [b""]
    kinds: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            fixed[-1] += piece
        else:
            kinds.append(piece)
            fixed.append(b"")
    return fixed, kinds


def _signatures(above: bytes) -> Iterator[bytes]:
    """What of the fields above a message may be our signatures: those next to it, as many as there are, or fewer."""
    fields = [found.group() for found in _FIELD.finditer(above)]
    ours = 0
    while ours < len(fields) and _SIGNATURE.fullmatch(fields[-1 - ours]):
        ours += 1
    for count in range(ours, -1, -1):
        yield b"".join(fields[len(fields) - count :])


def _ways(message: bytes, at: int, fixed: Sequence[bytes], kinds: Sequence[Piece]) -> Iterator[list[bytes]]:
    """Every way to fill in pieces from a place to the end of the message, with the fixed ones between them."""
    if not kinds:
        if at == len(message):
            yield []
        return
    found: list[bytes] = []
    starts = [at]
    ends = [_ends(message, at, kinds[0], fixed[0])]
    while ends:
        end = next(ends[-1], None)
        if end is None:
            ends.pop()
            starts.pop()
            del found[-1:]
            continue
        depth = len(ends)
        following = end + len(fixed[depth - 1])
        del found[depth - 1 :]
        found.append(message[starts[-1] : end])
        if depth < len(kinds):
            starts.append(following)
            ends.append(_ends(message, following, kinds[depth], fixed[depth]))
        elif following == len(message):
            yield list(found)


def _ends(message: bytes, at: int, kind: Piece, following: bytes) -> Iterator[int]:
    """Where a filled-in piece may end that begins at a place: what it is says how it looks."""
    if kind in (Part.HTML, Part.TEXT):
        end = message.find(following, at) if following else len(message)
        while end >= 0:
            yield end
            end = message.find(following, end + 1) if following else -1
        return
    if message.startswith(following, at):
        yield at
    if not isinstance(kind, Slot):  # a header field, whole, or none
        field = _FIELD.match(message, at)
        if field and message.startswith(following, field.end()):
            yield field.end()
        return
    while line := _SOFT_LINE.match(message, at):
        at = line.end()
        if message.startswith(following, at):
            yield at


def _named(kind: Piece | None) -> str:
    if kind is None:
        return "DKIM-Signature"
    if isinstance(kind, Slot):
        match kind.what:
            case Value():
                return kind.what.fields[0]
            case Own():
                return f"links.{kind.what.value}"
            case Click():
                return f"link {kind.what.number}"
    if isinstance(kind, Field):
        return kind.value
    return f"the {kind.value} part" if kind in (Part.HTML, Part.TEXT) else "Subject"


def _read(kind: Piece | None, data: bytes) -> str:
    """A filled-in piece for people."""
    if isinstance(kind, Slot):
        text = decodestring(data).decode("utf-8", "replace")
        return text if kind.context is Context.TEXT else unescape(text)
    text = data.decode("utf-8", "replace").replace("\r\n ", "").strip()
    return text.partition(": ")[2] if isinstance(kind, Field | SubjectLine) else text
