"""What does a person decide about deliveries that ended badly, and what is known of one of them?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import deliveries, events
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import EventKind

#: The reason of a delivery that no server said was accepted.
TAKEN_AS_SENT = "taken as sent by a person"


def queue_again(session: Session, campaign_id: int, state: DeliveryState, now: datetime) -> int:
    """Queue what is in a state once more, as if never tried: its retries and their deadline start anew; how many."""
    fresh = {"reason": None, "first_at": None, "due_at": None, "settled_at": None}
    decision = _Decision(
        EventKind.RESOLVED if state is DeliveryState.UNKNOWN else EventKind.RETRIED, state, DeliveryState.QUEUED
    )
    return _moved(session, campaign_id, decision, fresh, now)


def take_as_sent(session: Session, campaign_id: int, now: datetime) -> int:
    """Take every unknown delivery as sent, at the time that it became unknown; how many."""
    accepted = {"sent_at": _delivery.c.settled_at, "reason": TAKEN_AS_SENT}
    decision = _Decision(EventKind.RESOLVED, DeliveryState.UNKNOWN, DeliveryState.SENT)
    return _moved(session, campaign_id, decision, accepted, now)


def of_person(session: Session, campaign_id: int, subscriber_id: int) -> Delivery | None:
    """The delivery of a campaign to a person; None where the person was not in the audience."""
    statement = sa.select(Delivery).where(
        _delivery.c.campaign_id == campaign_id, _delivery.c.subscriber_id == subscriber_id
    )
    return session.execute(statement).scalars().first()


@dataclass(frozen=True)
class _Decision:
    kind: EventKind
    state: DeliveryState
    to: DeliveryState


def _moved(session: Session, campaign_id: int, decided: _Decision, values: dict[str, Any], now: datetime) -> int:
    # The second condition says nothing new; it lets SQLite see that the partial index covers the question.
    told = sa.text("state IN ('failed', 'bounced', 'unknown', 'excluded')")
    mine = sa.and_(_delivery.c.campaign_id == campaign_id, deliveries.is_in(decided.state), told)
    statement = sa.update(_delivery).where(mine).values(state=decided.to, **values)
    rows = session.execute(statement.returning(_delivery.c.id, _delivery.c.subscriber_id)).all()
    facts = {"at": now, "kind": decided.kind, "campaign_id": campaign_id, "list_id": None}
    facts["detail"] = {"from": decided.state.value, "to": decided.to.value}
    events.append_all(session, [{**facts, "delivery_id": row.id, "subscriber_id": row.subscriber_id} for row in rows])
    deliveries.shift(session, {(campaign_id, decided.state): -len(rows), (campaign_id, decided.to): len(rows)})
    return len(rows)


_delivery = table_of(Delivery)
