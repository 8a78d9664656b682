"""Leaving wins: at once, everywhere, once, with its proof."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import erase, suppress, unsubscribe
from outreach.errors import AddressError
from outreach.store import campaigns, consents, deliveries, freeze, lists, subscribers, subscriptions, suppressions
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from outreach.store.events import Event
from tests.actions import people


@pytest.fixture
def campaign(store: Store, now: datetime) -> int:
    """A campaign that is being sent to two people."""
    list_id = people.listed(store, now, people=2)
    number = people.made(store, now, list_id=list_id, state=CampaignState.SENDING)
    with store.writing() as session:
        freeze.audience(session, number, list_id, now)
    return number


def tallies(store: Store, campaign: int) -> dict[str, int]:
    """The deliveries of a campaign, without the states that nobody is in."""
    with store.reading() as session:
        return {state.value: count for state, count in deliveries.tallies(session, campaign).items() if count}


def rows(store: Store, model: Any) -> list[dict[str, Any]]:
    """Every row of a table."""
    table = table_of(model)
    with store.reading() as session:
        return [dict(row) for row in session.execute(sa.select(table).order_by(table.c.id)).mappings()]


def test_the_token_of_a_mail_takes_its_person_off_the_list_of_its_campaign(
    store: Store, now: datetime, campaign: int
) -> None:
    delivery = rows(store, Delivery)[0]
    left = unsubscribe.by_delivery(store, delivery["id"], now=now)
    assert left is not None
    assert (left.email, left.list_title, left.changed) == ("person0@sample.example.org", "Sample", True)
    assert tallies(store, campaign) == {"queued": 1, "excluded": 1}
    assert rows(store, Delivery)[0]["reason"] == "unsubscribed"
    event = rows(store, Event)[-1]
    assert (event["kind"].value, event["campaign_id"], event["delivery_id"]) == (
        "unsubscribed",
        campaign,
        delivery["id"],
    )
    with store.reading() as session:
        acts = consents.of_person(session, delivery["subscriber_id"])
    assert [(act["act"].value, act["source"], act["at"]) for act in acts] == [("withdrawn", "one-click", now)]


def test_leaving_twice_is_leaving_once(store: Store, now: datetime, campaign: int) -> None:
    delivery = rows(store, Delivery)[0]["id"]
    unsubscribe.by_delivery(store, delivery, now=now)
    before = rows(store, Event)
    again = unsubscribe.by_delivery(store, delivery, now=now + timedelta(days=1))
    assert again is not None
    assert again.changed is False
    assert rows(store, Event) == before
    assert tallies(store, campaign) == {"queued": 1, "excluded": 1}


def test_a_delivery_that_nobody_carries_leaves_nothing(store: Store, now: datetime, campaign: int) -> None:
    assert unsubscribe.by_delivery(store, 999, now=now) is None
    with store.writing() as session:
        subscriptions.forget(session, 1)
        subscribers.remove(session, 1)
    assert unsubscribe.by_delivery(store, 1, now=now) is None


def test_one_list_or_every_list_is_left(store: Store, now: datetime, campaign: int) -> None:
    second = people.listed(store, now, name="second")
    with store.writing() as session:
        subscriptions.add(session, 1, second, subscriptions.SubscriptionState.UNCONFIRMED, now=now)
    assert unsubscribe.person(store, 1, second, source="test", now=now) == [second]
    assert tallies(store, campaign) == {"queued": 2}
    assert unsubscribe.person(store, 1, None, source="test", now=now) == [1]
    assert unsubscribe.person(store, 1, None, source="test", now=now) == []
    assert unsubscribe.person(store, 1, 99, source="test", now=now) == []
    assert tallies(store, campaign) == {"queued": 1, "excluded": 1}


def test_a_suppressed_address_is_excluded_from_what_is_being_sent(store: Store, now: datetime, campaign: int) -> None:
    assert suppress.address(store, "PERSON1@sample.example.org", now=now, note="asked by letter")
    assert not suppress.address(store, "person1@sample.example.org", now=now, note="again")
    assert tallies(store, campaign) == {"queued": 1, "excluded": 1}
    assert rows(store, Event)[-1]["subscriber_id"] == 2
    with store.reading() as session:
        kept = suppressions.find(session, "person1@sample.example.org")
    assert kept is not None
    assert (kept.reason.value, kept.note) == ("manual", "asked by letter")


@pytest.mark.parametrize("how", ["unsubscribe", "suppress", "erase"])
def test_who_leaves_while_a_campaign_is_launched_is_excluded_from_it(store: Store, now: datetime, how: str) -> None:
    """A launch that has begun knows nothing of who leaves now: they wait for it, and take themselves out."""
    list_id = people.listed(store, now, people=2)
    number = people.made(store, now, list_id=list_id)
    ways = {
        "unsubscribe": lambda: unsubscribe.person(store, 1, None, source="test", now=now),
        "suppress": lambda: suppress.address(store, "person0@sample.example.org", now=now),
        "erase": lambda: erase.person(store, "person0@sample.example.org", key=b"k" * 32, now=now),
    }
    leaving = threading.Thread(target=ways[how])
    with store.writing() as session:
        lists.locked(session, list_id)
        campaigns.move(session, number, CampaignState.DRAFT, CampaignState.SENDING, now=now, launched_at=now)
        freeze.audience(session, number, list_id, now)
        leaving.start()
        leaving.join(0.3)  # long enough for whoever does not wait; who does is not hurried
        assert leaving.is_alive()
    leaving.join(20)
    assert tallies(store, number) == {"queued": 1, "excluded": 1}


def test_an_address_that_nobody_has_can_be_suppressed(store: Store, now: datetime) -> None:
    assert suppress.address(store, "stranger@example.org", now=now)
    with pytest.raises(AddressError):
        suppress.address(store, "stranger", now=now)
