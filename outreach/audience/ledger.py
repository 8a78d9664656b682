"""What does an entry of the consent ledger commit to, and how do its entries hang together?

Each entry is sealed by a commitment: SHA-256 over a random salt, what was agreed to, and who agreed. Each transaction
that writes entries ends in one link, whose digest covers the link before it, which entries are new, their commitments,
and which older ones were forgotten. So a commitment stays when a person is erased, and says nothing without its salt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Bytes of a salt, of a commitment and of a link's digest.
SALT = 16
DIGEST = 32

#: What stands before the first link.
GENESIS = hashlib.sha256(b"outreach consent ledger 1").digest()


class Facts(NamedTuple):
    """What was done, apart from who did it; many entries may share it."""

    list_id: int | None
    purpose: str
    act: str
    wording: str
    source: str
    confirmation: str
    #: `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
    at: str


def sealed(facts: Facts) -> bytes:
    """The digest of what was done; `commitment` takes it."""
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).digest()


def commitment(seal: bytes, salt: bytes, who: str) -> bytes:
    """What an entry commits to; `who` is the address as compared. Seal and salt have a fixed size, so nothing blurs."""
    return hashlib.sha256(seal + salt + who.encode()).digest()


def commitments(seal: bytes, people: Iterable[tuple[bytes, str]]) -> list[bytes]:
    """`commitment` for many (salt, address) who did the same: a million of them are computed in an import."""
    sha256 = hashlib.sha256
    return [sha256(seal + salt + who.encode()).digest() for salt, who in people]


def version(wording: str) -> str:
    """What tells one wording from another one: 12 hexadecimal digits, the same wherever the words are the same."""
    return hashlib.sha256(wording.encode()).hexdigest()[:12]


class Link(NamedTuple):
    """What a link says, apart from its digest."""

    #: Counted from 1.
    position: int
    #: Which entries are new, and which were forgotten: runs of numbers ("3-9,12").
    entries: str
    erased: str
    #: Those of the new entries, in the order of their numbers.
    commitments: bytes


def digest(previous: bytes, link: Link) -> bytes:
    """The digest of a link on top of the one before it."""
    words = json.dumps([link.position, link.entries, link.erased]).encode()
    return hashlib.sha256(previous + hashlib.sha256(link.commitments).digest() + words).digest()


def runs(numbers: Iterable[int]) -> str:
    """Ascending numbers, written in runs: 1, 2, 3, 7 is "1-3,7"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def spans(text: str) -> list[tuple[int, int]]:
    """First and last number of each run; raises ValueError for what `runs` did not write."""
    parts = (part.partition("-") for part in text.split(",") if text)
    return [(int(first), int(last or first)) for first, _, last in parts]


def numbers(text: str) -> Iterator[int]:
    """The numbers that `runs` wrote down."""
    for first, last in spans(text):
        yield from range(first, last + 1)
