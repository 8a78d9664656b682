"""Who holds a message of ours, and what may they see and change of what we know?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.audience.rhythm import Rhythm
from outreach.store.campaigns import Campaign
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery
from outreach.store.lists import MailingList, Tracking
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription


@dataclass(frozen=True)
class Membership:
    """One list that a reader is on, or has left."""

    list_id: int
    title: str
    state: SubscriptionState
    #: Whether that list counts links per person where the person agreed.
    individual: bool
    paused_until: datetime | None = None
    at_most: Rhythm | None = None

    @property
    def left(self) -> bool:
        """Whether the reader has left that list."""
        return self.state is SubscriptionState.UNSUBSCRIBED


@dataclass(frozen=True)
class Reader:
    """The person who got a delivery."""

    subscriber_id: int
    email: str
    #: The list that the message was sent to; its campaign.
    list_id: int
    list_title: str
    campaign_id: int
    tracking_consent: bool
    #: As far as they are known, else "".
    language: str
    timezone: str
    memberships: tuple[Membership, ...]

    @property
    def current(self) -> list[Membership]:
        """The lists that the reader is on now."""
        return [each for each in self.memberships if not each.left]

    @property
    def left(self) -> bool:
        """Whether the reader is off the list that the message was sent to."""
        return not any(each.list_id == self.list_id and not each.left for each in self.memberships)


def of_delivery(session: Session, delivery_id: int) -> Reader | None:
    """The reader of a delivery; None where there is no such delivery, or its person was erased."""
    columns = (
        _subscriber.c.id.label("subscriber_id"),
        _subscriber.c.email,
        _campaign.c.list_id,
        _list.c.title.label("list_title"),
        _campaign.c.id.label("campaign_id"),
        _subscriber.c.tracking_consent,
        _subscriber.c.language,
        _subscriber.c.timezone,
    )
    joined = (
        _delivery.join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
        .join(_campaign, _campaign.c.id == _delivery.c.campaign_id)
        .join(_list, _list.c.id == _campaign.c.list_id)
    )
    row = session.execute(sa.select(*columns).select_from(joined).where(_delivery.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    return Reader(**row._mapping, memberships=_memberships(session, row.subscriber_id))


def _memberships(session: Session, subscriber_id: int) -> tuple[Membership, ...]:
    columns: tuple[Any, ...] = (
        *(_list.c.id, _list.c.title, _subscription.c.state, _list.c.tracking),
        *(_subscription.c.paused_until, _subscription.c.at_most),
    )
    joined = _subscription.join(_list, _list.c.id == _subscription.c.list_id)
    statement = sa.select(*columns).select_from(joined).where(_subscription.c.subscriber_id == subscriber_id)
    rows = session.execute(statement.order_by(_list.c.title, _list.c.id))
    return tuple(
        Membership(number, title, state, tracking is Tracking.INDIVIDUAL, *choice)
        for number, title, state, tracking, *choice in rows
    )


_delivery = table_of(Delivery)
_campaign = table_of(Campaign)
_list = table_of(MailingList)
_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)
