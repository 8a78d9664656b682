"""What do reports say that keep to no standard: qmail's, old Exim's, Postfix', Exchange's, Domino's, Yahoo's?

A code or plain words decide, by the same table as at send time. flufl.bounce knows the many forms and tells that it is
a failure at all, and whose; that alone is no proof of a dead address, as it calls a full mailbox a permanent failure.
"""

from __future__ import annotations

import logging
import re
from email.message import Message

from flufl.bounce import all_failures

from outreach.replies import mime, said, verdict
from outreach.replies.kind import Kind, Report
from outreach.replies.mime import Part
from outreach.replies.said import Said

# It notes every step, and of what breaks it a traceback that would quote the mail.
logging.getLogger("flufl.bounce").disabled = True

#: What of a message flufl.bounce is given: some of its patterns take quadratic time in a line.
_LONGEST_LINE = 500
_MOST_LINES = 400
_MOST_PARTS = 5
_LONGEST_VALUE = 500

#: Fields that its readers look at.
_TELLING = ("from", "x-mailer", "x-failed-recipients", "subject")

_DAEMON = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|postmaster|mdaemon|mail-?delivery(?:-?(?:sub)?system)?|mailsystem|mail-system"
    r"|microsoftexchange[0-9a-f]+|bounces?|system-administrator)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"mail(?:er)?[ -]?(?:delivery )?(?:daemon|(?:sub)?system)|system administrator|postmaster", re.IGNORECASE
)
_FAILURE = re.compile(
    r"(?:undeliver(?:ed|able)|returned mail|mail (?:delivery|system)|failure notice|failed (?:mail|delivery)"
    r"|delivery (?:status notification|failure|report|has failed|notification|delayed)"
    r"|message (?:undeliverable|delivery|could not|status)|warning: (?:could not send|message)"
    r"|could not (?:deliver|send)|non[- ]?delivery|nondeliverable|mail could not"
    r"|unzustellbar|nicht zustellbar|non remis|(?:é|e)chec (?:de|d')|no se puede entregar|mancato recapito"
    r"|n(?:ã|a)o entregue|недоставлен|не доставлен)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@:;,()'\"\[\]]{1,100}@[\w.-]{1,255}\w")
_STILL_TRYING = re.compile(
    r"not yet been delivered|will be retried|will (?:continue|keep) (?:to )?(?:be )?(?:try|retry)"
    r"|still (?:being )?(?:trying|retr)|warning message only|just a warning|do not need to re-?send"
    r"|no action is required on your part|delivery attempts will continue"
    r"|delivery (?:incomplete|(?:is|has been) delayed)"
    r"|delayed (?:for )?\d+ (?:hour|minute)|could not send message for past",
    re.IGNORECASE,
)


def read(mail: Part) -> Report | None:
    """What such a report says; None where it is none, or nobody knows what it says."""
    if not looks_like_one(mail):
        return None
    text = said.above_the_quote(mail.letter)
    heard = said.in_prose(text)
    delayed, failed = _known(mail)
    recipient = _recipient(mail, heard, failed or delayed)
    reporter = mail.header.address("from").rpartition("@")[2] or None
    status, words = (heard.status, heard.words) if heard else (None, None)
    if "x-failed-recipients" not in mail.header and (_STILL_TRYING.search(text) or (delayed and not failed)):
        return Report(Kind.DELAYED, verdict.of_delay(status).reason, status, words, recipient, reporter, "words")
    if heard is not None:
        judged = verdict.of_report(status, heard.words, code=heard.code)
        kind = Kind.HARD if judged.is_dead_address else Kind.SOFT
        return Report(kind, judged.reason, status, words, recipient, reporter, "words")
    if failed:
        words = said.about(text, recipient) if recipient else None
        return Report(Kind.SOFT, verdict.of_report(None).reason, None, words, recipient, reporter, "flufl")
    return None


def _recipient(mail: Part, heard: Said | None, known: set[str]) -> str | None:
    """Whom it names: where flufl.bounce finds somebody, they; else Exim's field, else an address beside the answer."""
    named = mail.header.get("x-failed-recipients").partition(",")[0]
    beside = _ADDRESS.search(heard.words) if heard else None
    return min(known, default=None) or mime.one_line(named, 320) or (beside[0] if beside else None)


def looks_like_one(mail: Part) -> bool:
    """Whether a mail server wrote it, or somebody who says so: persons and their robots write about bounces as well."""
    header = mail.header
    if mail.parts and mail.report_type == "delivery-status":  # and yet no part that a reader of these could read
        return True
    if "x-failed-recipients" in header or _DAEMON.match(header.address("from").partition("@")[0]):
        return True
    return bool(_NAMED.search(header.words("from")) or _FAILURE.match(header.words("subject")))


def _known(mail: Part) -> tuple[set[str], set[str]]:
    """The addresses that flufl.bounce finds delayed, and those that failed; none where it stumbles."""
    try:
        delayed, failed = all_failures(_plain(mail))
    except Exception:  # it raises whatever Python does where a message is not as a reader of its expects
        return set(), set()
    return _addresses(delayed), _addresses(failed)


def _addresses(found: frozenset[bytes]) -> set[str]:
    return {mime.one_line(each.decode("ascii", "replace"), 320) for each in found if b"@" in each}


def _plain(mail: Part) -> Message:
    """A report as flufl.bounce may see it: a few fields and its text, without the mail that it encloses."""
    texts = [part for part in mail.walk() if part.type.startswith("text/") and part.type not in mime.ENCLOSED]
    plain = Message()
    for name in _TELLING:
        if value := mail.header.get(name):
            plain[name] = mime.one_line(value, _LONGEST_VALUE)
    if not mail.parts:
        plain["Content-Type"] = "text/plain"
        plain.set_payload(_ascii(mail.text))
        return plain
    plain["Content-Type"] = "multipart/mixed"
    for part in texts[:_MOST_PARTS]:
        inner = Message()
        inner["Content-Type"] = "text/plain"
        if description := part.header.get("content-description"):
            inner["Content-Description"] = mime.one_line(description, _LONGEST_VALUE)
        inner.set_payload(_ascii(part.text))
        plain.attach(inner)
    last = Message()  # where the mail itself was: some of its readers look only before it
    last["Content-Type"] = "application/octet-stream"
    plain.attach(last)
    return plain


def _ascii(text: str) -> str:
    lines = [line[:_LONGEST_LINE] for line in text.splitlines()[:_MOST_LINES]]
    return "\n".join(lines).encode("ascii", "replace").decode("ascii") + "\n"
