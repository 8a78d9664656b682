"""What does Amazon SES tell? Bounces, complaints and deliveries, as messages of an SNS topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from outreach.errors import NoticeGarbled
from outreach.replies.hooks.notice import AGAIN, DEAD, LEFT, SPAM, Notice, Told, bare, document, given_up, of, text
from outreach.replies.hooks.sns import Sns
from outreach.replies.kind import Kind, Report

BY = "ses"

#: Subtypes of bounces that SES decides by its own lists.
HELD_BACK = {
    "Suppressed": (Kind.HARD, DEAD),
    "OnAccountSuppressionList": (Kind.HARD, DEAD),
    "UnsubscribedRecipient": (Kind.SOFT, LEFT),
}
#: What its types of bounces say of the address, where the server's code says nothing. ("Undetermined": nothing.)
PERMANENT = {"Permanent": True, "Transient": False}
#: Statuses of subtypes that come without one.
STATUS = {
    "NoEmail": "5.1.1",
    "MailboxFull": "4.2.2",
    "MessageTooLarge": "5.3.4",
    "ContentRejected": "5.6.0",
    "AttachmentRejected": "5.6.0",
}
#: Kinds of feedback that are no complaint, as in mail (`outreach.replies.complaint`).
NO_COMPLAINT = {
    "not-spam": (Kind.DELIVERED, "taken out of the spam folder"),
    "auth-failure": (Kind.UNCLEAR, "a check of our signatures or of the DNS failed at a receiver"),
}


class Ses:
    """Reads the notifications of SES and the events of a configuration set, which say the same."""

    def __init__(self, sns: Sns) -> None:
        self._sns = sns

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Told:
        """A notice for each recipient that an event is about; or the address that confirms the subscription."""
        fields = self._sns.verify(document(body), now=now)
        if fields["Type"] == "SubscriptionConfirmation":
            return Told(confirm=self._sns.confirmation(fields))
        if fields["Type"] != "Notification":
            return Told(ended=True)
        try:
            event = document(fields.get("Message", "").encode())
        except NoticeGarbled:
            return Told()  # a greeting in plain words, as SES sends one when it is set up
        source, number = text(of(event, "mail", "source"), 400), _message_id(event)
        fallback = fields.get("MessageId", "")
        return Told(
            tuple(
                Notice(f"{key or fallback} {place}", number, source, report)
                for place, (key, report) in enumerate(_reports(event))
            )
        )


def _reports(event: Any) -> Iterator[tuple[str | None, Report]]:
    match of(event, "notificationType") or of(event, "eventType"):
        case "Bounce":
            bounce = of(event, "bounce")
            for each in _list(bounce, "bouncedRecipients"):
                yield text(of(bounce, "feedbackId"), 200), _bounce(bounce, each)
        case "Complaint":
            complaint = of(event, "complaint")
            feedback = text(of(complaint, "complaintFeedbackType"), 40) or "abuse"
            kind, why = NO_COMPLAINT.get(feedback, (Kind.COMPLAINT, SPAM))
            for each in _list(complaint, "complainedRecipients"):
                report = Report(kind, why, recipient=text(of(each, "emailAddress"), 320), by=BY)
                yield text(of(complaint, "feedbackId"), 200), report
        case "DeliveryDelay":
            for each in _list(of(event, "deliveryDelay"), "delayedRecipients"):
                words, who = text(of(each, "diagnosticCode")), text(of(each, "emailAddress"), 320)
                yield None, Report(Kind.DELAYED, AGAIN, None, words, who, by=BY)
        case "Delivery":
            words = text(of(event, "delivery", "smtpResponse"))
            for each in _list(of(event, "delivery"), "recipients"):
                yield None, Report(Kind.DELIVERED, None, None, words, text(each, 320), by=BY)


def _bounce(bounce: Any, recipient: Any) -> Report:
    subtype = text(of(bounce, "bounceSubType"), 60) or ""
    status = text(of(recipient, "status"), 16) or STATUS.get(subtype)
    words, who = text(of(recipient, "diagnosticCode")), text(of(recipient, "emailAddress"), 320)
    reporter = text(of(bounce, "reportingMTA"), 255)
    if subtype in HELD_BACK:
        kind, why = HELD_BACK[subtype]
        return Report(kind, why, status, words, who, reporter, BY)
    if subtype == "General" and status is None and words is None and of(bounce, "bounceType") == "Transient":
        # So it tells of answering machines, too: nothing that a server said stands behind it.
        return Report(Kind.AUTO_REPLY, None, None, None, who, reporter, BY)
    dead = PERMANENT.get(text(of(bounce, "bounceType"), 60) or "")
    return given_up(status, words, BY, dead=dead, recipient=who, reporter=reporter)


def _message_id(event: Any) -> str | None:
    """Our own Message-ID, where the headers of the mail are told: SES sends under one of its own."""
    for header in _list(of(event, "mail"), "headers"):
        if (text(of(header, "name")) or "").lower() == "message-id":
            return bare(of(header, "value"))
    return None


def _list(mapping: Any, name: str) -> list[Any]:
    found = of(mapping, name)
    return found if isinstance(found, list) else []
