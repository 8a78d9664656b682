"""Where does a report carry what proves the delivery that it is about? Addresses and numbers, none believed yet.

What a report says in words anybody can write. What it carries of ours (the address that it came to, the return path and
the Message-ID of the mail that it is about) holds a token, and that only somebody can know who had that mail in hand.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

#: Fields in which servers note whom they deliver a message to, and those of the sender.
_ADDRESSED = (
    *("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to"),
    *("to", "cc"),
)
_RECEIVED_FOR = re.compile(r"\sfor\s+<([^<>\s]{3,320})>")
#: The parts of a report that hold (the header of) the mail that it is about.
_ORIGINALS = {
    *("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"),
    *("message/global", "message/global-headers"),
}

#: Addresses that are looked at in one message; a report has a handful.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Carried:
    """What may hold a token."""

    #: The addresses that the message came to, as its own header tells.
    recipients: tuple[str, ...] = ()
    #: Return paths of the mail that it is about.
    return_paths: tuple[str, ...] = ()
    #: Message-IDs of that mail, without angle brackets.
    message_ids: tuple[str, ...] = ()


def of(message: bytes) -> Carried:
    """What a message carries; never raises, whatever it is."""
    try:
        parsed = email.message_from_bytes(message, policy=email.policy.compat32)
        originals = [_header_of(part) for part in _parts(parsed) if part.get_content_type() in _ORIGINALS]
        return Carried(
            _first(_recipients(parsed)),
            _first(_return_paths(parsed, originals)),
            _first(_bare(value) for head in originals for value in _values(head, "message-id")),
        )
    except Exception:  # a parser that stumbles over what no standard knows; then it carries nothing
        return Carried()


def _recipients(parsed: Message) -> Iterator[str]:
    fields = [value for name in _ADDRESSED for value in _values(parsed, name)]
    yield from (address for _, address in getaddresses(fields) if address)
    for value in _values(parsed, "received"):
        yield from _RECEIVED_FOR.findall(value)


def _return_paths(parsed: Message, originals: list[Message]) -> Iterator[str]:
    """Of a complaint (RFC 5965, 3.2: Original-Mail-From), and of the copy of the mail where it has one."""
    for part in _parts(parsed):
        if part.get_content_type() == "message/feedback-report":
            yield from (_bare(value) for value in _values(_header_of(part), "original-mail-from"))
    yield from (_bare(value) for head in originals for value in _values(head, "return-path"))


def _parts(part: Message) -> Iterator[Message]:
    """The parts of a report, but not those of a mail within it: that may be one that somebody passed on."""
    yield part
    inner = part.get_payload()
    if part.get_content_maintype() == "multipart" and isinstance(inner, list):
        for each in inner:
            if isinstance(each, Message):
                yield from _parts(each)


def _header_of(part: Message) -> Message:
    """The header that a part holds: of the mail in it, or its own text read as one."""
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return inner[0]
    text = part.get_payload(decode=True)
    return email.message_from_bytes(text.lstrip() if isinstance(text, bytes) else b"", policy=email.policy.compat32)


def _values(head: Message, name: str) -> list[str]:
    return [str(value) for value in head.get_all(name, [])]


def _bare(value: str) -> str:
    return value.strip().strip("<>").strip()


def _first(found: Iterator[str]) -> tuple[str, ...]:
    """Each once, in order; not more than a report has."""
    return tuple(dict.fromkeys(each for each, _ in zip(found, range(_MOST), strict=False) if each))
