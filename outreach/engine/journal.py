"""What had a sender begun when it died? An append-only record of its attempts, on this host's disk.

Outcomes are committed to the database in batches; in between, the journal knows. Three records carry the truth: the
token of a claim, before the claim is committed; that a body begins, before its first byte leaves; what the server
answered, before that is settled. They are stores into a mapped file and not synced: they survive the death of the
process, which is what they are for. After the death of the machine the boot id differs, and what no record proves is
in doubt (`replay`).

- A file is locked (``flock``) as long as its sender lives, so whoever gets the lock knows that nobody acts on it.
- Room for everything that a claim may still write is set aside before the claim is made: a disk that is full refuses
  the claim, and never the record of a message that is on its way.
- A store into the map costs a fraction of a microsecond and keeps the interpreter's lock, which a `write` would give
  away twice a message.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from outreach.engine import records
from outreach.engine.records import Head
from outreach.errors import JournalUnavailable
from outreach.transport.base import Outcome

#: How large a file is made; then the next one is begun, and the older goes when all its claims are settled.
SEGMENT_BYTES = 4 << 20


class Journal:
    """What one sender writes; without a folder it writes nothing, and a death leaves doubts instead of knowledge."""

    def __init__(self, folder: Path | None, installation: str = "") -> None:
        self._folder = folder
        self._installation = installation
        #: The file that is written, the last, and older ones with claims that are not settled yet.
        self._segments: list[_Segment] = []

    def page(self, claims: int) -> Page:
        """Open a page for a claim of up to so many deliveries; its token is on record when this returns.

        Raises JournalUnavailable where there is no room for all that the claim may have to write: then nothing may be
        claimed.
        """
        token = secrets.token_hex(16)
        if self._folder is None:
            return Page(token, None, 0)
        wanted = records.CLAIM_BYTES + claims * records.MESSAGE_BYTES
        if not self._segments or self._segments[-1].free < wanted:
            self._segments.append(_Segment(self._folder, self._installation))
            self._drop_settled()
        return self._segments[-1].page(token, wanted)

    def close(self) -> None:
        """The sender ends: what is settled to the end goes, what is not stays for the next one to replay."""
        for segment in self._segments:
            segment.close()
        self._segments.clear()

    def _drop_settled(self) -> None:
        """Close the older files that nothing is open in; few are ever left."""
        older = self._segments[:-1]
        for segment in older:
            if segment.is_settled:
                segment.close()
        self._segments = [segment for segment in older if not segment.is_settled] + self._segments[-1:]


def size(folder: Path) -> int:
    """Bytes that the journals of this host take on its disk, those of dead senders among them."""
    found = 0
    for file in folder.glob("*.journal"):
        with suppress(FileNotFoundError):  # settled and gone meanwhile
            found += file.stat().st_size
    return found


class Page:
    """The part of a journal that belongs to one claim."""

    __slots__ = ("_number", "_segment", "owed", "token")

    def __init__(self, token: str, segment: _Segment | None, number: int, owed: int = 0) -> None:
        #: The token of the claim.
        self.token = token
        self._segment = segment
        self._number = number
        #: Bytes that are still set aside for it.
        self.owed = owed

    def begin(self, delivery_id: int, digest: bytes = b"") -> None:
        """A body begins: to be called before its first byte leaves, with the digest of the message."""
        if self._segment is not None:
            self._write(self._segment, records.begun(self._segment.seed, self._number, delivery_id, digest))

    def answered(self, outcome: Outcome, at: datetime) -> None:
        """The server has answered; what ended without an answer needs no record."""
        if self._segment is not None and outcome.reply is not None:
            self._write(self._segment, records.answered(self._segment.seed, self._number, outcome, outcome.reply, at))

    def close(self) -> None:
        """All of the claim is settled, or the claim was never made."""
        if self._segment is not None:
            self._segment.over(self)
            self._segment = None

    def cut_off(self) -> None:
        """Its file is closed: nothing more is written."""
        self._segment = None

    def _write(self, segment: _Segment, record: bytes) -> None:
        segment.append(record)
        self.owed -= len(record)


class _Segment:
    """One file of a journal, locked as long as this process lives."""

    def __init__(self, folder: Path, installation: str) -> None:
        self._pages: set[Page] = set()
        self._claims = 0
        self._owed = 0
        #: Mixed into every checksum of this file.
        self.seed = secrets.randbits(32)
        head = records.head(Head(installation, records.boot_id(), self.seed))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = folder / f"{os.getpid()}-{secrets.token_hex(6)}.journal"
            self._file, self._map = _made(self.path, head)
        except OSError as error:
            raise JournalUnavailable(
                f"The journal in {folder} cannot be written: {error.strerror or error}.",
                hint="Make room, or let this user write there; sending goes on by itself then.",
            ) from error
        self._at = records.HEAD_BYTES

    @property
    def free(self) -> int:
        """Bytes that nobody has written or set aside."""
        return SEGMENT_BYTES - self._at - self._owed

    def page(self, token: str, owed: int) -> Page:
        """A page with so many bytes set aside, its token on record."""
        self._claims += 1
        self._owed += owed
        record = records.claim(self.seed, self._claims, token)
        self.append(record)
        page = Page(token, self, self._claims, owed - len(record))
        self._pages.add(page)
        return page

    def append(self, record: bytes) -> None:
        """Write a record into what was set aside for it."""
        end = self._at + len(record)
        self._map[self._at : end] = record
        self._at = end
        self._owed -= len(record)

    def over(self, page: Page) -> None:
        """A page is done with, and what was set aside for it is free."""
        self._pages.discard(page)
        self._owed -= page.owed

    @property
    def is_settled(self) -> bool:
        """Whether every claim in it is settled."""
        return not self._pages

    def close(self) -> None:
        """Let go of the file; with claims that are not settled it stays on the disk, for a replay."""
        for page in self._pages:
            page.cut_off()
        if self.is_settled:
            with suppress(OSError):
                self.path.unlink()
        self._map.close()
        os.close(self._file)


def _made(path: Path, head: bytes) -> tuple[int, mmap.mmap]:
    """The file, locked before anybody can find it under its name, with all its blocks on the disk."""
    unfinished = path.with_suffix(".part")
    file = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _allocate(file, SEGMENT_BYTES)
        os.pwrite(file, head, 0)
        mapped = mmap.mmap(file, SEGMENT_BYTES)
        unfinished.rename(path)
    except BaseException:
        os.close(file)
        unfinished.unlink(missing_ok=True)
        raise
    return file, mapped


def _allocate(file: int, size: int) -> None:
    """Have every block of the file on the disk now, so that none can be refused later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:  # macOS: written out
        os.pwrite(file, bytes(size), 0)
