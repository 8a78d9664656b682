"""Does a part still live? A part that works gives signs of life; whoever watches sees how long it has been silent."""

from __future__ import annotations

import time

#: Seconds without a sign of life after which a part hangs: longer than the longest launch takes.
SILENCE = 60.0


class Pulse:
    """The signs of life of one part; given by its thread, read by any."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        """The part is alive, now."""
        self._at = time.monotonic()

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._at
