"""Audiences: frozen once, excluded with a reason, and their tallies always the sum of the rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.audience.consent import SubscriptionState
from outreach.audience.rhythm import Rhythm
from outreach.errors import NotFound
from outreach.store import deliveries, freeze
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
        again = freeze.audience(session, campaign, group, now)
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


def test_who_pauses_is_left_out_until_the_day_comes(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 3)
    crowd.chose(store, group, 1, paused_until=now + timedelta(days=1))
    crowd.chose(store, group, 2, paused_until=now)
    campaign = crowd.made_campaign(store, now, group)
    reasons = {row.subscriber_id: row.reason for row in crowd.rows_of(store, campaign)}
    assert reasons == {1: "paused", 2: None, 3: None}
    assert crowd.told(store, campaign) == {"queued": 2, "excluded": 1}
    later = crowd.made_campaign(store, now + timedelta(days=2), group, name="later")
    assert crowd.told(store, later) == {"queued": 3}


@pytest.mark.parametrize(
    ("days", "left_out"),
    [(0.1, ["week", "month"]), (6, ["week", "month"]), (7, ["month"]), (26, ["month"]), (28, [])],
)
def test_who_wants_fewer_messages_gets_no_second_one_within_the_time(
    store: Store, now: datetime, days: float, left_out: list[str]
) -> None:
    group = crowd.made_list(store, now, 3)
    crowd.chose(store, group, 1, at_most=Rhythm.WEEK)
    crowd.chose(store, group, 2, at_most=Rhythm.MONTH)
    first = crowd.made_campaign(store, now, group, name="first")
    crowd.delivered(store, first, now + timedelta(minutes=3))
    assert crowd.told(store, first) == {"sent": 3}
    crowd.campaign_state(store, first, CampaignState.FINISHED, now + timedelta(minutes=4))
    second = crowd.made_campaign(store, now + timedelta(days=days), group, name="second")
    found = {row.subscriber_id: row.reason for row in crowd.rows_of(store, second)}
    wanted = {1: "week" in left_out, 2: "month" in left_out, 3: False}
    assert found == {person: "capped" if out else None for person, out in wanted.items()}


def test_a_message_that_is_still_to_come_counts_and_one_of_another_list_does_not(store: Store, now: datetime) -> None:
    group, other = (crowd.made_list(store, now, 2, name=name) for name in ("group", "other"))
    for each in (group, other):
        crowd.chose(store, each, 1, at_most=Rhythm.WEEK)
    assert crowd.told(store, crowd.made_campaign(store, now, group, name="a")) == {"queued": 2}
    assert crowd.told(store, crowd.made_campaign(store, now, group, name="b")) == {"queued": 1, "excluded": 1}
    assert crowd.told(store, crowd.made_campaign(store, now, other, name="c")) == {"queued": 2}


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.CANCELLED])
def test_a_message_that_never_arrived_does_not_count(store: Store, now: datetime, state: DeliveryState) -> None:
    group = crowd.made_list(store, now, 1)
    crowd.chose(store, group, 1, at_most=Rhythm.MONTH)
    first = crowd.made_campaign(store, now, group, name="first")
    crowd.delivered(store, first, now, state)
    assert crowd.told(store, crowd.made_campaign(store, now, group, name="second")) == {"queued": 1}


def test_the_few_who_want_less_are_looked_up_by_their_index(sqlite_store: Store, now: datetime) -> None:
    asked: list[str] = []
    sa.event.listen(sqlite_store.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    group = crowd.made_list(sqlite_store, now, 1)
    for name in ("first", "second"):
        crowd.made_campaign(sqlite_store, now, group, name=name)
    _, freezing = (statement for statement in asked if statement.startswith("INSERT INTO delivery"))
    with sqlite_store.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {freezing}", (1,) * freezing.count("?")).all()
    told = [str(row[-1]) for row in plan]
    assert any("ix_subscription_capped" in step for step in told), told
    assert not any(step.startswith("SCAN delivery") for step in told), told
