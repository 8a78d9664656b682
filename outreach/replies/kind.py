"""What does a report say that comes back, whoever wrote it? The one form that every reader brings it into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a report is about."""

    HARD = "hard"  # the address is dead
    SOFT = "soft"  # not delivered for another reason, which says nothing for good about the address
    COMPLAINT = "complaint"  # the person called it spam
    DELAYED = "delayed"  # still trying: changes nothing
    AUTO_REPLY = "auto-reply"  # out of office and the like: changes nothing
    DELIVERED = "delivered"  # it arrived: changes nothing, but ends a row of soft bounces
    UNCLEAR = "unclear"  # not understood: kept for a person to look at


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says. Nothing of it is proof of whom it is about: only the token that it came to is."""

    kind: Kind
    #: In a few words, from the verdict table ("no such mailbox").
    reason: str | None
    #: The enhanced status code (RFC 3463).
    status: str | None = None
    #: What the server said, on one line, cut to a sane length.
    words: str | None = None
    #: The address that it names: a claim.
    recipient: str | None = None
    #: The server or provider that says so.
    reporter: str | None = None
    #: Which reader understood it: "dsn", "arf", "flufl", "words", "autoreply", "ses" ...; "" where none did.
    by: str = ""
