"""Subscribers in the store: found however the address is spelt, looked at as a list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from outreach import address
from outreach.audience.consent import SubscriptionState
from outreach.errors import AddressError, NotFound
from outreach.store import lists, subscribers
from outreach.store.database import Store
from outreach.store.lists import MailingList
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression, SuppressionReason


def made(store: Store, now: datetime, email: str, state: str = "confirmed", **columns: Any) -> int:
    """A person on the list 'news'; their number."""
    with store.writing() as session:
        group = lists.find(session, "news") or lists.add(session, MailingList(name="news", title="N", created_at=now))
        parsed = address.parse(email)
        person = Subscriber(email=str(parsed), email_key=parsed.key, created_at=now, updated_at=now, **columns)
        session.add(person)
        session.flush()
        assert group.id is not None
        assert person.id is not None
        session.add(
            Subscription(
                list_id=group.id,
                subscriber_id=person.id,
                state=SubscriptionState(state),
                created_at=now,
                changed_at=now,
            )
        )
        return person.id


def test_a_person_is_found_however_the_address_is_spelt(store: Store, now: datetime) -> None:
    number = made(store, now, "Ann@Example.org")
    with store.reading() as session:
        found = subscribers.by_email(session, " aNN@EXAMPLE.ORG ")
        assert found is not None
        assert (found.id, found.email) == (number, "Ann@example.org")
        assert subscribers.by_id(session, number).email_key == "ann@example.org"
        assert subscribers.by_email(session, "bob@example.org") is None
        with pytest.raises(AddressError):
            subscribers.by_email(session, "no address")
        with pytest.raises(NotFound):
            subscribers.by_id(session, number + 1)


def test_an_address_that_is_not_there_suggests_the_nearest(store: Store, now: datetime) -> None:
    made(store, now, "anna.lind@example.org")
    with store.reading() as session, pytest.raises(NotFound) as refusal:
        subscribers.require(session, "anna.lindt@example.org")
    assert "anna.lind@example.org" in (refusal.value.hint or "")


def test_a_sample_shows_those_who_would_be_mailed(store: Store, now: datetime) -> None:
    made(store, now, "waits@example.org", "unconfirmed")
    made(store, now, "left@example.org", "unsubscribed")
    with store.reading() as session:
        assert [person.email for person in subscribers.sample(session, 1, 1)] == ["waits@example.org"]
    made(store, now, "stopped@example.org")
    made(store, now, "one@example.org")
    made(store, now, "two@example.org")
    with store.writing() as session:
        session.add(Suppression(email_key="stopped@example.org", reason=SuppressionReason.MANUAL, at=now))
    with store.reading() as session:
        assert [person.email for person in subscribers.sample(session, 1, 5)] == ["one@example.org", "two@example.org"]
        assert subscribers.sample(session, 2, 5) == []


def test_missing_values_are_counted_among_those_who_would_be_mailed(store: Store, now: datetime) -> None:
    made(store, now, "full@example.org", name="Full", attributes={"city": "Wien", "größe": "1"})
    made(store, now, "bare@example.org", attributes={"city": ""})
    made(store, now, "half@example.org", name="Half", attributes={"größe": "2"})
    made(store, now, "waits@example.org", "unconfirmed")
    with store.reading() as session:
        assert subscribers.missing(session, 1, ["name", "city", "größe", "email", "no'such\"key"]) == {
            "name": (1, "bare@example.org"),
            "city": (2, "bare@example.org"),
            "größe": (1, "bare@example.org"),
            "no'such\"key": (3, "bare@example.org"),
        }
        assert subscribers.missing(session, 1, []) == {}


def test_a_number_is_never_given_twice(store: Store, now: datetime) -> None:
    """Deliveries keep the number of a person who was erased; another person must not inherit them."""
    number = made(store, now, "one@example.org")
    with store.writing() as session:
        session.delete(session.get_one(Subscription, (1, number)))
        session.flush()
        session.delete(subscribers.by_id(session, number))
    assert made(store, now, "two@example.org") > number
