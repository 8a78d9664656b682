"""Let a person leave: one list or all, by command or from a mail's token; leaving wins and needs no second try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outreach.store.database import Store


@dataclass(frozen=True)
class Leaving:
    """What a person left (or had left before)."""

    subscriber_id: int
    #: The address as mailed, for the page that confirms it.
    email: str
    list_id: int
    list_title: str
    #: False: the person had left this list already, nothing was written.
    changed: bool


def by_delivery(store: Store, delivery_id: int, *, now: datetime, source: str = "one-click") -> Leaving | None:
    """Take the person of a delivery off the list of its campaign; idempotent.

    None: there is no such delivery, or its person was erased; there is nothing to leave.
    """
    raise NotImplementedError
