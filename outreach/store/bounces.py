"""What follows when an address turns out to be dead? It is suppressed, and nothing more is sent to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import deliveries, events, suppressions
from outreach.store.database import table_of
from outreach.store.events import EventKind
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import SuppressionReason


def suppress(session: Session, bounced: Mapping[int, int], held: Collection[int], now: datetime) -> None:
    """Suppress the addresses of people (number -> the delivery that bounced), and exclude what waits for them.

    `held` are the campaigns in which something does (`deliveries.hold_waiting`). An address that is suppressed already
    keeps its older reason.
    """
    if not bounced:
        return
    subscriber = table_of(Subscriber)
    who = sa.select(subscriber.c.id, subscriber.c.email_key).where(subscriber.c.id.in_(bounced))
    for number, key in session.execute(who.order_by(subscriber.c.id)).all():
        suppressions.add(session, key, SuppressionReason.HARD_BOUNCE, now=now)
        events.append(
            session,
            EventKind.SUPPRESSED,
            now,
            subscriber_id=number,
            delivery_id=bounced[number],
            detail={"reason": SuppressionReason.HARD_BOUNCE.value},
        )
    deliveries.exclude_people(session, held, list(bounced), "suppressed", now)
