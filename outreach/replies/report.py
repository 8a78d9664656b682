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
    #: Which reader understood it: "dsn", "arf", "flufl", "words", "ses" ...; "" where none did.
    by: str = ""


def read(message: bytes) -> Report:
    """What a message says, by the plainest of its signs; never raises. Stands in until the readers are there."""
    text = message.decode("latin-1")
    if "Feedback-Type: abuse" in text:
        return Report(Kind.COMPLAINT, "abuse", by="arf")
    for action, kind in (("delayed", Kind.DELAYED), ("delivered", Kind.DELIVERED)):
        if f"Action: {action}" in text:
            return Report(kind, None, by="dsn")
    for status, kind, reason in (
        ("5.1.1", Kind.HARD, "no such mailbox"),
        ("5.2.2", Kind.SOFT, "the mailbox is full"),
    ):
        if f"Status: {status}" in text:
            return Report(kind, reason, status, f"550 {status} said the server", None, "mx.example.org", "dsn")
    if "Auto-Submitted: auto-replied" in text:
        return Report(Kind.AUTO_REPLY, None, by="words")
    return Report(Kind.UNCLEAR, None)
