"""Ties between people and lists: made once, moved by who may."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from outreach.address import parse
from outreach.audience.consent import MOVES, Mover, SubscriptionState, allows
from outreach.store import lists, subscribers, subscriptions
from outreach.store.database import Store
from outreach.store.lists import MailingList

UNCONFIRMED, CONFIRMED, LEFT = SubscriptionState


@pytest.fixture
def tied(store: Store, now: datetime) -> Store:
    """Person 1 waits on list 1."""
    with store.writing() as session:
        for name in ("news", "alumni"):
            lists.add(session, MailingList(name=name, title=name.title(), created_at=now))
        subscribers.put(session, parse("ann@example.org"), {}, now=now)
        assert subscriptions.add(session, 1, 1, UNCONFIRMED, now=now)
    return store


def test_a_tie_is_made_once(tied: Store, now: datetime) -> None:
    with tied.writing() as session:
        assert not subscriptions.add(session, 1, 1, CONFIRMED, now=now)
        assert subscriptions.state(session, 1, 1) is UNCONFIRMED
        assert subscriptions.state(session, 1, 2) is None


@pytest.mark.parametrize("mover", Mover)
@pytest.mark.parametrize("to", SubscriptionState)
@pytest.mark.parametrize("begin", SubscriptionState)
def test_a_tie_moves_as_the_table_of_moves_allows(
    tied: Store, now: datetime, begin: SubscriptionState, to: SubscriptionState, mover: Mover
) -> None:
    with tied.writing() as session:
        subscriptions.add(session, 1, 2, begin, now=now)
        moved = subscriptions.move(session, 1, 2, to, mover, now=now + timedelta(days=1))
        assert moved == (mover in MOVES.get((begin, to), ()))
        assert subscriptions.state(session, 1, 2) is (to if moved else begin)
        assert allows(begin, to, mover) == (moved or begin is to)


def test_nobody_but_the_person_comes_back() -> None:
    assert [mover for mover in Mover if allows(LEFT, CONFIRMED, mover)] == [Mover.PERSON]
    assert not any(allows(LEFT, UNCONFIRMED, mover) for mover in Mover)


def test_a_list_is_counted_by_state(tied: Store) -> None:
    with tied.reading() as session:
        assert subscriptions.counts(session, 1) == {UNCONFIRMED: 1, CONFIRMED: 0, LEFT: 0}
        assert sum(subscriptions.counts(session, 2).values()) == 0


def test_the_ties_of_a_person_are_told_and_forgotten(tied: Store, now: datetime) -> None:
    with tied.writing() as session:
        subscriptions.add(session, 1, 2, CONFIRMED, now=now)
        told = subscriptions.of_person(session, 1)
        assert [(tie["list"], tie["title"], tie["state"]) for tie in told] == [
            ("alumni", "Alumni", CONFIRMED),
            ("news", "News", UNCONFIRMED),
        ]
        assert subscriptions.forget(session, 1) == 2
        assert subscriptions.of_person(session, 1) == []
