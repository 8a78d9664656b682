"""What came back from a web address: a status, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Why there is no status."""

    NAME = "its host is not found in the DNS"
    #: Nobody could say whether there is such a host.
    UNASKED = "the DNS gave no answer for its host"
    AWAY = "nobody answers there"
    TLS = "its certificate is not trusted, or TLS fails"
    SLOW = "it does not answer in time"
    BROKEN = "what it answers is no HTTP"
    #: It was not asked: somebody else's redirect leads into our own network.
    INSIDE = "it leads into an inner network"


@dataclass(frozen=True)
class Heard:
    """One answer."""

    url: str
    status: int = 0
    #: Where a redirect leads, absolute; "" where the answer is none.
    location: str = ""
    #: The beginning of the body, where it was asked for.
    body: str = ""
    trouble: Trouble | None = None
    #: The trouble in the words of whoever met it.
    words: str = ""

    @property
    def why(self) -> str:
        """The trouble for a person; "" where there is none."""
        return f"{self.trouble}{f' ({self.words})' if self.words else ''}" if self.trouble else ""
