"""Is this the database that we knew, or an older copy of it? What this host remembers of it, in a file beside it.

While senders work, a number in the database grows, and this host notes how high it has seen it. A database that stands
lower was restored from a copy: it does not know what has been sent since, and would send it again. So nothing is sent
until a person has decided (`outreach db accept`). A data folder that was copied or restored as a whole, SQLite's file
and the note in it together, is noticed because the note knows which file it was (its inode number).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from outreach.errors import DatabaseRewound, JournalUnavailable
from outreach.store import installation
from outreach.store.database import Store, sqlite_file

#: How many bytes the note has: it is written in place, and whole.
_BYTES = 4096
#: How much a database that was accepted is raised, so that it stands higher than any host remembers.
ACCEPTED = 1_000_000_000


@dataclass
class _Note:
    """What the file says."""

    #: The inode number that the file had when it was made.
    inode: int
    #: Installation -> how high it stood.
    heights: dict[str, int] = field(default_factory=dict)


class Watermark:
    """What this host remembers of one database; without a file nothing is remembered, and nothing refused."""

    def __init__(self, store: Store, file: Path | None) -> None:
        self._store = store
        self._file = file

    def require(self) -> None:
        """Raise DatabaseRewound where the database is older than what this host has seen of it.

        The note is read before the database: other senders raise the database first, so it never stands lower than a
        note that was read before.
        """
        if self._file is None:
            return
        note = self._read()
        ours, stands = self._database()
        known = self._known(note, ours, stands)
        if known is None:
            self._remember(ours, stands)
        elif stands < known:
            if self._read() != note:  # another sender of this host was at work between the two
                self.require()
                return
            raise DatabaseRewound(
                f"The database {self._store.place} is older than what this host remembers of it: it was restored from "
                "a copy. What was sent since then is not in it; nothing is sent now, so that nobody gets it twice.",
                hint="`outreach db accept` holds each campaign that may have gone further, and lets you decide.",
            )

    def rise(self) -> None:
        """Something was claimed: raise the database's height and note it."""
        if self._file is None:
            return
        with self._store.writing() as session:
            stands = installation.rise(session)
            ours = installation.fact(session, installation.ID) or ""
        self._remember(ours, stands)

    def accept(self) -> None:
        """A person knows that the database is an older copy, and goes on with it."""
        with self._store.writing() as session:
            stands = installation.rise(session, ACCEPTED)
            ours = installation.fact(session, installation.ID) or ""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._remember(ours, stands)

    def _database(self) -> tuple[str, int]:
        with self._store.reading() as session:
            return installation.fact(session, installation.ID) or "", installation.height(session)

    def _known(self, note: _Note | None, ours: str, stands: int) -> int | None:
        """How high it has to stand; None where this host cannot know."""
        assert self._file is not None
        if note is None:
            # Beside its SQLite file a note is missing only where the file was brought here.
            return stands + 1 if stands and self._is_beside() else None
        known = note.heights.get(ours)
        if known and self._is_beside() and note.inode != self._file.stat().st_ino:
            return stands + 1
        return known

    def _is_beside(self) -> bool:
        assert self._file is not None
        database = sqlite_file(self._store)
        return database is not None and database.absolute().parent == self._file.absolute().parent

    def _read(self) -> _Note | None:
        assert self._file is not None
        try:
            with self._opened(os.O_RDONLY, fcntl.LOCK_SH) as file:
                return _parsed(os.pread(file, _BYTES, 0))
        except FileNotFoundError:
            return None

    def _remember(self, ours: str, stands: int) -> None:
        """Note a height; in place, so that the file stays the one that it was."""
        assert self._file is not None
        with self._opened(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as file:
            found = os.pread(file, _BYTES, 0)
            note = _parsed(found)
            note.inode = note.inode or os.fstat(file).st_ino
            note.heights[ours] = max(stands, note.heights.get(ours, 0))
            text = json.dumps({"inode": note.inode, "heights": note.heights})
            os.pwrite(file, text.encode().ljust(_BYTES), 0)

    @contextmanager
    def _opened(self, flags: int, lock: int) -> Iterator[int]:
        assert self._file is not None
        try:
            file = os.open(self._file, flags | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, lock)
                yield file
            finally:
                os.close(file)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise JournalUnavailable(
                f"The note in {self._file} cannot be kept: {error.strerror or error}.",
                hint="Make room, or let this user write there; sending goes on by itself then.",
            ) from error


def _parsed(data: bytes) -> _Note:
    """A note that cannot be read (a disk that was full, a machine that died) is one that remembers nothing."""
    try:
        facts = json.loads(data)
        return _Note(int(facts["inode"]), {str(key): int(value) for key, value in facts["heights"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Note(0)
