"""How does a sender give back what it held, and what becomes of that which nobody gives back?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import bounces, deliveries
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState


@dataclass(frozen=True, slots=True)
class Result:
    """What a sender gives back for one delivery."""

    delivery_id: int
    #: The token that it was claimed with.
    claim: str
    state: DeliveryState
    at: datetime
    reason: str | None = None
    #: The server's words, if there were any.
    code: int | None = None
    enhanced: str | None = None
    reply: str | None = None
    #: When a deferred one may be tried again.
    due_at: datetime | None = None
    #: Whether this was an attempt; a message that never came to be judged was none.
    attempted: bool = True


def settle(session: Session, results: Sequence[Result], now: datetime) -> list[Result]:
    """Write what became of deliveries, with the tallies; those that were still held by their claim.

    A result that leads back into the queue becomes `cancelled` where the campaign was cancelled meanwhile. A bounced
    address is suppressed, and nothing more is sent to it.
    """
    if not results:
        return []
    ended = _cancelled(session, [result.delivery_id for result in results if result.state in deliveries.OPEN])
    held = {row.id: row for row in session.execute(_HELD, {"ids": [result.delivery_id for result in results]})}
    by_row = {result.delivery_id: result for result in results if result.delivery_id in held}
    settled = [result for number, result in sorted(by_row.items()) if held[number].claim == result.claim]
    if not settled:
        return []
    values = [_values(result, held[result.delivery_id].campaign_id in ended) for result in settled]
    for statement, judged in ((_SETTLE, 1), (_HAND_BACK, 0)):
        rows = [value for value in values if value["tried"] == judged]
        if rows:
            session.connection().execute(statement, rows)
    bounces.suppress(
        session,
        {held[r.delivery_id].subscriber_id: r.delivery_id for r in settled if r.state is DeliveryState.BOUNCED},
        now,
    )
    moved: Counter[tuple[int, DeliveryState]] = Counter()
    for value in values:
        campaign_id = held[value["row"]].campaign_id
        moved[campaign_id, DeliveryState.CLAIMED] -= 1
        moved[campaign_id, value["to"]] += 1
    deliveries.shift(session, moved)
    return settled


def abandon(session: Session, tokens: Collection[str], now: datetime) -> int:
    """Queue again what is held under these tokens, of which nothing has begun; how many deliveries that were.

    For claims whose commit was cut off: the sender does not know what, if anything, it got.
    """
    statement = sa.select(_delivery.c.id, _delivery.c.claim).where(_CLAIMED, _delivery.c.claim.in_(tokens))
    rows = session.execute(statement).all()
    back = [Result(row.id, row.claim, DeliveryState.QUEUED, now, attempted=False) for row in rows]
    return len(settle(session, back, now))


def expire(session: Session, now: datetime, tokens: Collection[str] | None = None) -> int:
    """Make `unknown` what is held under a lease that has run out, or under these tokens; how many deliveries.

    Never `queued`: the sender that held them may have begun a body, or may wake up and go on.
    """
    over = _delivery.c.lease_until < now if tokens is None else _delivery.c.claim.in_(tokens)
    rows = session.execute(sa.select(_delivery.c.id, _delivery.c.claim).where(_CLAIMED, over)).all()
    lost = [
        Result(row.id, row.claim, DeliveryState.UNKNOWN, now, "the sender that held it did not come back")
        for row in rows
    ]
    return len(settle(session, lost, now))


def _cancelled(session: Session, delivery_ids: Sequence[int]) -> set[int]:
    """Which of the campaigns of these deliveries were cancelled; they stay as they are until the transaction ends."""
    if not delivery_ids:
        return set()
    campaign = table_of(Campaign)
    concerned = sa.select(_delivery.c.campaign_id).where(_delivery.c.id.in_(delivery_ids)).distinct()
    statement = sa.select(campaign.c.id, campaign.c.state).where(campaign.c.id.in_(concerned)).order_by(campaign.c.id)
    rows = session.execute(statement.with_for_update(read=True))
    return {number for number, state in rows if state is CampaignState.CANCELLED}


def _values(result: Result, cancelled: bool) -> dict[str, Any]:
    ended = cancelled and result.state in deliveries.OPEN
    state = DeliveryState.CANCELLED if ended else result.state
    return {
        "row": result.delivery_id,
        "to": state,
        "why": result.reason and result.reason[:200],
        "tried": int(result.attempted),
        "first": result.at if result.attempted else None,
        "due": result.due_at if state is DeliveryState.DEFERRED else None,
        "accepted": result.at if state is DeliveryState.SENT else None,
        "settled": result.at,
        "said_code": result.code,
        "said_enhanced": result.enhanced,
        "said": result.reply,
    }


_delivery = table_of(Delivery)
_CLAIMED = deliveries.is_in(DeliveryState.CLAIMED)
_HELD = (
    sa.select(_delivery.c.id, _delivery.c.campaign_id, _delivery.c.subscriber_id, _delivery.c.claim)
    .where(_delivery.c.id.in_(sa.bindparam("ids", expanding=True)), _CLAIMED)
    .order_by(_delivery.c.id)
    .with_for_update()
)
_SETTLE = (
    sa.update(_delivery)
    .where(_delivery.c.id == sa.bindparam("row"))
    .values(
        state=sa.bindparam("to"),
        reason=sa.bindparam("why"),
        attempts=_delivery.c.attempts + sa.bindparam("tried"),
        first_at=sa.func.coalesce(_delivery.c.first_at, sa.bindparam("first")),
        due_at=sa.bindparam("due"),
        sent_at=sa.bindparam("accepted"),
        settled_at=sa.bindparam("settled"),
        claim=None,
        lease_until=None,
        code=sa.bindparam("said_code"),
        enhanced=sa.bindparam("said_enhanced"),
        reply=sa.bindparam("said"),
    )
)
#: For what was no attempt: the words of the last one stay.
_HAND_BACK = (
    sa.update(_delivery)
    .where(_delivery.c.id == sa.bindparam("row"))
    .values(
        state=sa.bindparam("to"),
        reason=sa.func.coalesce(sa.bindparam("why", type_=sa.String), _delivery.c.reason),
        due_at=sa.bindparam("due"),
        settled_at=sa.bindparam("settled"),
        claim=None,
        lease_until=None,
    )
)
