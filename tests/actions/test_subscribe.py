"""Adding one person: with proof or unconfirmed, and never against their will."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from outreach.actions import create_list, erase, subscribe, suppress, unsubscribe
from outreach.actions.subscribe import Person, Subscribed
from outreach.audience.consent import Mover
from outreach.errors import AddressError, NameTaken, OutreachError, StateError
from outreach.store import consents, subscribers, suppressions
from outreach.store.database import Store
from outreach.store.lists import Tracking

KEY = b"k" * 32


def added(store: Store, now: datetime, person: Person | None = None, **options: Any) -> Subscribed:
    """Add somebody to the first list."""
    options = {"consent": "I agree", "source": "test", "erasure_keys": (KEY,), **options}
    return subscribe.add(store, person or Person("ann@example.org", "Ann"), 1, now=now, **options)


@pytest.fixture
def news(store: Store, now: datetime) -> Store:
    """A store with one list."""
    create_list.named(store, "news", now=now)
    return store


def acts(store: Store) -> list[tuple[str, str, str]]:
    """The consents of the first person: act, wording, source."""
    with store.reading() as session:
        return [(row["act"].value, row["wording"], row["source"]) for row in consents.of_person(session, 1)]


def test_a_person_with_consent_is_confirmed_and_the_proof_is_kept(news: Store, now: datetime) -> None:
    done = added(news, now)
    assert (done.email, done.state.value, done.added, done.suppressed) == ("ann@example.org", "confirmed", True, "")
    assert acts(news) == [("given", "I agree", "test")]


def test_adding_again_changes_nothing(news: Store, now: datetime) -> None:
    added(news, now)
    again = added(news, now + timedelta(days=1))
    assert (again.added, again.changed) == (False, False)
    assert len(acts(news)) == 1


def test_consent_may_come_later(news: Store, now: datetime) -> None:
    assert added(news, now, consent=None).state.value == "unconfirmed"
    assert added(news, now, consent=None).changed is False
    later = added(news, now)
    assert (later.state.value, later.added, later.changed) == ("confirmed", False, True)
    assert acts(news) == [("given", "I agree", "test")]


def test_a_blank_consent_makes_nobody_confirmed(news: Store, now: datetime) -> None:
    for blank in ("", " \t "):
        with pytest.raises(OutreachError, match="blank"):
            added(news, now, consent=blank)
    with news.reading() as session:
        assert subscribers.by_email(session, "ann@example.org") is None


def test_what_is_left_empty_is_kept_and_attributes_are_merged(news: Store, now: datetime) -> None:
    added(news, now, Person("ann@example.org", "Ann", language="en", attributes={"city": "Wien", "note": " "}))
    later = added(news, now + timedelta(days=1), Person("ANN@example.org", timezone="UTC", attributes={"age": "40"}))
    assert later.changed
    with news.reading() as session:
        found = subscribers.by_id(session, 1)
    assert (found.email, found.name, found.language, found.timezone) == ("ann@example.org", "Ann", "en", "UTC")
    assert found.attributes == {"city": "Wien", "age": "40"}
    assert found.updated_at == now + timedelta(days=1)


def test_who_left_comes_back_by_their_own_act_alone(news: Store, now: datetime) -> None:
    added(news, now)
    unsubscribe.person(news, 1, None, source="test", now=now)
    with pytest.raises(StateError, match="only they themselves"):
        added(news, now)
    with pytest.raises(StateError):
        added(news, now, mover=Mover.PERSON, consent=None)
    back = added(news, now, mover=Mover.PERSON, source="confirmation page")
    assert (back.state.value, back.changed) == ("confirmed", True)
    assert [act for act, *_ in acts(news)] == ["given", "withdrawn", "confirmed"]


def test_a_suppression_is_told_and_lifted_by_their_own_act_alone(news: Store, now: datetime) -> None:
    suppress.address(news, "ann@example.org", now=now)
    assert added(news, now).suppressed == "manual"
    assert added(news, now, mover=Mover.PERSON).suppressed == ""
    with news.reading() as session:
        assert suppressions.find(session, "ann@example.org") is None


def test_who_was_erased_comes_back_by_their_own_act_alone(news: Store, now: datetime) -> None:
    added(news, now)
    erase.person(news, "ann@example.org", key=KEY, now=now)
    with pytest.raises(StateError, match="erased"):
        added(news, now)
    assert added(news, now, mover=Mover.PERSON).subscriber_id == 2


def test_what_cannot_stand_in_a_mail_is_refused(news: Store, now: datetime) -> None:
    with pytest.raises(AddressError):
        added(news, now, Person("ann"))
    with pytest.raises(OutreachError, match="line break"):
        added(news, now, Person("ann@example.org", "Ann\r\nBcc: x@example.org"))
    with news.reading() as session:
        assert subscribers.by_email(session, "ann@example.org") is None


def test_a_list_has_a_name_of_its_own_and_a_title_for_readers(store: Store, now: datetime) -> None:
    made = create_list.named(store, "spring-news", now=now)
    assert (made.title, made.tracking) == ("Spring news", Tracking.INDIVIDUAL)
    assert create_list.named(store, "b", now=now, title=" A  title ", tracking=Tracking.OFF).title == "A title"
    with pytest.raises(NameTaken):
        create_list.named(store, "spring-news", now=now)
    with pytest.raises(OutreachError) as refusal:
        create_list.named(store, "Spring News!", now=now)
    assert refusal.value.hint == "For example 'spring-news'."
    with pytest.raises(OutreachError, match="200"):
        create_list.named(store, "c", now=now, title="x" * 201)
