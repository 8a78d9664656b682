"""Where does a report carry what proves the delivery that it is about? Addresses and numbers, none believed yet.

What a report says in words anybody can write. What it carries of ours (the address that it came to, the return path and
the Message-ID of the mail that it is about) holds a token, and that only somebody can know who had that mail in hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import getaddresses

from outreach.replies import mime
from outreach.replies.mime import Header, Part

#: Fields in which servers note whom they deliver a message to, and those of the sender.
_ADDRESSED = (
    *("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to"),
    *("to", "cc"),
)
_RECEIVED_FOR = re.compile(r"\sfor\s+<([^<>\s]{3,320})>")
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
    """What a message carries; never raises, whatever it is.

    What the enclosed mail encloses is not looked at: that may be a mail of ours which a reader has passed on.
    """
    try:
        mail = mime.opened(message)
        enclosed = [mime.header_of(part) for part in mail.walk() if part.type in mime.ENCLOSED]
        return Carried(
            _each(_recipients(mail.header)),
            _each([*_told(mail), *(value for head in enclosed for value in head.all("return-path"))]),
            _each(value for head in enclosed for value in head.all("message-id")),
        )
    except Exception:  # it is strangers' mail; what nobody can read carries nothing
        return Carried()


def _recipients(head: Header) -> list[str]:
    fields = [value for name in _ADDRESSED for value in head.all(name)]
    noted = [found for value in head.all("received") for found in _RECEIVED_FOR.findall(value)]
    return [address for _, address in getaddresses(fields)] + noted


def _told(mail: Part) -> list[str]:
    """The return path that a complaint names (RFC 5965, 3.2)."""
    part = mail.first("message/feedback-report")
    return [value for head in mime.groups(part.body) for value in head.all("original-mail-from")] if part else []


def _each(found: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order, without angle brackets; not more than a report has."""
    bare = (value.strip().strip("<>").strip() for value in found)
    return tuple(dict.fromkeys(value for value in bare if value))[:_MOST]
