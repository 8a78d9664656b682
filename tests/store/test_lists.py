"""Mailing lists in the store: names are unique, an unfinished import leaves its mark."""

from __future__ import annotations

from datetime import datetime

import pytest

from outreach.errors import NameTaken, NotFound
from outreach.store import lists
from outreach.store.database import Store
from outreach.store.lists import MailingList


def made(store: Store, now: datetime, name: str = "news") -> int:
    """A list in the store; its number."""
    with store.writing() as session:
        added = lists.add(session, MailingList(name=name, title=name.title(), created_at=now))
        assert added.id is not None
        return added.id


def test_a_list_is_found_by_name_and_number(store: Store, now: datetime) -> None:
    number = made(store, now)
    made(store, now, "alumni")
    with store.reading() as session:
        assert lists.by_name(session, "news").id == number
        assert lists.by_id(session, number).title == "News"
        assert lists.names(session) == ["alumni", "news"]
        assert [each.name for each in lists.all(session)] == ["alumni", "news"]


def test_a_name_that_is_not_there_suggests_the_nearest(store: Store, now: datetime) -> None:
    with store.reading() as session, pytest.raises(NotFound) as refusal:
        lists.by_name(session, "nwes")
    assert "no list yet" in (refusal.value.hint or "")
    made(store, now)
    with store.reading() as session, pytest.raises(NotFound) as refusal:
        lists.by_name(session, "nwes")
    assert "'news'" in (refusal.value.hint or "")
    with store.reading() as session, pytest.raises(NotFound):
        lists.by_id(session, 99)


def test_a_name_is_used_once(store: Store, now: datetime) -> None:
    made(store, now)
    with pytest.raises(NameTaken, match="news"):
        made(store, now)


def test_an_import_that_began_stays_marked_until_it_ended(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.writing() as session:
        lists.begin_import(session, number, "digest", now)
    with store.reading() as session:
        begun = lists.by_id(session, number)
        assert (begun.importing, begun.importing_since) == ("digest", now)
    with store.writing() as session:
        lists.end_import(session, number)
    with store.reading() as session:
        assert lists.by_id(session, number).importing is None
