"""Did somebody call our mail spam? Feedback reports (RFC 5965), and the older form of Microsoft's.

Not every feedback report is a complaint. One of `not-spam` (RFC 6430) tells that a person had the mail in hand and took
it out of the spam folder: it was delivered. One of `auth-failure` (RFC 6591) is about our signatures and DNS and not
about a person: it stays for somebody to look at. So does a type that nobody has heard of: to take it for a complaint
would cost a reader who never complained.
"""

from __future__ import annotations

import re

from outreach.replies import mime
from outreach.replies.kind import Kind, Report
from outreach.replies.mime import Header, Part

_COMPLAINTS = {
    "abuse": "reported as spam",
    "fraud": "reported as fraud",
    "virus": "reported as a virus",
    "other": "reported for another reason",
    "opt-out": "reported as no longer wanted",
    "opt-out-list": "reported as no longer wanted",
}
#: A word of the type, and what else that says.
_OTHERS = {
    "not-spam": (Kind.DELIVERED, "taken out of the spam folder"),
    "auth-failure": (Kind.UNCLEAR, "a check of our signatures or of the DNS failed at a receiver"),
}

_MICROSOFT = re.compile(r"complaint about message from\b", re.IGNORECASE)
#: Where Microsoft notes whose complaint it is, in the header of the mail itself.
_MICROSOFT_RECIPIENT = "x-hmxmroriginalrecipient"


def read(mail: Part) -> Report | None:
    """What a feedback report says; None where it is none."""
    part = mail.first("message/feedback-report")
    if part is not None:
        return _feedback(next(iter(mime.groups(part.body)), Header([])), mail)
    return _microsoft(mail)


def _feedback(fields: Header, mail: Part) -> Report:
    kind_of_feedback = fields.get("feedback-type").partition(";")[0].strip().lower()
    if kind_of_feedback in _COMPLAINTS:
        kind, reason = Kind.COMPLAINT, _COMPLAINTS[kind_of_feedback]
    else:
        kind, reason = _OTHERS.get(kind_of_feedback, (Kind.UNCLEAR, "feedback of a kind that is not known"))
    named = _bare(fields.get("original-rcpt-to")) or _recipient(mail)
    return Report(kind, reason, recipient=named, reporter=_reporter(fields, mail), by="arf")


def _microsoft(mail: Part) -> Report | None:
    """A plain mail that encloses the one complained about; its subject says so."""
    enclosed = mail.first(*mime.ENCLOSED)
    if enclosed is None or not _MICROSOFT.match(mail.header.words("subject")):
        return None
    recipient = _bare(mime.header_of(enclosed).get(_MICROSOFT_RECIPIENT)) or _recipient(mail)
    return Report(Kind.COMPLAINT, _COMPLAINTS["abuse"], recipient=recipient, reporter=_reporter(None, mail), by="jmrp")


def _recipient(mail: Part) -> str | None:
    """Whom the enclosed mail was to."""
    return mime.header_of(mail.first(*mime.ENCLOSED)).address("to") or None


def _reporter(fields: Header | None, mail: Part) -> str | None:
    named = fields.get("reporting-mta").rpartition(";")[2].strip() if fields else ""
    return mime.one_line(named or mail.header.address("from").rpartition("@")[2], 255) or None


def _bare(value: str) -> str | None:
    bare = mime.one_line(value.partition(";")[2] if value.lower().startswith("rfc822;") else value, 320)
    return bare.strip("<> ") or None
