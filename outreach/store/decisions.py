"""What does a person decide about deliveries that ended badly, and what is known of one of them?"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import deliveries
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState


def queue_again(session: Session, campaign_id: int, state: DeliveryState) -> int:
    """Queue what is in a state once more, as if never tried: its retries and their deadline start anew; how many."""
    fresh = {"reason": None, "first_at": None, "due_at": None, "settled_at": None}
    return _moved(session, campaign_id, state, DeliveryState.QUEUED, fresh)


def take_as_sent(session: Session, campaign_id: int) -> int:
    """Take every unknown delivery as sent, at the time that it became unknown; how many."""
    accepted = {"sent_at": _delivery.c.settled_at, "reason": "taken as sent by a person"}
    return _moved(session, campaign_id, DeliveryState.UNKNOWN, DeliveryState.SENT, accepted)


def of_person(session: Session, campaign_id: int, subscriber_id: int) -> Delivery | None:
    """The delivery of a campaign to a person; None where the person was not in the audience."""
    statement = sa.select(Delivery).where(
        _delivery.c.campaign_id == campaign_id, _delivery.c.subscriber_id == subscriber_id
    )
    return session.execute(statement).scalars().first()


def _moved(session: Session, campaign_id: int, state: DeliveryState, to: DeliveryState, values: dict[str, Any]) -> int:
    # The second condition says nothing new; it lets SQLite see that the partial index covers the question.
    told = sa.text("state IN ('failed', 'bounced', 'unknown', 'excluded')")
    statement = sa.update(_delivery).where(_delivery.c.campaign_id == campaign_id, deliveries.is_in(state), told)
    n: int = session.execute(statement.values(state=to, **values)).rowcount  # type: ignore[attr-defined]
    deliveries.shift(session, {(campaign_id, state): -n, (campaign_id, to): n})
    return n


_delivery = table_of(Delivery)
