"""Who gets the message, and what differs in it from everybody else's?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: The fields that every subscriber has; any further column of a list is a field too.
FIELDS = ("email", "name", "language", "timezone")

_NOT_A_WORD = re.compile(r"[^\w]+")


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


def field_name(header: str) -> str:
    """The name by which templates know a column: ``Preferred clinic`` is ``preferred_clinic``."""
    return _NOT_A_WORD.sub("_", header.strip().lower()).strip("_")
