"""provisional"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    DELAYED = "delayed"
    AUTO_REPLY = "auto-reply"
    DELIVERED = "delivered"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Report:
    kind: Kind
    reason: str | None
    status: str | None = None
    words: str | None = None
    recipient: str | None = None
    reporter: str | None = None
    by: str = ""


def read(message: bytes) -> Report:
    text = message.decode("latin-1")
    for status, kind in (("5.1.1", Kind.HARD), ("5.2.2", Kind.SOFT)):
        if f"Status: {status}" in text:
            delayed = "Action: delayed" in text
            return Report(Kind.DELAYED if delayed else kind, "x", status, "words", None, "mx.example.com", "rfc3464")
    if "Feedback-Type: abuse" in text:
        return Report(Kind.COMPLAINT, "abuse", by="rfc5965")
    if "Auto-Submitted: auto-replied" in text:
        return Report(Kind.AUTO_REPLY, None, by="rfc3834")
    if "Action: delivered" in text:
        return Report(Kind.DELIVERED, None, by="rfc3464")
    return Report(Kind.UNCLEAR, None, by="")
