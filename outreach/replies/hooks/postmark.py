"""What does Postmark tell? One event a request. It signs nothing: a secret in the address of the hook stands for it."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outreach.errors import NoticeForged, NoticeGarbled
from outreach.replies.hooks.notice import AGAIN, DEAD, SPAM, Notice, Told, bare, document, given_up, of, text
from outreach.replies.kind import Kind, Report

BY = "postmark"

#: The name of the metadata by which it hands our Message-ID back, since it sends under one of its own; and the header
#: field of each of our messages that tells it.
METADATA = "message"
HANDLE = f"X-PM-Metadata-{METADATA}: {{}}"

#: Its types of bounces: those that say what we need not ask the words for.
TYPES = {
    "BadEmailAddress": (Kind.HARD, DEAD),
    "ManuallyDeactivated": (Kind.HARD, DEAD),
    "SpamComplaint": (Kind.COMPLAINT, SPAM),
    "Unsubscribe": (Kind.UNCLEAR, "the person asked by mail to leave"),
    "Subscribe": (Kind.UNCLEAR, "the person asked by mail to come back"),
    "AutoResponder": (Kind.AUTO_REPLY, None),
    "ChallengeVerification": (Kind.AUTO_REPLY, None),
    "AddressChange": (Kind.AUTO_REPLY, None),
    "Transient": (Kind.DELAYED, AGAIN),
    "Unknown": (Kind.UNCLEAR, None),
    "VirusNotification": (Kind.UNCLEAR, "a filter took the mail for a virus"),
    "OpenRelayTest": (Kind.UNCLEAR, None),
}
#: Those that say of the address that it is dead, where the server's code says nothing; all others say that it may live.
DEAD_TYPES = {"HardBounce"}


class Postmark:
    """Reads what comes with a secret, as the password of HTTP basic authentication."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Told:
        """One notice, or none for an event that says nothing about arriving."""
        if not hmac.compare_digest(_password(headers.get("authorization", "")), self._secret):
            raise NoticeForged("The secret is not the one that was agreed on.")
        told = document(body)
        if not isinstance(told, dict):
            raise NoticeGarbled("The request is no event.")
        report = _report(told)
        if report is None:
            return Told()
        message = text(told.get("MessageID"), 100)
        number = text(told.get("ID"), 40) or (f"{message} {report.kind}" if message else None)
        if number is None:
            raise NoticeGarbled("The event has no number.")
        return Told((Notice(number, bare(of(told, "Metadata", METADATA)), None, report),))


def _password(authorization: str) -> bytes:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except (ValueError, binascii.Error):
        return b""


def _report(told: dict[str, Any]) -> Report | None:
    recipient = text(told.get("Email") or told.get("Recipient"), 320)
    words = text(told.get("Details")) or text(told.get("Description"))
    match told.get("RecordType"):
        case "Bounce":
            named = text(told.get("Type"), 60) or ""
            if named in TYPES:
                kind, why = TYPES[named]
                return Report(kind, why, None, words, recipient, by=BY)
            # Of the mailbox or the way to it, or refused for what was sent: its words say which.
            return given_up(None, words, BY, dead=named in DEAD_TYPES, recipient=recipient)
        case "SpamComplaint":
            return Report(Kind.COMPLAINT, SPAM, recipient=recipient, by=BY)
        case "Delivery":
            return Report(Kind.DELIVERED, None, None, words, recipient, by=BY)
    return None
