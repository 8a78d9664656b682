"""Which rows could a claim take next? The queries of the queue, its common lane and those of single providers.

A row stands in the common lane (`lane` is NULL) until a claim meets it while its provider has enough; then it is set
aside into that provider's lane, once, and is found there when the provider's limit lets more go. So a claim looks at a
bounded number of rows, however long a run of one provider's stands at the head of the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store import deliveries, suppressions
from outreach.store.campaigns import Campaign, CampaignKind
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression

#: How many lanes of a campaign one claim looks into; the next one goes on behind them.
MOST_LANES = 32

Row = sa.Row[Any]

#: Rows by the state that they are in.
Found = tuple[tuple[DeliveryState, Sequence[Row]], ...]


def common(session: Session, campaign_id: int, list_id: int, share: int, now: datetime) -> Found:
    """Up to `share` rows of the common lane; retries that are due are half of them at most."""
    due = common_due(session, campaign_id, list_id, -(-share // 2), now)
    queued = common_queued(session, campaign_id, list_id, share - len(due), now) if share > len(due) else ()
    return ((DeliveryState.DEFERRED, due), (DeliveryState.QUEUED, queued))


def common_due(session: Session, campaign_id: int, list_id: int, most: int, now: datetime) -> Sequence[Row]:
    """Retries of the common lane that are due, the longest due first."""
    facts = {"campaign": campaign_id, "list": list_id, "now": now, "most": most}
    return session.execute(DUE, facts).all()


def common_queued(
    session: Session, campaign_id: int, list_id: int, most: int, now: datetime, *, first: int = 0
) -> Sequence[Row]:
    """First attempts of the common lane, in the order of the audience, from the delivery `first` on."""
    facts = {"campaign": campaign_id, "list": list_id, "most": most, "now": now, "first": first}
    return session.execute(QUEUED, facts).all()


def span(session: Session, campaign_id: int) -> tuple[int, int]:
    """The first and the last number in the common lane's queue."""
    ends = [session.execute(end, {"campaign": campaign_id}).scalar() or 0 for end in (FIRST_QUEUED, LAST_QUEUED)]
    return ends[0], ends[1]


def of_lane(session: Session, campaign_id: int, list_id: int, lane: str, *, most: int, now: datetime) -> Found:
    """Rows of a provider's lane: retries that are due are half of them at most."""
    facts = {"campaign": campaign_id, "list": list_id, "lane": lane, "now": now}
    due = session.execute(LANE_DUE, {**facts, "most": -(-most // 2)}).all()
    queued = session.execute(LANE_QUEUED, {**facts, "most": most - len(due)}).all() if most > len(due) else ()
    return ((DeliveryState.DEFERRED, due), (DeliveryState.QUEUED, queued))


def lanes(session: Session, campaign_id: int, after: str = "") -> list[str]:
    """The lanes of a campaign in which something waits, from the one behind `after` on and round, at most MOST_LANES.

    Each costs one step in an index, however many rows it has.
    """
    found: list[str] = []
    for start in (after, "") if after else ("",):
        for steps in (LANES_QUEUED, LANES_DEFERRED):
            facts = {"campaign": campaign_id, "after": start, "most": MOST_LANES}
            found += [lane for lane in session.execute(steps, facts).scalars() if lane is not None]
    behind, before = sorted({lane for lane in found if lane > after}), sorted({lane for lane in found if lane <= after})
    return [*behind, *before][:MOST_LANES]


def set_aside(session: Session, aside: Mapping[str, Sequence[int]]) -> None:
    """Put rows (lane -> their numbers) into their provider's lane."""
    for lane, ids in aside.items():
        session.execute(sa.update(_delivery).where(_delivery.c.id.in_(ids)).values(lane=lane))


def bar(row: Row) -> str | None:
    """Why this person is not mailed any more; a notice goes to everybody who asked for it."""
    if row.email is None:
        return "suppressed" if row.suppressed is not None else "erased"
    if row.kind == CampaignKind.NOTICE:
        return None
    if row.suppressed is not None:
        return "suppressed"
    if row.subscription != SubscriptionState.CONFIRMED:
        return "unconfirmed" if row.subscription == SubscriptionState.UNCONFIRMED else "unsubscribed"
    return "paused" if row.paused else None


def _candidates(order: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
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
            sa.func.coalesce(suppression.c.email_key, suppressions.barred_domain(subscriber.c.email_key)).label(
                "suppressed"
            ),
            sa.type_coerce(subscription.c.state, sa.String).label("subscription"),
            (subscription.c.paused_until > sa.bindparam("now")).label("paused"),
            _KIND,
        )
        .select_from(
            _delivery.outerjoin(subscriber, person)
            .outerjoin(subscription, tie)
            .outerjoin(suppression, suppression.c.email_key == subscriber.c.email_key)
        )
        .where(_delivery.c.campaign_id == sa.bindparam("campaign"), *conditions)
        .order_by(order)
        .limit(sa.bindparam("most"))
        .with_for_update(of=_delivery, skip_locked=True)
    )


#: The kind of the campaign, looked up once a query.
_KIND = (
    sa.select(sa.type_coerce(table_of(Campaign).c.kind, sa.String))
    .where(table_of(Campaign).c.id == sa.bindparam("campaign"))
    .scalar_subquery()
    .label("kind")
)


def _lanes(state: DeliveryState) -> sa.Select[Any]:
    """The different lanes of a state, by stepping from one to the next ("loose index scan")."""
    in_it = (_delivery.c.campaign_id == sa.bindparam("campaign"), deliveries.is_in(state), _IN_A_LANE)
    first = sa.select(sa.func.min(_delivery.c.lane).label("lane")).where(
        *in_it, _delivery.c.lane > sa.bindparam("after", type_=sa.String)
    )
    steps = first.cte("steps", recursive=True)
    following = (
        sa.select(sa.func.min(_delivery.c.lane)).where(*in_it, _delivery.c.lane > steps.c.lane).scalar_subquery()
    )
    steps = steps.union_all(sa.select(following).where(steps.c.lane.is_not(None)))
    return sa.select(steps.c.lane).limit(sa.bindparam("most"))


_delivery = table_of(Delivery)
_COMMON = _delivery.c.lane.is_(None)
_IN_A_LANE = _delivery.c.lane.is_not(None)
_OF_LANE = _delivery.c.lane == sa.bindparam("lane")
_IS_QUEUED = deliveries.is_in(DeliveryState.QUEUED)
_IS_DUE = sa.and_(deliveries.is_in(DeliveryState.DEFERRED), _delivery.c.due_at <= sa.bindparam("now"))
QUEUED = _candidates(_delivery.c.id, _IS_QUEUED, _COMMON, _delivery.c.id >= sa.bindparam("first"))
DUE = _candidates(_delivery.c.due_at, _IS_DUE, _COMMON)
LANE_QUEUED = _candidates(_delivery.c.id, _IS_QUEUED, _IN_A_LANE, _OF_LANE)
LANE_DUE = _candidates(_delivery.c.due_at, _IS_DUE, _IN_A_LANE, _OF_LANE)
LANES_QUEUED = _lanes(DeliveryState.QUEUED)
LANES_DEFERRED = _lanes(DeliveryState.DEFERRED)
_OF_CAMPAIGN = sa.select(_delivery.c.id).where(_delivery.c.campaign_id == sa.bindparam("campaign"))
FIRST_QUEUED, LAST_QUEUED = (
    _OF_CAMPAIGN.where(_IS_QUEUED, _COMMON).order_by(order).limit(1)
    for order in (_delivery.c.id, _delivery.c.id.desc())
)
#: Whether there is anything of its kind.
QUEUED_ANY = _OF_CAMPAIGN.where(_IS_QUEUED, _COMMON)
DUE_ANY = _OF_CAMPAIGN.where(_IS_DUE, _COMMON)
LANE_QUEUED_ANY = _OF_CAMPAIGN.where(_IS_QUEUED, _IN_A_LANE, _OF_LANE)
LANE_DUE_ANY = _OF_CAMPAIGN.where(_IS_DUE, _IN_A_LANE, _OF_LANE)
