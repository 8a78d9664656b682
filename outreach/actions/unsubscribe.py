"""Let a person leave: one list or all, by command or from a mail's token; leaving wins and needs no second try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outreach.audience.consent import Mover
from outreach.errors import NotFound
from outreach.store import campaigns, conflict, deliveries, departures, lists, subscribers
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
    with store.reading() as session:
        try:
            delivery = deliveries.by_id(session, delivery_id)
            person_ = subscribers.by_id(session, delivery.subscriber_id)
        except NotFound:
            return None
        group = lists.by_id(session, campaigns.by_id(session, delivery.campaign_id).list_id)
    changed = person(
        store,
        delivery.subscriber_id,
        group.number,
        source=source,
        now=now,
        campaign_id=delivery.campaign_id,
        delivery_id=delivery_id,
    )
    return Leaving(delivery.subscriber_id, person_.email, group.number, group.title, bool(changed))


@conflict.redone
def person(
    store: Store,
    subscriber_id: int,
    list_id: int | None,
    *,
    source: str,
    now: datetime,
    mover: Mover = Mover.PERSON,
    campaign_id: int | None = None,
    delivery_id: int | None = None,
) -> list[int]:
    """Take a person off a list (None: off every list that they are on); the lists that they left now.

    Who was never on the list, or left it before, leaves nothing and no trace. What was not yet sent to them by running
    campaigns of the list is excluded, in the same transaction.
    """
    with store.writing() as session:
        return departures.leave(
            session,
            subscriber_id,
            list_id,
            source=source,
            now=now,
            mover=mover,
            campaign_id=campaign_id,
            delivery_id=delivery_id,
        )
