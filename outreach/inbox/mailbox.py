"""What is a place in which mail waits until we look?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

#: Bytes of a message that are read; a report is short, and says what it says at its beginning.
LARGEST = 1_000_000

#: Handles one message; False: it is to stay where it is and come again. What it raises ends the round.
Take = Callable[[bytes], bool]
#: Whether to go on with the next message; also a sign of life.
GoOn = Callable[[], bool]


class Mailbox(Protocol):
    """A Maildir, or a folder on a server."""

    @property
    def name(self) -> str:
        """What it is, in records: `maildir`, `imap`."""

    def empty(self, take: Take, go_on: GoOn) -> int:
        """Hand over what waits, each message away only when it was handled; how many. Raises InboxError.

        A message that cannot be put away once it was handled comes again: whoever takes it must bear that.
        """
