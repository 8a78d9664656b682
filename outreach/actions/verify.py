"""Is the consent ledger what it was when its entries were written? Every entry and every link is computed anew.

What this proves: no entry was changed, taken away, or slipped in, and no link was altered, unless somebody with the
database wrote the whole chain anew from there on. Against that helps a head that was noted elsewhere (printed, mailed,
published): as long as it is found in the chain, everything before it is what it was then. What it does not prove: that
what was written down was true. The entries of erased people are told by their numbers; nobody can say whose they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from outreach.audience import ledger
from outreach.audience.ledger import DIGEST, Link
from outreach.store import chain, consents
from outreach.store.database import Store

#: Links that are looked at together, and entries far apart that are still read in one go.
_LINKS = 64
_GAP = 256

#: As many faults are told; the rest are counted.
MOST = 100


@dataclass(frozen=True)
class Fault:
    """Where the ledger is not what it was."""

    #: The number of the link, and of the entry where the fault is one entry's.
    link: int | None
    entry: int | None
    what: str


@dataclass
class Verified:
    """What the ledger was found to be."""

    links: int = 0
    #: Entries that are what they were; entries of people who were erased.
    entries: int = 0
    erased: int = 0
    head: bytes = ledger.GENESIS
    faults: list[Fault] = field(default_factory=list)
    more_faults: int = 0
    #: At which link a head that was noted earlier was found; None where it was not, or none was given.
    noted_at: int | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """As `outreach consent verify --json` prints it."""
        return {
            "sound": self.sound,
            "links": self.links,
            "entries": self.entries,
            "erased": self.erased,
            "head": self.head.hex(),
            "noted_at": self.noted_at,
            "faults": [{"link": each.link, "entry": each.entry, "what": each.what} for each in self.faults],
            "more_faults": self.more_faults,
        }


def consents_ledger(store: Store, *, noted: bytes | None = None) -> Verified:
    """Compute the ledger anew, from one view of the database, and compare; `noted` is a head of the chain of old."""
    found = Verified()
    with store.reading() as session:
        walk = _Walk(found)
        previous = ledger.GENESIS
        while rows := chain.after(session, found.links, _LINKS):
            for row in rows:
                found.links += 1
                walk.check_link(row, previous)
                previous = row.digest
                if row.digest == noted:
                    found.noted_at = found.links
            here: dict[int, bytes] = {}
            for first, last in _stretches(rows):
                here.update(consents.between(session, first, last))
            for row in rows:
                walk.check_entries(row, here)
        found.head = previous
        walk.check_absent()
        if consents.count(session) != walk.present:
            for number in walk.slipped_in(consents.numbers(session)):
                walk.tell(None, number, "the entry stands in no link: it was slipped in")
    if noted is not None and found.noted_at is None:
        walk.tell(None, None, "the head that was noted is nowhere in the chain: it was written anew, or is another one")
    return found


class _Walk:
    """What is known on the way through the chain."""

    def __init__(self, found: Verified) -> None:
        self._found = found
        self._spans: list[tuple[int, int]] = []
        #: Entries whose rows are gone, with their links; entries that links say were erased.
        self._absent: dict[int, int] = {}
        self._erased: set[int] = set()
        self._seen_erased: set[int] = set()
        self.present = 0

    def slipped_in(self, numbers: Iterable[int]) -> Iterator[int]:
        """Those of ascending numbers that stand in no link."""
        spans, first, last = iter(sorted(self._spans)), 0, 0
        for number in numbers:
            while last < number and (span := next(spans, None)) is not None:
                first, last = span
            if not first <= number <= last:
                yield number

    def tell(self, link: int | None, entry: int | None, what: str) -> None:
        """Note a fault."""
        if len(self._found.faults) < MOST:
            self._found.faults.append(Fault(link, entry, what))
        else:
            self._found.more_faults += 1

    def check_link(self, row: Any, previous: bytes) -> None:
        """A link must stand where it says, follow the one before it, and have a commitment for each entry."""
        if row.position != self._found.links:
            self.tell(self._found.links, None, "a link is missing")
            self._found.links = row.position
        link = Link(row.position, row.entries, row.erased, bytes(row.commitments))
        if ledger.digest(previous, link) != row.digest:
            self.tell(row.position, None, "the link is not what it was, or does not follow the one before it")
        spans = _spans(row.entries)
        self._spans += spans
        if sum(last - first + 1 for first, last in spans) * DIGEST != len(row.commitments):
            self.tell(row.position, None, "the link has not one commitment for each of its entries")
        self._erased.update(number for first, last in _spans(row.erased) for number in range(first, last + 1))

    def check_entries(self, row: Any, here: dict[int, bytes]) -> None:
        """Each entry of a link must amount to its commitment, or be gone."""
        numbers = [number for first, last in _spans(row.entries) for number in range(first, last + 1)]
        commitments = bytes(row.commitments)
        if b"".join([here.get(number, b"") for number in numbers]) == commitments:
            self.present += len(numbers)
            self._found.entries += len(numbers)
            return
        for at, number in enumerate(numbers):
            if number not in here:
                self._absent[number] = row.position
                continue
            self.present += 1
            if here[number] == commitments[at * DIGEST : (at + 1) * DIGEST]:
                self._found.entries += 1
            else:
                self.tell(row.position, number, "the entry is not what it was (or the address of its person is not)")

    def check_absent(self) -> None:
        """What is gone must have been erased, and what was erased must be gone."""
        self._found.erased = len(self._absent.keys() & self._erased)
        for number, link in self._absent.items():
            if number not in self._erased:
                self.tell(link, number, "the entry is gone, and no erasure says so")
        for number in sorted(self._erased - self._absent.keys()):
            self.tell(None, number, "the entry was erased, and is here again or never was")


def _spans(text: str) -> list[tuple[int, int]]:
    """The runs of a link; none where the text was tampered with, which its digest tells."""
    try:
        return ledger.spans(text)
    except ValueError:
        return []


def _stretches(rows: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """The entries of some links as few stretches: links follow each other closely, whoever wrote between them."""
    spans = sorted(span for row in rows for span in _spans(row.entries))
    begin, end = None, 0
    for first, last in spans:
        if begin is None:
            begin, end = first, last
        elif first - end <= _GAP:
            end = max(end, last)
        else:
            yield begin, end
            begin, end = first, last
    if begin is not None:
        yield begin, end
