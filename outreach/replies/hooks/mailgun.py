"""What does Mailgun tell? One event a request, signed by HMAC-SHA256 over a time and a random token."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from outreach.errors import NoticeForged, NoticeGarbled
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

BY = "mailgun"

#: Tokens that are remembered, by each process.
REMEMBERED = 100_000
#: What Mailgun did not even try, since its own lists forbid it.
HELD_BACK = {
    "suppress-bounce": (Kind.HARD, DEAD),
    "suppress-complaint": (Kind.COMPLAINT, "the provider holds that the person called mail spam"),
    "suppress-unsubscribe": (Kind.SOFT, LEFT),
}


class Mailgun:
    """Reads what is signed with the key of an account (HTTP webhook signing key)."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._seen: OrderedDict[str, str] = OrderedDict()

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Told:
        """One notice, or none for an event that says nothing about arriving."""
        told = document(body)
        seconds, token, signature = (text(of(told, "signature", name)) for name in ("timestamp", "token", "signature"))
        if not (seconds and token and signature):
            raise NoticeForged("The request is not signed.")
        expected = hmac.new(self._key, f"{seconds}{token}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise NoticeForged("The signature is not Mailgun's.")
        require_fresh(seconds, now)
        event = of(told, "event-data")
        number, moment = (text(of(event, name), 200) for name in ("id", "timestamp"))
        if number is None:
            raise NoticeGarbled("The event has no id.")
        number = f"{number} {moment or ''}".strip()  # the id alone is unique within a day
        self._require_first(token, number)
        report = _report(event)
        if report is None:
            return Told()
        return Told((Notice(number, bare(of(event, "message", "headers", "message-id")), None, report),))

    def _require_first(self, token: str, event: str) -> None:
        """Refuse a signature that was seen with another event, as it does not cover the event. Raises NoticeForged."""
        if self._seen.setdefault(token, event) != event:
            raise NoticeForged("The signature is that of another event.")
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)


def _report(event: Any) -> Report | None:
    status = text(of(event, "delivery-status", "enhanced-code"), 16)
    words = text(of(event, "delivery-status", "message")) or text(of(event, "delivery-status", "description"))
    facts: dict[str, Any] = {
        "recipient": text(of(event, "recipient"), 320),
        "reporter": text(of(event, "delivery-status", "mx-host"), 255),
    }
    reason = text(of(event, "reason"), 60) or ""
    match text(of(event, "event")):
        case "failed" if of(event, "severity") == "temporary":
            return Report(Kind.DELAYED, AGAIN, status, words, by=BY, **facts)
        case "failed" if reason in HELD_BACK:
            kind, why = HELD_BACK[reason]
            return Report(kind, why, status, words, by=BY, **facts)
        case "failed":
            return given_up(status, _with_code(event, words), BY, **facts)
        case "complained":
            return Report(Kind.COMPLAINT, SPAM, by=BY, **facts)
        case "delivered":
            return Report(Kind.DELIVERED, None, status, words, by=BY, **facts)
    return None


def _with_code(event: Any, words: str | None) -> str | None:
    """The server's words, with its basic code before them where they have lost it."""
    code = of(event, "delivery-status", "code")
    lost = isinstance(code, int) and 200 <= code < 600 and not (words or "").startswith(str(code))
    return f"{code} {words or ''}".strip() if lost else words
