"""How does a sender give back what it held, and what becomes of that which nobody gives back?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.replies.smtp import Stage
from outreach.store import attempts, bounces, deliveries, rows
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState


class Result(NamedTuple):
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
    #: The step that was answered, and by which relay.
    stage: Stage | None = None
    relay: str | None = None
    #: Of the message, where it has left; b"" where it has not, or that is not known.
    digest: bytes = b""


def settle(session: Session, results: Sequence[Result], now: datetime) -> list[Result]:
    """Write what became of deliveries, with the tallies and the attempts; those that were still held by their claim.

    A result that leads back into the queue becomes `cancelled` where the campaign was cancelled meanwhile. A bounced
    address is suppressed, and nothing more is sent to it.
    """
    if not results:
        return []
    ended = _cancelled(session, [result.delivery_id for result in results if result.state in deliveries.OPEN])
    backend = session.get_bind().dialect.name
    waited = _hold_of_bounced(session, [result.delivery_id for result in results if _is_bounce(result)])
    sought = {"rows": rows.packed(session, [[result.delivery_id] for result in results])}
    held = {row.id: row for row in session.execute(_held(backend), sought)}
    # Under its claim before by its number: a late result of a claim that was lost must not push out the one that holds.
    ours = [each for each in results if each.delivery_id in held and held[each.delivery_id].claim == each.claim]
    settled = [result for _, result in sorted({result.delivery_id: result for result in ours}.items())]
    if not settled:
        return []
    values = [_values(result, held[result.delivery_id].campaign_id in ended) for result in settled]
    for statement, attempted in ((_settle, True), (_hand_back, False)):
        given = [value for value, result in zip(values, settled, strict=True) if result.attempted is attempted]
        if given:
            session.execute(statement(backend), {"rows": rows.packed(session, given)})
    ill = [result for result in settled if result.state not in {DeliveryState.SENT, DeliveryState.QUEUED}]
    attempts.add_all(session, [_attempt(result, held[result.delivery_id].campaign_id) for result in ill])
    bounces.suppress(
        session,
        {held[r.delivery_id].subscriber_id: r.delivery_id for r in settled if _is_bounce(r)},
        waited,
        now,
    )
    moved: Counter[tuple[int, DeliveryState]] = Counter()
    for number, state, *_ in values:
        campaign_id = held[number].campaign_id
        moved[campaign_id, DeliveryState.CLAIMED] -= 1
        moved[campaign_id, state] += 1
    deliveries.shift(session, moved)
    return settled


def abandon(session: Session, tokens: Collection[str], now: datetime) -> int:
    """Queue again what is held under these tokens, of which nothing has begun; how many deliveries that were.

    For claims whose commit was cut off: the sender does not know what, if anything, it got.
    """
    statement = sa.select(_delivery.c.id, _delivery.c.claim).where(_CLAIMED, _delivery.c.claim.in_(tokens))
    found = session.execute(statement).all()
    back = [Result(row.id, row.claim, DeliveryState.QUEUED, now, attempted=False) for row in found]
    return len(settle(session, back, now))


def expire(session: Session, now: datetime, tokens: Collection[str] | None = None) -> int:
    """Make `unknown` what is held under a lease that has run out, or under these tokens; how many deliveries.

    Never `queued`: the sender that held them may have begun a body, or may wake up and go on. What is being settled,
    prolonged or expired at this moment by others is passed over.
    """
    over = _delivery.c.lease_until < now if tokens is None else _delivery.c.claim.in_(tokens)
    statement = sa.select(_delivery.c.id, _delivery.c.claim).where(_CLAIMED, over)
    found = session.execute(statement.order_by(deliveries.SORTED).with_for_update(skip_locked=True)).all()
    lost = [
        Result(row.id, row.claim, DeliveryState.UNKNOWN, now, "the sender that held it did not come back")
        for row in found
    ]
    return len(settle(session, lost, now))


def _cancelled(session: Session, delivery_ids: Sequence[int]) -> set[int]:
    """Which of the campaigns of these deliveries were cancelled; they stay as they are until the transaction ends."""
    if not delivery_ids:
        return set()
    campaign = table_of(Campaign)
    concerned = sa.select(_delivery.c.campaign_id).where(_delivery.c.id.in_(delivery_ids)).distinct()
    statement = sa.select(campaign.c.id, campaign.c.state).where(campaign.c.id.in_(concerned)).order_by(campaign.c.id)
    found = session.execute(statement.with_for_update(read=True))
    return {number for number, state in found if state is CampaignState.CANCELLED}


def _hold_of_bounced(session: Session, delivery_ids: Sequence[int]) -> list[int]:
    """The campaigns in which something waits for people whose address bounced: held before any delivery is."""
    if not delivery_ids:
        return []
    people = sa.select(_delivery.c.subscriber_id).where(_delivery.c.id.in_(delivery_ids))
    return deliveries.hold_waiting(session, list(session.execute(people).scalars()))


def _attempt(result: Result, campaign_id: int) -> dict[str, Any]:
    facts = {name: getattr(result, name) for name in attempts.FACTS if name != "reason"}
    reason = result.reason and result.reason[:200]
    return {"delivery_id": result.delivery_id, "campaign_id": campaign_id, "reason": reason, **facts}


def _is_bounce(result: Result) -> bool:
    return result.state is DeliveryState.BOUNCED


def _values(result: Result, cancelled: bool) -> tuple[Any, ...]:
    """The result as a row of `_COLUMNS`."""
    ended = cancelled and result.state in deliveries.OPEN
    state = DeliveryState.CANCELLED if ended else result.state
    return (
        result.delivery_id,
        state,
        result.at,
        result.due_at if state is DeliveryState.DEFERRED else None,
        result.reason and result.reason[:200],
        result.code,
        result.enhanced,
        result.reply,
        result.relay,
        result.digest.hex() or None,
    )


_delivery = table_of(Delivery)
_CLAIMED = deliveries.is_in(DeliveryState.CLAIMED)
_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": sa.BigInteger(),
    "state": sa.String(),
    "at": Moment(),
    "due_at": Moment(),
    "reason": sa.String(),
    "code": sa.Integer(),
    "enhanced": sa.String(),
    "reply": sa.Text(),
    "relay": sa.String(),
    "digest": sa.String(),
}


@cache
def _held(backend: str) -> sa.Select[Any]:
    """Which of the rows are claimed, held against others until the transaction ends: always in the same order."""
    sought = rows.handed_over(backend, {"id": sa.BigInteger()})
    return (
        sa.select(_delivery.c.id, _delivery.c.campaign_id, _delivery.c.subscriber_id, _delivery.c.claim)
        .where(_delivery.c.id.in_(sa.select(sought.c.id)), _CLAIMED)
        .order_by(_delivery.c.id)
        .with_for_update()
    )


@cache
def _settle(backend: str) -> sa.Update:
    given = rows.handed_over(backend, _COLUMNS)
    return _given_back(
        given,
        reason=given.c.reason,
        attempts=_delivery.c.attempts + 1,
        first_at=sa.func.coalesce(_delivery.c.first_at, given.c.at),
        sent_at=sa.case((given.c.state == DeliveryState.SENT.value, given.c.at)),
        code=given.c.code,
        enhanced=given.c.enhanced,
        reply=given.c.reply,
        relay=given.c.relay,
        digest=sa.func.coalesce(given.c.digest, _delivery.c.digest),
    )


@cache
def _hand_back(backend: str) -> sa.Update:
    """For what was no attempt: the words of the last one stay."""
    given = rows.handed_over(backend, _COLUMNS)
    return _given_back(given, reason=sa.func.coalesce(given.c.reason, _delivery.c.reason))


def _given_back(given: sa.CTE, **more: Any) -> sa.Update:
    values = {
        "state": given.c.state,
        "due_at": given.c.due_at,
        "settled_at": given.c.at,
        "claim": None,
        "lease_until": None,
    }
    return sa.update(_delivery).where(_delivery.c.id == given.c.id).values(**values, **more)
