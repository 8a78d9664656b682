"""Campaigns in the store: names are unique, moves are compare-and-swap, due ones are found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.errors import NameTaken, NotFound
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.events import Event
from outreach.store.lists import MailingList


def made(store: Store, now: datetime, name: str = "spring", **columns: Any) -> int:
    """A campaign in the store; its number."""
    with store.writing() as session:
        group = session.execute(sa.select(MailingList)).scalars().first()
        if group is None:
            group = MailingList(name="sample", title="Sample", created_at=now)
            session.add(group)
            session.flush()
        assert group.id is not None
        values: dict[str, Any] = {
            "name": name,
            "list_id": group.id,
            "article_name": "spring",
            "article": "# Spring",
            "layout_name": "default",
            "layout": {"layout.html": "<p>{{ article.body }}</p>"},
            "created_at": now,
            "updated_at": now,
        }
        campaign = campaigns.add(session, Campaign(**{**values, **columns}))
        assert campaign.id is not None
        return campaign.id


def events_of(store: Store, campaign_id: int | None) -> list[dict[str, Any]]:
    """The details of a campaign's events, in their order."""
    table = table_of(Event)
    with store.reading() as session:
        where = table.c.campaign_id.is_(None) if campaign_id is None else table.c.campaign_id == campaign_id
        return list(session.execute(sa.select(table.c.detail).where(where).order_by(table.c.id)).scalars())


def test_a_campaign_is_found_by_name_and_number(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.reading() as session:
        assert campaigns.by_name(session, "spring").id == number
        assert campaigns.by_id(session, number).layout == {"layout.html": "<p>{{ article.body }}</p>"}
        assert campaigns.names(session) == ["spring"]


def test_a_name_that_is_not_there_suggests_the_nearest(store: Store, now: datetime) -> None:
    made(store, now)
    with store.reading() as session, pytest.raises(NotFound) as refusal:
        campaigns.by_name(session, "sprnig")
    assert "spring" in (refusal.value.hint or "")


def test_a_name_is_used_once(store: Store, now: datetime) -> None:
    made(store, now)
    with pytest.raises(NameTaken, match="spring"):
        made(store, now)


def test_a_move_happens_once(store: Store, now: datetime) -> None:
    number = made(store, now)
    outcomes = []
    for _ in range(2):
        with store.writing() as session:
            moved = campaigns.move(session, number, CampaignState.DRAFT, CampaignState.SENDING, now=now)
            outcomes.append(moved)
    assert outcomes == [True, False]
    assert [detail["to"] for detail in events_of(store, number)] == ["draft", "sending"]


def test_a_move_carries_reason_and_columns_and_shows_in_the_same_session(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.writing() as session:
        seen = campaigns.locked(session, number)
        campaigns.move(
            session, number, CampaignState.DRAFT, CampaignState.SCHEDULED, now=now, due_at=now, reason="told so"
        )
        assert (seen.state, seen.due_at, seen.reason) == (CampaignState.SCHEDULED, now, "told so")
    with store.writing() as session:
        campaigns.move(session, number, CampaignState.SCHEDULED, CampaignState.SENDING, now=now)
        assert campaigns.by_id(session, number).reason is None
    assert events_of(store, number)[1] == {"from": "draft", "to": "scheduled", "reason": "told so"}


def test_a_move_that_the_table_lacks_is_a_mistake(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.writing() as session, pytest.raises(ValueError, match="does not go"):
        campaigns.move(session, number, CampaignState.DRAFT, CampaignState.FINISHED, now=now)


def test_due_ones_are_scheduled_and_not_in_the_future(store: Store, now: datetime) -> None:
    scheduled = {"state": CampaignState.SCHEDULED}
    made(store, now, "draft", due_at=now)
    made(store, now, "later", due_at=now + timedelta(seconds=1), **scheduled)
    made(store, now, "now", due_at=now, **scheduled)
    made(store, now, "before", due_at=now - timedelta(hours=1), **scheduled)
    with store.reading() as session:
        assert [campaign.name for campaign in campaigns.due(session, now)] == ["before", "now"]


def test_sending_ones_come_oldest_launch_first(store: Store, now: datetime) -> None:
    sending = {"state": CampaignState.SENDING}
    made(store, now, "second", launched_at=now, **sending)
    made(store, now, "first", launched_at=now - timedelta(hours=1), **sending)
    made(store, now, "draft")
    with store.reading() as session:
        assert [campaign.name for campaign in campaigns.sending(session)] == ["first", "second"]


def test_only_one_clock_advances_a_recurring_campaign(store: Store, now: datetime) -> None:
    number = made(store, now, state=CampaignState.SCHEDULED, cron="0 9 * * *", timezone="UTC", due_at=now)
    tomorrow = now + timedelta(days=1)
    outcomes = []
    for _ in range(2):
        with store.writing() as session:
            won = campaigns.advance(session, number, seen=now, next_due=tomorrow, now=now, missed={"runs": 1})
            outcomes.append(won)
    assert outcomes == [True, False]
    assert [detail.get("missed") for detail in events_of(store, number)] == [None, {"runs": 1}]


def test_runs_belong_to_their_parent(store: Store, now: datetime) -> None:
    parent = made(store, now)
    run = made(store, now, "spring-20260302-0900", parent_id=parent)
    with store.reading() as session:
        assert [campaign.id for campaign in campaigns.runs(session, parent)] == [run]
        assert [campaign.id for campaign in campaigns.all(session)] == [run, parent]


def test_the_compiled_campaign_is_kept_as_bytes(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.writing() as session:
        campaigns.store_compiled(session, number, b"one")
        campaigns.store_compiled(session, number, b"\x00two")
    with store.reading() as session:
        assert campaigns.compiled(session, number) == b"\x00two"
        with pytest.raises(NotFound):
            campaigns.compiled(session, number + 1)


def test_a_removed_campaign_leaves_one_event(store: Store, now: datetime) -> None:
    number = made(store, now)
    with store.writing() as session:
        campaigns.remove(session, campaigns.locked(session, number), now=now)
    assert events_of(store, number) == []
    assert events_of(store, None) == [{"from": "draft", "to": "deleted", "name": "spring"}]
