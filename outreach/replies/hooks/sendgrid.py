"""What does SendGrid tell? Many events a request, signed by ECDSA over the time and the bytes of the body."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from outreach.errors import NoticeForged, NoticeGarbled, SettingsError
from outreach.replies.hooks.notice import (
    AGAIN,
    DEAD,
    LEFT,
    SPAM,
    Notice,
    Told,
    bare,
    document,
    given_up,
    of,
    require_fresh,
    text,
)
from outreach.replies.kind import Kind, Report

BY = "sendgrid"
#: Some of its events (complaints, late bounces) do not hand our Message-ID back, so each message tells it once more, in
#: a field that SendGrid takes out and whose arguments stand in every event; "{}" is where it stands.
ARGUMENT = "outreach_message"
HANDLE = f'X-SMTPAPI: {{{{"unique_args": {{{{"{ARGUMENT}": "{{}}"}}}}}}}}'
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"

#: What its types of bounces say of the address, where the server's code says nothing. A "blocked" message was refused
#: for what was sent or by whom, not for whom it was sent to.
PERMANENT = {"bounce": True, "blocked": False}
#: Why SendGrid did not even try.
DROPPED = {
    "bounced address": (Kind.HARD, DEAD),
    "invalid": (Kind.HARD, DEAD),
    "spam reporting address": (Kind.COMPLAINT, "the provider holds that the person called mail spam"),
    "unsubscribed address": (Kind.SOFT, LEFT),
}


def read_key(key: str) -> EllipticCurvePublicKey:
    """The verification key, as the settings of the Event Webhook show it; raises SettingsError."""
    try:
        found = load_der_public_key(b64decode(key, validate=True))
    except (ValueError, binascii.Error) as error:
        raise SettingsError("it is no verification key of SendGrid's Event Webhook") from error
    if not isinstance(found, EllipticCurvePublicKey):
        raise SettingsError("it is a key of another kind than SendGrid's")
    return found


class SendGrid:
    """Reads what is signed with the key that belongs to a verification key."""

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        self._key = key

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Told:
        """A notice for each event that says something about arriving."""
        seconds = headers.get(TIMESTAMP, "")
        try:
            signature = b64decode(headers.get(SIGNATURE, ""), validate=True)
            self._key.verify(signature, seconds.encode() + body, ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError, binascii.Error) as error:
            raise NoticeForged("The signature is not SendGrid's.") from error
        require_fresh(seconds, now)
        events = document(body)
        if not isinstance(events, list):
            raise NoticeGarbled("The request is no list of events.")
        return Told(tuple(notice for event in events if (notice := _notice(event)) is not None))


def _notice(event: Any) -> Notice | None:
    number, report = text(of(event, "sg_event_id"), 200), _report(event)
    if number is None or report is None:
        return None
    return Notice(number, bare(of(event, ARGUMENT)) or bare(of(event, "smtp-id")), None, report)


def _report(event: Any) -> Report | None:
    status, recipient = text(of(event, "status"), 16), text(of(event, "email"), 320)
    words = text(of(event, "reason")) or text(of(event, "response"))
    match text(of(event, "event")):
        case "bounce":
            dead = PERMANENT.get(text(of(event, "type"), 60) or "")
            return given_up(status, words, BY, dead=dead, recipient=recipient)
        case "dropped":
            kind, why = DROPPED.get((words or "").lower(), (Kind.SOFT, "the provider did not even try"))
            return Report(kind, why, status, words, recipient, by=BY)
        case "deferred":
            return Report(Kind.DELAYED, AGAIN, status, words, recipient, by=BY)
        case "spamreport":
            return Report(Kind.COMPLAINT, SPAM, recipient=recipient, by=BY)
        case "delivered":
            return Report(Kind.DELIVERED, None, status, words, recipient, by=BY)
    return None
