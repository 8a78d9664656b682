"""How is an attempt written down in a journal, and read back? Fixed fields, a checksum for each record, no end mark.

A record that is not whole ends what can be read: nothing after it was acted upon. Every checksum is mixed with the
file's own seed, so that leftovers of another file on the disk are never taken for records.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from outreach.replies.smtp import Reply, Stage
from outreach.transport.base import Outcome

#: Bytes of a file that say whose it is, as JSON.
HEAD_BYTES = 512
#: Bytes of a reply's words that are kept.
LONGEST_WORDS = 480
#: Bytes of a message's digest.
DIGEST_BYTES = 32
#: The version of what is written, and those that can be read: the first has no digests.
FORMAT, READABLE = 2, (1, 2)

_RECORD = struct.Struct("<BHI")  # kind, bytes that follow, checksum
_CLAIM = struct.Struct("<I16s")  # number of the claim in this file, token
_BEGUN = struct.Struct("<Iq")  # number of the claim, delivery; then the message's digest
_REPLY = struct.Struct("<IqdBH")  # number of the claim, delivery, seconds since 1970, stage, code; then the words
_STAGES = tuple(Stage)

#: What one message may write at most, and what a claim itself writes.
MESSAGE_BYTES = 2 * _RECORD.size + _BEGUN.size + DIGEST_BYTES + _REPLY.size + LONGEST_WORDS
CLAIM_BYTES = _RECORD.size + _CLAIM.size


class Kind(IntEnum):
    """The kinds of record; zero is what a file holds where nothing was written yet."""

    CLAIM = 1
    BEGUN = 2
    REPLY = 3


@dataclass(frozen=True, slots=True)
class Head:
    """Whose file it is."""

    #: The id of the installation, as its database holds it.
    installation: str
    #: The boot of the machine that it was written in.
    boot: str
    #: Mixed into every checksum, so that leftovers of another file are never taken for records.
    seed: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record, read back."""

    kind: Kind
    #: The token of the claim that it belongs to.
    token: str
    delivery_id: int = 0
    outcome: Outcome | None = None
    at: datetime | None = None
    #: Of a body that began: the digest of its message.
    digest: bytes = b""


def boot_id() -> str:
    """Which boot of the machine this is; "" where the system does not say, which no journal then relies on."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def head(whose: Head) -> bytes:
    """The beginning of a file."""
    facts = {"outreach": FORMAT, "installation": whose.installation, "boot": whose.boot, "seed": whose.seed}
    return json.dumps(facts).encode().ljust(HEAD_BYTES)


def claim(seed: int, number: int, token: str) -> bytes:
    """A claim, before it is committed; the other records name it by its number."""
    return _record(seed, Kind.CLAIM, _CLAIM.pack(number, bytes.fromhex(token)))


def begun(seed: int, number: int, delivery_id: int, digest: bytes = b"") -> bytes:
    """A body, before its first byte leaves."""
    return _record(seed, Kind.BEGUN, _BEGUN.pack(number, delivery_id) + digest)


def answered(seed: int, number: int, outcome: Outcome, reply: Reply, at: datetime) -> bytes:
    """What the server said; its words are cut where they are long."""
    words = f"{reply.enhanced or ''}\0{reply.text}".encode("utf-8", "replace")[:LONGEST_WORDS]
    stage = _STAGES.index(outcome.stage)
    facts = _REPLY.pack(number, outcome.delivery_id, at.timestamp(), stage, reply.code)
    return _record(seed, Kind.REPLY, facts + words)


def read(data: bytes) -> tuple[Head, list[Record]]:
    """What a file holds, up to the first record that is not whole; raises ValueError where it is no journal."""
    whose = _head(data[:HEAD_BYTES])
    return whose, list(_records(data, whose.seed, {}))


def _records(data: bytes, seed: int, tokens: dict[int, str]) -> Iterator[Record]:
    at = HEAD_BYTES
    while at + _RECORD.size <= len(data):
        kind, length, checksum = _RECORD.unpack_from(data, at)
        body = data[at + _RECORD.size : at + _RECORD.size + length]
        if not kind or len(body) < length or checksum != _checksum(seed, kind, body):
            return
        at += _RECORD.size + length
        yield _understood(Kind(kind), body, tokens)


def _understood(kind: Kind, body: bytes, tokens: dict[int, str]) -> Record:
    if kind is Kind.CLAIM:
        number, token = _CLAIM.unpack(body)
        tokens[number] = token.hex()
        return Record(kind, tokens[number])
    if kind is Kind.BEGUN:
        number, delivery_id = _BEGUN.unpack_from(body)
        return Record(kind, tokens[number], delivery_id, digest=body[_BEGUN.size :])
    number, delivery_id, at, stage, code = _REPLY.unpack_from(body)
    enhanced, _, text = body[_REPLY.size :].decode("utf-8", "replace").partition("\0")
    outcome = Outcome(delivery_id, Reply(code, enhanced or None, text), _STAGES[stage])
    return Record(kind, tokens[number], delivery_id, outcome, datetime.fromtimestamp(at, UTC))


def _head(data: bytes) -> Head:
    try:
        facts = json.loads(data)
        if facts["outreach"] not in READABLE:
            raise ValueError(f"a journal of version {facts['outreach']}")
        return Head(facts["installation"], facts["boot"], facts["seed"])
    except (KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError("it does not begin as a journal does") from error


def _record(seed: int, kind: Kind, body: bytes) -> bytes:
    return _RECORD.pack(kind, len(body), _checksum(seed, kind, body)) + body


def _checksum(seed: int, kind: int, data: bytes) -> int:
    return zlib.crc32(data, seed ^ kind)
