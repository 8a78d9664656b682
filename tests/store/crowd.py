"""People, lists and campaigns for tests that need an audience."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store import claims, deliveries, freeze, subscriptions
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.lists import MailingList
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression, SuppressionReason

CONFIRMED = SubscriptionState.CONFIRMED


def made_list(store: Store, now: datetime, people: int, *, name: str = "sample") -> int:
    """A list with that many confirmed people, p1@example.org and so on; its number. People are shared by lists."""
    with store.writing() as session:
        group = MailingList(name=name, title=name.title(), created_at=now)
        session.add(group)
        session.flush()
        assert group.id is not None
        for number in range(1, people + 1):
            if session.get(Subscriber, number) is None:
                email = f"p{number}@example.org"
                session.add(
                    Subscriber(
                        id=number, email=email, email_key=email, name=f"Person {number}", created_at=now, updated_at=now
                    )
                )
        session.flush()
        for number in range(1, people + 1):
            session.add(
                Subscription(list_id=group.id, subscriber_id=number, state=CONFIRMED, created_at=now, changed_at=now)
            )
        return group.id


def made_campaign(store: Store, now: datetime, list_id: int, *, name: str = "spring", **columns: Any) -> int:
    """A campaign that is sending, its audience frozen; its number."""
    with store.writing() as session:
        values: dict[str, Any] = {
            "state": CampaignState.SENDING,
            "article_name": "spring",
            "article": "# Spring",
            "layout_name": "default",
            "layout": {},
            "created_at": now,
            "updated_at": now,
            "launched_at": now,
        }
        campaign = Campaign(name=name, list_id=list_id, **{**values, **columns})
        session.add(campaign)
        session.flush()
        assert campaign.id is not None
        freeze.audience(session, campaign.id, list_id, now)
        return campaign.id


def subscription(store: Store, list_id: int, subscriber_id: int, state: SubscriptionState) -> None:
    """Bring a subscription to a state."""
    table = table_of(Subscription)
    with store.writing() as session:
        session.execute(
            sa.update(table)
            .where(table.c.list_id == list_id, table.c.subscriber_id == subscriber_id)
            .values(state=state)
        )


def chose(store: Store, list_id: int, subscriber_id: int, **choice: Any) -> None:
    """Note what a person chose for a list."""
    with store.writing() as session:
        assert subscriptions.choose(session, subscriber_id, list_id, **choice)


def delivered(store: Store, campaign_id: int, at: datetime, state: DeliveryState = DeliveryState.SENT) -> None:
    """Settle everything that is queued, in one state."""
    table = table_of(Delivery)
    with store.writing() as session:
        queued = sa.update(table).where(table.c.campaign_id == campaign_id, table.c.state == DeliveryState.QUEUED)
        moved = session.execute(queued.values(state=state, settled_at=at).returning(table.c.id)).all()
        deliveries.shift(session, {(campaign_id, DeliveryState.QUEUED): -len(moved), (campaign_id, state): len(moved)})


def suppressed(store: Store, subscriber_id: int, now: datetime) -> None:
    """Suppress a person's address."""
    with store.writing() as session:
        key = f"p{subscriber_id}@example.org"
        session.add(Suppression(email_key=key, reason=SuppressionReason.MANUAL, at=now))


def campaign_state(store: Store, campaign_id: int, state: CampaignState, at: datetime | None = None) -> None:
    """Bring a campaign to a state, at a moment where that matters."""
    table = table_of(Campaign)
    with store.writing() as session:
        values = {"state": state} if at is None else {"state": state, "updated_at": at}
        session.execute(sa.update(table).where(table.c.id == campaign_id).values(**values))


def counted(store: Store, campaign_id: int) -> dict[DeliveryState, int]:
    """The deliveries by state, counted row by row: what the tallies must equal."""
    with store.reading() as session:
        return _counted(session, campaign_id)


def _counted(session: Session, campaign_id: int) -> dict[DeliveryState, int]:
    table = table_of(Delivery)
    counting = sa.select(table.c.state, sa.func.count().label("n")).where(table.c.campaign_id == campaign_id)
    found = {row.state: row.n for row in session.execute(counting.group_by(table.c.state))}
    return {state: found.get(state, 0) for state in DeliveryState}


def tallied(store: Store, campaign_id: int) -> dict[DeliveryState, int]:
    """The tallies; held equal to the rows on the way."""
    with store.reading() as session:  # one view of both, since a sender may be at work
        tallies = deliveries.tallies(session, campaign_id)
        assert tallies == _counted(session, campaign_id)
    return tallies


def told(store: Store, campaign_id: int) -> dict[str, int]:
    """The tallies that are not zero, by their plain names."""
    return {state.value: n for state, n in tallied(store, campaign_id).items() if n}


def rows_of(store: Store, campaign_id: int) -> list[Delivery]:
    """Every delivery of a campaign."""
    table = table_of(Delivery)
    with store.reading() as session:
        statement = sa.select(Delivery).where(table.c.campaign_id == campaign_id).order_by(table.c.id)
        return list(session.execute(statement).scalars())


def claimed(store: Store, now: datetime) -> list[claims.Claimed]:
    """Take up everything that can be."""
    with store.writing() as session:
        return claims.claim(session, limit=256, token="t", lease_until=now + timedelta(minutes=1), now=now)
