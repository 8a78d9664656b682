"""Can this process do its work? Its database can be read and written, is of this version and ours, and has room."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from outreach.errors import OutreachError, StoreError
from outreach.store import installation, migrate, probe
from outreach.store.database import Store

#: Bytes that must be free where the database lies: below that it is a matter of minutes.
FLOOR = 64 * 1024 * 1024


class Readiness:
    """The checks; each is quick, unless the database hangs."""

    def __init__(
        self, store: Store, *, fingerprint: str | None = None, folders: Sequence[Path] = (), floor: int = FLOOR
    ) -> None:
        """`fingerprint` is that of our secret key, `folders` are those that must have room."""
        self._store = store
        self._fingerprint = fingerprint
        self._folders = folders
        self._floor = floor

    def look(self) -> Mapping[str, str]:
        """Each check that was made, and why it failed ("" where it did not).

        `database` answers, `version` is this program's, `key` is the one that it was made with, `writable` it is, and
        its disk has `space`. Where it does not answer, the rest is not asked.
        """
        return dict(self._checks())

    def _checks(self) -> Iterator[tuple[str, str]]:
        read = dict(self._read())
        yield from read.items()
        if read["database"]:
            return
        yield "writable", self._written()
        yield "space", next((why for folder in self._folders if (why := _scarce(folder, self._floor))), "")

    def _read(self) -> Iterator[tuple[str, str]]:
        try:
            with self._store.reading() as session:
                current = migrate.is_current(session)
                kept = installation.fact(session, "key_fingerprint") if current else None
        except StoreError as error:
            yield "database", error.message
            return
        yield "database", ""
        yield "version", "" if current else "its tables are of another version; run `outreach init`"
        if current and self._fingerprint is not None:
            yield "key", "" if kept == self._fingerprint else "it was made with another secret key"

    def _written(self) -> str:
        try:
            probe.write(self._store)
        except OutreachError as error:
            return error.message
        return ""


def _scarce(folder: Path, floor: int) -> str:
    """Why nothing more can be written into a folder soon; a file without a name shows it, which is gone at once."""
    try:
        found = os.statvfs(folder)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        return f"nothing can be written into {folder}: {error.strerror}"
    free = found.f_bavail * found.f_frsize
    return f"{free // 1024**2} MiB are free in {folder}" if free < floor else ""
