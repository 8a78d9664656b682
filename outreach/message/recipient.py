"""Who gets the message, and what differs in it from everybody else's?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: The fields that every subscriber has; any further column of a list is a field too.
FIELDS = ("email", "name", "language", "timezone")

_NOT_A_WORD = re.compile(r"[^\w]+")
#: Control characters, and what else ends a line somewhere.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: Half characters, and code points that are none: no decoder of UTF-8, or no parser of HTML, lets them pass.
_NO_CHARACTER = re.compile(r"[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person, as templates know them; every value is text, and an empty one is missing."""

    email: str
    name: str = ""
    #: BCP 47, such as ``pt-BR``.
    language: str = ""
    #: An IANA zone.
    timezone: str = ""
    #: Every further column of the list, by its `field_name`.
    attributes: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """What stands in a field; empty where this person has no such field."""
        if name in FIELDS:
            found: str = getattr(self, name)
            return found
        return self.attributes.get(name, "")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What differs from delivery to delivery beside the person's own values. Every URL is absolute and ASCII."""

    #: Without the angle brackets.
    message_id: str
    #: Makes the URL of the tracked link with that number; not called when links are plain.
    click: Callable[[int], str]
    unsubscribe: str
    preferences: str
    view: str
    feedback_id: str | None = None
    #: Header fields that repeat the Message-ID ("{}" in them), for providers that send under one of their own.
    handles: tuple[str, ...] = ()
    #: Makes the URL by which the person confirms that they want a list's mail; called only for mail that asks them.
    confirm: Callable[[], str] = str
    #: The address that takes a mail to leave; "" where there is none.
    unsubscribe_by_mail: str = ""


def field_name(header: str) -> str:
    """The name by which templates know a column: ``Preferred clinic`` is ``preferred_clinic``."""
    return _NOT_A_WORD.sub("_", header.strip().lower()).strip("_")


def one_line(text: str) -> str:
    """A value as it may stand anywhere in a message: control characters and line breaks become spaces."""
    if text.isprintable():  # which is false for everything that is looked for below, and fast
        return text
    return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", _CONTROL.sub(" ", text))
