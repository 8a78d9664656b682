"""Who gets a campaign? Everybody on the list at its launch, each with a delivery, or a reason why they get none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.audience.rhythm import SPANS, Rhythm
from outreach.store import suppressions
from outreach.store.campaigns import Campaign, CampaignKind, CampaignState
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import OPEN, Delivery, DeliveryState, Tally, is_in, tallies
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression


def audience(session: Session, campaign_id: int, list_id: int, now: datetime) -> dict[DeliveryState, int]:
    """Make one delivery of everybody who is on the list now; how many are in each state.

    Who may not be mailed is `excluded`, with the first reason that holds: suppressed, unsubscribed, unconfirmed,
    paused, capped (they want fewer messages than this). Safe to repeat: an audience that was frozen before stays as it
    is.
    """
    if _is_frozen(session, campaign_id):
        return tallies(session, campaign_id)
    columns = ["campaign_id", "subscriber_id", "state", "reason", "attempts", "settled_at"]
    recent, domains = _recent(session, campaign_id, list_id, now), suppressions.some_domain(session)
    people = _people(campaign_id, list_id, recent, now, domains=domains)
    session.execute(sa.insert(_delivery).inline().from_select(columns, people))
    found = {state: _counted(session, campaign_id, state) for state in (DeliveryState.QUEUED, DeliveryState.EXCLUDED)}
    session.execute(
        sa.insert(_tally),
        [{"campaign_id": campaign_id, "state": state, "n": found.get(state, 0)} for state in DeliveryState],
    )
    return tallies(session, campaign_id)


def had_lately(session: Session, subscriber_id: int, list_id: int, rhythm: Rhythm, now: datetime) -> bool:
    """Whether a person got a message of a list so lately that the next one would be one too many."""
    arrived = _arrived(now - SPANS[rhythm])
    mine = sa.and_(_campaign.c.list_id == list_id, _delivery.c.subscriber_id == subscriber_id, arrived, _IS_NEWSLETTER)
    joined = _delivery.join(_campaign, _campaign.c.id == _delivery.c.campaign_id)
    return session.execute(sa.select(_delivery.c.id).select_from(joined).where(mine).limit(1)).first() is not None


def _people(
    campaign_id: int, list_id: int, recent: Mapping[int, bool], now: datetime, *, domains: bool
) -> sa.Select[Any]:
    """One row for each person of the list, in the order of the numbers, so that every index only grows at its end."""
    suppression, subscriber, subscription = table_of(Suppression), table_of(Subscriber), table_of(Subscription)
    # Suppressed people are few: to look them up by address is cheaper than to fetch everybody's address.
    by_address = sa.select(subscriber.c.id).select_from(
        suppression.join(subscriber, subscriber.c.email_key == suppression.c.email_key)
    )
    by_domain = sa.select(subscriber.c.id).where(suppressions.at_barred_domain(subscriber.c.email_key))
    barred = (by_address.union(by_domain) if domains else by_address).subquery("barred")
    people = subscription.outerjoin(barred, barred.c.id == subscription.c.subscriber_id)
    reasons = [
        (barred.c.id.is_not(None), "suppressed"),
        (subscription.c.state == SubscriptionState.UNSUBSCRIBED, "unsubscribed"),
        (subscription.c.state != SubscriptionState.CONFIRMED, "unconfirmed"),
        (subscription.c.paused_until > sa.literal(now, Moment()), "paused"),
    ]
    if recent:
        capped = _capped(list_id, recent, now)
        people = people.outerjoin(capped, capped.c.id == subscription.c.subscriber_id)
        reasons.append((capped.c.id.is_not(None), "capped"))
    audience = (
        sa.select(subscription.c.subscriber_id, sa.case(*reasons, else_=None).label("reason"))
        .select_from(people)
        .where(subscription.c.list_id == list_id)
        .subquery("audience")
    )
    may = audience.c.reason.is_(None)
    return sa.select(
        sa.literal(campaign_id),
        audience.c.subscriber_id,
        sa.case((may, DeliveryState.QUEUED.value), else_=DeliveryState.EXCLUDED.value),
        audience.c.reason,
        sa.literal(0),
        sa.case((may, None), else_=sa.literal(now, Moment())),
    ).order_by(audience.c.subscriber_id)


def _capped(list_id: int, recent: Mapping[int, bool], now: datetime) -> sa.Subquery:
    """Those of the list who want fewer messages and had one of these campaigns lately, or are about to have one.

    They are few, and so are the campaigns: each pair of them is looked up by its index.
    """
    subscription = table_of(Subscription)
    theirs = sa.and_(
        _delivery.c.campaign_id.in_(list(recent)), _delivery.c.subscriber_id == subscription.c.subscriber_id
    )
    live = [number for number, more_may_come in recent.items() if more_may_come]
    coming = sa.and_(_delivery.c.campaign_id.in_(live), _delivery.c.state.in_(OPEN))
    pairs = sa.select(subscription.c.subscriber_id.label("id")).select_from(subscription.join(_delivery, theirs))
    # One question for each rhythm: SQLite would read the whole list for a question about several.
    return sa.union(
        *(
            pairs.where(
                subscription.c.list_id == list_id,
                subscription.c.at_most == rhythm,
                sa.or_(_arrived(now - span), coming),
            )
            for rhythm, span in SPANS.items()
        )
    ).subquery("capped")


def _recent(session: Session, campaign_id: int, list_id: int, now: datetime) -> dict[int, bool]:
    """The other campaigns of a list of which a message may have arrived lately, each with whether more may come.

    Nothing of a campaign is sent after it last changed its state.
    """
    live = _campaign.c.state.in_([CampaignState.SENDING, CampaignState.PAUSED])
    lately = sa.and_(_campaign.c.launched_at.is_not(None), _campaign.c.updated_at > now - max(SPANS.values()))
    of_list = sa.and_(_campaign.c.list_id == list_id, _campaign.c.id != campaign_id, _IS_NEWSLETTER)
    found = session.execute(sa.select(_campaign.c.id, live.label("live")).where(of_list, sa.or_(live, lately)))
    return {row.id: bool(row.live) for row in found}


def _arrived(since: Any) -> sa.ColumnElement[bool]:
    """A delivery that reached its reader since then, for all that is known."""
    states = [DeliveryState.SENT, DeliveryState.UNKNOWN]
    return sa.and_(_delivery.c.state.in_(states), _delivery.c.settled_at > since)


def _counted(session: Session, campaign_id: int, state: DeliveryState) -> int:
    mine = sa.select(sa.func.count()).where(_delivery.c.campaign_id == campaign_id, is_in(state))
    # The further condition says nothing new; it lets SQLite see that the partial index covers the question.
    told = mine.where(_delivery.c.lane.is_(None) if state is DeliveryState.QUEUED else sa.text(_TOLD))
    n: int = session.execute(told).scalar_one()
    return n


def _is_frozen(session: Session, campaign_id: int) -> bool:
    return (
        session.execute(sa.select(_tally.c.n).where(_tally.c.campaign_id == campaign_id).limit(1)).first() is not None
    )


#: What a partial index covers; spelt out, as the index is.
_TOLD = "state IN ('failed', 'bounced', 'unknown', 'excluded')"
_campaign, _delivery, _tally = table_of(Campaign), table_of(Delivery), table_of(Tally)
#: Notices are no message of a list: they neither use up a rhythm nor follow one.
_IS_NEWSLETTER = _campaign.c.kind == CampaignKind.NEWSLETTER
