"""How does mail come in that a mail server drops into a folder of this machine? From `new` to `cur`, as Maildir says.

What is in `new` nobody has looked at. It is read, handled, and then moved to `cur` with the mark "seen": by a rename,
which is done or not done, whatever happens in between. Two who read the same folder handle a message twice, and one of
them finds it moved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from outreach.errors import InboxError
from outreach.inbox.mailbox import LARGEST, GoOn, Take


class Maildir:
    """One Maildir of our own."""

    name = "maildir"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def empty(self, take: Take, go_on: GoOn) -> int:
        """Hand over what is new, and move it; how many. Raises InboxError where the folder is none, or is not ours."""
        n = 0
        try:
            for path in self._new():
                if not go_on():
                    break
                data = _read(path)
                if data is not None and take(data):
                    self._put_away(path)
                    n += 1
        except OSError as error:
            raise InboxError(
                f"The Maildir {self._folder} cannot be used: {error.strerror}.",
                hint="OUTREACH_MAILDIR must name a Maildir (with new/ and cur/) that this user may read and write.",
            ) from error
        return n

    def _new(self) -> Iterator[Path]:
        """The names of a Maildir begin with the time, so that the oldest comes first."""
        folder = self._folder / "new"
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone, of a folder that may hold many
            if not name.startswith("."):
                yield folder / name

    def _put_away(self, path: Path) -> None:
        seen = self._folder / "cur" / f"{path.name.partition(':')[0]}:2,S"
        seen.parent.mkdir(exist_ok=True)
        try:
            path.rename(seen)
        except FileNotFoundError:  # another was at work here too
            return


def _read(path: Path) -> bytes | None:
    """The beginning of a message; None where it is no file, or there no more."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(LARGEST)
    except FileNotFoundError:
        return None
