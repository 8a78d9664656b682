"""Audiences: frozen once, excluded with a reason, and their tallies always the sum of the rows."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa

from outreach.audience.consent import SubscriptionState
from outreach.errors import NotFound
from outreach.store import deliveries
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from tests.store import crowd


def test_everybody_of_the_list_has_one_delivery(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 5))
    assert crowd.told(store, campaign) == {"queued": 5}
    assert [row.subscriber_id for row in crowd.rows_of(store, campaign)] == [1, 2, 3, 4, 5]


def test_who_may_not_be_mailed_is_excluded_with_the_first_reason(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 6)
    crowd.subscription(store, group, 1, SubscriptionState.UNSUBSCRIBED)
    crowd.subscription(store, group, 2, SubscriptionState.UNCONFIRMED)
    crowd.suppressed(store, 3, now)
    crowd.suppressed(store, 4, now)
    crowd.subscription(store, group, 4, SubscriptionState.UNSUBSCRIBED)
    campaign = crowd.made_campaign(store, now, group)
    assert crowd.told(store, campaign) == {"queued": 2, "excluded": 4}
    reasons = {row.subscriber_id: row.reason for row in crowd.rows_of(store, campaign)}
    assert reasons == {1: "unsubscribed", 2: "unconfirmed", 3: "suppressed", 4: "suppressed", 5: None, 6: None}


def test_an_audience_is_frozen_once(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 3)
    campaign = crowd.made_campaign(store, now, group)
    crowd.subscription(store, group, 1, SubscriptionState.UNSUBSCRIBED)
    with store.writing() as session:
        again = deliveries.freeze(session, campaign, group, now)
    assert again == crowd.tallied(store, campaign)
    assert crowd.told(store, campaign) == {"queued": 3}


def test_a_list_of_nobody_has_tallies_of_nothing(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 0))
    assert set(crowd.tallied(store, campaign).values()) == {0}
    with store.reading() as session:
        assert deliveries.open_count(session, campaign) == 0


def test_a_person_cannot_have_two_deliveries_of_a_campaign(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    twin = deliveries.Delivery(campaign_id=campaign, subscriber_id=1, state=DeliveryState.QUEUED)
    with pytest.raises(sa.exc.IntegrityError), store.writing() as session:
        session.add(twin)


def test_a_leaving_person_gets_nothing_more_of_that_list(store: Store, now: datetime) -> None:
    first, second = (crowd.made_list(store, now, 3, name=name) for name in ("first", "second"))
    campaigns = [
        crowd.made_campaign(store, now, first, name="a"),
        crowd.made_campaign(store, now, first, name="b", state=CampaignState.PAUSED),
        crowd.made_campaign(store, now, second, name="c"),
        crowd.made_campaign(store, now, first, name="d", state=CampaignState.CANCELLED),
    ]
    with store.writing() as session:
        assert deliveries.exclude_person(session, 2, first, "unsubscribed", now) == 2
        assert deliveries.exclude_person(session, 2, first, "unsubscribed", now) == 0
    assert [crowd.told(store, number).get("excluded", 0) for number in campaigns] == [1, 1, 0, 0]
    row = next(row for row in crowd.rows_of(store, campaigns[0]) if row.subscriber_id == 2)
    assert (row.state, row.reason, row.settled_at) == (DeliveryState.EXCLUDED, "unsubscribed", now)


def test_a_suppressed_person_gets_nothing_more_of_any_list(store: Store, now: datetime) -> None:
    numbers = [
        crowd.made_campaign(store, now, crowd.made_list(store, now, 2, name=name), name=name) for name in ("a", "b")
    ]
    with store.writing() as session:
        assert deliveries.exclude_person(session, 1, None, "suppressed") == 2
    assert [crowd.told(store, number) for number in numbers] == [{"queued": 1, "excluded": 1}] * 2


def test_cancelling_reaches_all_that_waits(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 4))
    with store.writing() as session:
        assert deliveries.cancel_open(session, campaign, now) == 4
        assert deliveries.cancel_open(session, campaign, now) == 0
    assert crowd.told(store, campaign) == {"cancelled": 4}


def test_a_number_that_is_no_delivery_is_not_found(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    with store.reading() as session:
        assert deliveries.by_id(session, 1).subscriber_id == 1
        with pytest.raises(NotFound):
            deliveries.by_id(session, 99)
