"""What follows when an address turns out to be dead, or its mailbox full for too long? Nothing more is sent to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.errors import DatabaseBusy
from outreach.store import deliveries, events, suppressions
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import EventKind
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import SuppressionReason

#: The reason of a delivery that was in doubt until something came back about it.
PROVED = "what came back proves that it was accepted"


class Returned(NamedTuple):
    """A delivery about which something came back."""

    campaign_id: int
    subscriber_id: int
    #: The state that it was found in.
    state: DeliveryState
    #: When it was sent, as far as that is known.
    sent_at: datetime | None


def suppress(
    session: Session,
    bounced: Mapping[int, int],
    held: Collection[int],
    now: datetime,
    *,
    reason: SuppressionReason = SuppressionReason.HARD_BOUNCE,
    note: str = "",
) -> int:
    """Suppress the addresses of people (number -> the delivery that says so), exclude what waits; how many were not.

    `held` are the campaigns in which something does (`deliveries.hold_waiting`). An address that is suppressed already
    keeps its older reason.
    """
    if not bounced:
        return 0
    subscriber = table_of(Subscriber)
    who = sa.select(subscriber.c.id, subscriber.c.email_key).where(subscriber.c.id.in_(bounced))
    fresh = 0
    for number, key in session.execute(who.order_by(subscriber.c.id)).all():
        if suppressions.add(session, key, reason, now=now, note=note):
            detail = {"reason": reason.value}
            events.append(
                session, EventKind.SUPPRESSED, now, subscriber_id=number, delivery_id=bounced[number], detail=detail
            )
            fresh += 1
    deliveries.exclude_people(session, held, list(bounced), "suppressed", now)
    return fresh


def returned(session: Session, delivery_id: int) -> Returned | None:
    """A delivery about which something came back, held until the end; None where there is none with that number.

    Raises DatabaseBusy while a sender holds it: a report may be quicker than the sender's commit.
    """
    at = sa.func.coalesce(_delivery.c.sent_at, _delivery.c.settled_at, type_=Moment)
    columns = (_delivery.c.campaign_id, _delivery.c.subscriber_id, _delivery.c.state, at.label("sent_at"))
    statement = sa.select(*columns).where(_delivery.c.id == delivery_id).with_for_update()
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    if row.state is DeliveryState.CLAIMED:
        raise DatabaseBusy(
            f"Delivery {delivery_id} is in a sender's hands; what came back about it can be told in a moment.",
            hint="Nothing was written; do it again.",
        )
    return Returned(*row)


def move(session: Session, delivery_id: int, found: Returned, *, hard: bool, reason: str | None, now: datetime) -> bool:
    """Bring a delivery to what is known now; whether it moved.

    A hard bounce makes it `bounced`, where it was `sent`. One that was `unknown` was accepted, or nothing could have
    come back: it is `bounced` too, or else `sent`. Whatever never left, or was refused, stays what it is.
    """
    to = DeliveryState.BOUNCED if hard else DeliveryState.SENT
    if found.state is to or found.state not in {DeliveryState.SENT, DeliveryState.UNKNOWN}:
        return False
    values = {"state": to, "reason": (reason if hard else PROVED), "sent_at": found.sent_at}
    if hard:
        values["settled_at"] = now
    session.execute(sa.update(_delivery).where(_delivery.c.id == delivery_id).values(**values))
    deliveries.shift(session, {(found.campaign_id, found.state): -1, (found.campaign_id, to): 1})
    return True


_delivery = table_of(Delivery)
