"""Which deliveries does a sender hold, and for how long?

A claim is a batch of rows under one random token with a lease. Whoever gives a row back (`settlements`) must still hold
it: state `claimed` and the same token. So a sender that lost its lease cannot overwrite what has happened since.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store import deliveries, rows
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression

#: How many rows one claim holds at most.
LARGEST = 256

#: How many campaigns one claim takes from at most; the next claim goes on with the others.
MOST_CAMPAIGNS = 32


class Claimed(NamedTuple):
    """One delivery that a sender holds, with what it needs to know of the person."""

    delivery_id: int
    campaign_id: int
    attempts: int
    first_at: datetime | None
    email: str
    name: str
    language: str
    timezone: str
    attributes: Mapping[str, Any]
    #: The token of the claim.
    claim: str


def claimable(session: Session, now: datetime, *, only: int | None = None) -> bool:
    """Whether a claim would find something; only reads, so that idle senders do not take the writer's lock."""
    return any(
        session.execute(sa.select(query.exists()), {"campaign": campaign_id, "now": now}).scalar()
        for campaign_id, _ in sending(session, only)
        for query in (_QUEUED_ANY, _DUE_ANY)
    )


def claim(
    session: Session,
    *,
    limit: int,
    token: str,
    lease_until: datetime,
    now: datetime,
    only: int | None = None,
    turn: int = 0,
) -> list[Claimed]:
    """Take up to `limit` deliveries of campaigns that are sending, shared fairly between these.

    `turn`, counted up by the caller, says which campaign comes first. People who left or were suppressed since the
    launch are excluded on the way. Deliveries whose retry is due take half of a campaign's share.
    """
    claimed: list[Claimed] = []
    moved: Counter[tuple[int, DeliveryState]] = Counter()
    for left, (campaign_id, list_id) in _in_turn(sending(session, only), turn):
        share = -(-(min(limit, LARGEST) - len(claimed)) // left)
        found = _candidates(session, campaign_id, list_id, share, now) if share > 0 else []
        for state, candidates in found:
            barred = [(row, why) for row in candidates if (why := _bar(row)) is not None]
            _exclude(session, barred, now)
            kept = [row for row in candidates if _bar(row) is None] if barred else candidates
            claimed += [_claimed(row, campaign_id, token) for row in kept]
            _take(session, [row[0] for row in kept], token, lease_until)
            moved[campaign_id, state] -= len(candidates)
            moved[campaign_id, DeliveryState.EXCLUDED] += len(barred)
            moved[campaign_id, DeliveryState.CLAIMED] += len(kept)
    deliveries.shift(session, moved)
    return claimed


def _in_turn(campaigns: list[tuple[int, int]], turn: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """The campaigns from the one whose turn it is, each with how many are left to share what is left."""
    start = turn % len(campaigns) if campaigns else 0
    chosen = (campaigns[start:] + campaigns[:start])[:MOST_CAMPAIGNS]
    yield from zip(range(len(chosen), 0, -1), chosen, strict=True)


def renew(session: Session, held: Mapping[int, str], lease_until: datetime) -> set[int]:
    """Prolong the lease of these deliveries (number -> token); the numbers of those that are still held."""
    statement = sa.update(_delivery).where(
        _delivery.c.id.in_(list(held)),
        _delivery.c.claim.in_(set(held.values())),
        deliveries.is_in(DeliveryState.CLAIMED),
    )
    prolonged = session.execute(statement.values(lease_until=lease_until).returning(_delivery.c.id))
    return set(prolonged.scalars())


def held(session: Session, tokens: Collection[str]) -> list[Claimed]:
    """What is still held under these tokens; of the person only the address, "" where they were erased."""
    subscriber = table_of(Subscriber)
    person = subscriber.c.id == _delivery.c.subscriber_id
    columns = (_delivery.c.id, _delivery.c.campaign_id, _delivery.c.attempts, _delivery.c.first_at, _delivery.c.claim)
    statement = (
        sa.select(*columns, subscriber.c.email)
        .select_from(_delivery.outerjoin(subscriber, person))
        .where(deliveries.is_in(DeliveryState.CLAIMED), _delivery.c.claim.in_(tokens))
        .order_by(_delivery.c.id)
    )
    return [
        Claimed(row.id, row.campaign_id, row.attempts, row.first_at, row.email or "", "", "", "", {}, row.claim)
        for row in session.execute(statement)
    ]


def leases(session: Session) -> dict[str, datetime]:
    """Every claim that holds something, and until when at the longest."""
    statement = sa.select(_delivery.c.claim, sa.func.max(_delivery.c.lease_until, type_=Moment()))
    held_now = statement.where(deliveries.is_in(DeliveryState.CLAIMED)).group_by(_delivery.c.claim)
    return {row[0]: row[1] for row in session.execute(held_now)}


def held_now(session: Session, now: datetime) -> int:
    """How many deliveries senders hold whose lease has not run out."""
    live = sa.and_(deliveries.is_in(DeliveryState.CLAIMED), _delivery.c.lease_until >= now)
    n: int = session.execute(sa.select(sa.func.count()).where(live)).scalar_one()
    return n


def sending(session: Session, only: int | None = None) -> list[tuple[int, int]]:
    """The campaigns that are sending (all, or `only` that one), each with its list."""
    campaign = table_of(Campaign)
    statement = sa.select(campaign.c.id, campaign.c.list_id).where(campaign.c.state == CampaignState.SENDING)
    if only is not None:
        statement = statement.where(campaign.c.id == only)
    return [(number, list_id) for number, list_id in session.execute(statement.order_by(campaign.c.id))]


def _candidates(
    session: Session, campaign_id: int, list_id: int, share: int, now: datetime
) -> list[tuple[DeliveryState, Sequence[sa.Row[Any]]]]:
    facts = {"campaign": campaign_id, "list": list_id, "now": now}
    due = session.execute(_DUE, {**facts, "most": -(-share // 2)}).all()
    queued = session.execute(_QUEUED, {**facts, "most": share - len(due)}).all() if share > len(due) else []
    return [(DeliveryState.DEFERRED, due), (DeliveryState.QUEUED, queued)]


def _bar(row: sa.Row[Any]) -> str | None:
    """Why this person is not mailed any more."""
    if row.suppressed is not None:
        return "suppressed"
    if row.email is None:
        return "erased"
    if row.subscription != SubscriptionState.CONFIRMED:
        return "unconfirmed" if row.subscription == SubscriptionState.UNCONFIRMED else "unsubscribed"
    return None


def _exclude(session: Session, barred: Sequence[tuple[sa.Row[Any], str]], now: datetime) -> None:
    for row, why in barred:
        statement = sa.update(_delivery).where(_delivery.c.id == row.id)
        values = {"state": DeliveryState.EXCLUDED, "reason": why, "due_at": None, "settled_at": now}
        session.execute(statement.values(**values))


def _take(session: Session, ids: Sequence[int], token: str, lease_until: datetime) -> None:
    if ids:
        given = {"rows": rows.packed(session, [[number] for number in ids]), "token": token, "until": lease_until}
        session.execute(_taken(session.get_bind().dialect.name), given)


def _claimed(row: sa.Row[Any], campaign_id: int, token: str) -> Claimed:
    number, attempts, first_at, email, name, language, timezone, attributes, *_ = tuple(row)
    known = json.loads(attributes) if attributes != "{}" else {}
    return Claimed(number, campaign_id, attempts, first_at, email, name, language, timezone, known, token)


def _candidates_where(condition: sa.ColumnElement[bool], order: sa.ColumnElement[Any]) -> sa.Select[Any]:
    subscriber, subscription, suppression = table_of(Subscriber), table_of(Subscription), table_of(Suppression)
    person = subscriber.c.id == _delivery.c.subscriber_id
    tie = sa.and_(
        subscription.c.list_id == sa.bindparam("list"), subscription.c.subscriber_id == _delivery.c.subscriber_id
    )
    return (
        sa.select(
            *(_delivery.c.id, _delivery.c.attempts, _delivery.c.first_at),
            *(subscriber.c.email, subscriber.c.name, subscriber.c.language, subscriber.c.timezone),
            # As text: most people have no attributes, and a column that is converted costs more than one that is read.
            sa.cast(subscriber.c.attributes, sa.Text),
            suppression.c.email_key.label("suppressed"),
            sa.type_coerce(subscription.c.state, sa.String).label("subscription"),
        )
        .select_from(
            _delivery.outerjoin(subscriber, person)
            .outerjoin(subscription, tie)
            .outerjoin(suppression, suppression.c.email_key == subscriber.c.email_key)
        )
        .where(_delivery.c.campaign_id == sa.bindparam("campaign"), condition)
        .order_by(order)
        .limit(sa.bindparam("most"))
        .with_for_update(of=_delivery, skip_locked=True)
    )


@cache
def _taken(backend: str) -> sa.Update:
    given = rows.handed_over(backend, {"id": sa.BigInteger()})
    values: dict[str, Any] = {
        "state": DeliveryState.CLAIMED,
        "claim": sa.bindparam("token"),
        "lease_until": sa.bindparam("until"),
        "due_at": None,
    }
    return sa.update(_delivery).where(_delivery.c.id.in_(sa.select(given.c.id))).values(**values)


_delivery = table_of(Delivery)
_IS_QUEUED = deliveries.is_in(DeliveryState.QUEUED)
_IS_DUE = sa.and_(deliveries.is_in(DeliveryState.DEFERRED), _delivery.c.due_at <= sa.bindparam("now"))
_QUEUED = _candidates_where(_IS_QUEUED, _delivery.c.id)
_DUE = _candidates_where(_IS_DUE, _delivery.c.due_at)
_OF_CAMPAIGN = sa.select(_delivery.c.id).where(_delivery.c.campaign_id == sa.bindparam("campaign"))
_QUEUED_ANY = _OF_CAMPAIGN.where(_IS_QUEUED)
_DUE_ANY = _OF_CAMPAIGN.where(_IS_DUE)
