"""What is written down when a person leaves lists? The move, the withdrawal on the ledger, the fact, what waits."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from outreach.audience.consent import Mover, SubscriptionState
from outreach.store import consents, deliveries, events, lists, subscriptions
from outreach.store.consents import Act
from outreach.store.events import EventKind


def leave(
    session: Session,
    subscriber_id: int,
    list_id: int | None,
    *,
    source: str,
    now: datetime,
    mover: Mover,
    campaign_id: int | None = None,
    delivery_id: int | None = None,
) -> list[int]:
    """Take a person off a list (None: off every list that they are on); the lists that they left now.

    Who was never on the list, or left it before, leaves nothing and no trace. What was not yet sent to them by running
    campaigns of the list is excluded. The lists are held first, before anything else of the transaction is.
    """
    wanted = [each for each in subscriptions.lists_of(session, subscriber_id) if list_id in {None, each}]
    lists.hold(session, wanted)
    left = [
        each
        for each in wanted
        if subscriptions.move(session, subscriber_id, each, SubscriptionState.UNSUBSCRIBED, mover, now=now)
    ]
    if not left:
        return []
    source_id = consents.source(session, "", source)
    facts = {"campaign_id": campaign_id, "delivery_id": delivery_id, "subscriber_id": subscriber_id}
    for each in left:
        consents.append(session, subscriber_id, each, Act.WITHDRAWN, source_id=source_id, now=now)
        events.append(session, EventKind.UNSUBSCRIBED, now, list_id=each, detail={"source": source}, **facts)
        deliveries.exclude_person(session, subscriber_id, each, "unsubscribed", now)
    return left
