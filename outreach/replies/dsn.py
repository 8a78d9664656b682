"""What does a delivery status notification say (RFC 3464, and RFC 6533 with addresses in UTF-8)?

One of our messages has one recipient, but the mailbox that it went to may pass it on to several. Of several fates the
mildest counts: an address whose mail reaches somebody, or is still on its way, is not dead.
"""

from __future__ import annotations

import re

from outreach.replies import mime, said, verdict
from outreach.replies.kind import Kind, Report
from outreach.replies.mime import Header, Part
from outreach.replies.said import Said

_TYPES = ("message/delivery-status", "message/global-delivery-status")

_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_COMMENT = re.compile(r"\([^()]*\)")
_BY = "dsn"

#: From the mildest on.
_MILDEST = (Kind.DELIVERED, Kind.DELAYED, Kind.SOFT, Kind.HARD)

#: What became of the message (RFC 3464, 2.3.3, and what some servers write instead), by how the word begins.
_ARRIVED = {
    "delivered": "it arrived",
    "relayed": "passed on to a server that tells no more",
    "expanded": "passed on to several addresses",
}
_FAILED = ("fail", "error", "undeliver")
_DELAYED = ("delay", "warn")


def read(mail: Part) -> Report | None:
    """What a notification says; None where there is none that can be read."""
    part = mail.first(*_TYPES)
    if part is None:
        return None
    blocks = mime.groups(part.body)
    about = [block for block in blocks if "final-recipient" in block or "action" in block or "status" in block]
    whole = next((block for block in blocks if block not in about), Header([]))
    found = [report for block in about if (report := _of_recipient(block, whole, mail))]
    return min(found, key=lambda report: _MILDEST.index(report.kind), default=None)


def _of_recipient(block: Header, whole: Header, mail: Part) -> Report | None:
    heard = _heard(block)
    kind, status, reason = _judged(block, heard, mail)
    if kind is None:
        return None
    reporter = _server(block.get("remote-mta")) or _server(whole.get("reporting-mta"))
    return Report(kind, reason, status, heard.words or None, _recipient(block), reporter, _BY)


def _judged(block: Header, heard: Said, mail: Part) -> tuple[Kind | None, str | None, str | None]:
    """Kind, status and reason of one recipient's fate."""
    action = _COMMENT.sub("", block.get("action")).strip().lower()
    found = _STATUS.match(block.get("status"))
    told = found[1] if found else None
    status = _status(told, heard)
    if not action and status:  # the field is missing: the class of the code says as much
        action = {"2": "delivered", "4": "delayed", "5": "failed"}[status[0]]
    for word, reason in _ARRIVED.items():
        if action.startswith(word):
            return Kind.DELIVERED, told, reason
    if action.startswith(_DELAYED):
        return Kind.DELAYED, status, verdict.of_delay(status).reason
    if not action.startswith(_FAILED):
        return None, None, None
    if verdict.is_silent(status) and not heard.words:
        heard = said.in_prose(mail.letter) or heard
        status = _status(told, heard)
    judged = verdict.of_report(status, heard.words, code=heard.code)
    return Kind.HARD if judged.is_dead_address else Kind.SOFT, status, judged.reason


def _status(told: str | None, heard: Said) -> str | None:
    """The code that counts: a 4.x.x that the reporter gave up with, else the server's own word, else the reporter's."""
    if told is not None and told.startswith("4."):
        return told
    if heard.status is not None and not (verdict.is_silent(heard.status) and not verdict.is_silent(told)):
        return heard.status
    return told


def _heard(block: Header) -> Said:
    """What the server answered: `Diagnostic-Code: smtp; 550 5.1.1 ...` (RFC 3464, 2.3.6)."""
    return said.of(_typed(block.get("diagnostic-code")))


def _recipient(block: Header) -> str | None:
    """The address that a block of fields is about, as it was first, else as it was last."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        kind, _, value = block.get(name).partition(";")
        address = (value if value else kind).strip().strip("<>").strip()
        if kind.strip().lower() == "utf-8":  # RFC 6533, 3
            address = _UNITEXT.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), address)
        if "@" in address:
            return mime.one_line(address, 320)
    return None


def _typed(value: str) -> str:
    """What stands behind the type of a field: `dns; mx.example.com`."""
    kind, semicolon, rest = value.partition(";")
    return mime.one_line(rest if semicolon and " " not in kind.strip() else value, 500).strip()


def _server(value: str) -> str | None:
    """The name in a field such as `dns; mx.example.com. (192.0.2.25, the server for the domain)`."""
    name = _typed(value).partition(" ")[0].rstrip(".")
    return name[:255] or None
