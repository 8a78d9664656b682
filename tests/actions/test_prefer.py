"""What a person prefers reaches running campaigns at once, is told as a fact, and ends when they leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from outreach.actions import prefer, unsubscribe
from outreach.audience.rhythm import Rhythm
from outreach.store import subscribers, subscriptions, traces
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from tests.store import crowd


def known(store: Store, person: int = 1) -> dict[str, Any]:
    """What a person is told of themselves."""
    with store.reading() as session:
        return traces.dossier(session, subscribers.by_id(session, person))


def test_a_pause_takes_the_person_out_of_what_runs_and_of_nothing_else(store: Store, now: datetime) -> None:
    groups = [crowd.made_list(store, now, 2, name=name) for name in ("first", "second")]
    running = [crowd.made_campaign(store, now, group, name=f"c{group}") for group in groups]
    until = now + timedelta(days=30)
    assert prefer.pause(store, 1, groups[0], until, source="page", now=now)
    assert [crowd.told(store, number) for number in running] == [{"queued": 1, "excluded": 1}, {"queued": 2}]
    assert [row.reason for row in crowd.rows_of(store, running[0])] == ["paused", None]
    dossier = known(store)
    assert [row["paused_until"] for row in dossier["subscriptions"]] == [until, None]
    assert [(row["kind"], row["detail"]["source"]) for row in dossier["events"]] == [("preferred", "page")]


def test_saying_the_same_again_changes_nothing_and_leaves_no_trace(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 1)
    until = now + timedelta(days=3)
    assert [prefer.pause(store, 1, group, each, source="page", now=now) for each in (until, until, None, None)] == [
        True, False, True, False,
    ]  # fmt: skip
    rhythms = (None, Rhythm.WEEK, Rhythm.WEEK, Rhythm.MONTH, None)
    done = [prefer.at_most(store, 1, group, each, source="page", now=now) for each in rhythms]
    assert done == [False, True, False, True, True]
    assert len(known(store)["events"]) == 5


@pytest.mark.parametrize(("days", "left"), [(6, 0), (8, 1)])
def test_whoever_had_a_message_lately_is_taken_out_of_what_runs(
    store: Store, now: datetime, days: int, left: int
) -> None:
    group = crowd.made_list(store, now, 1)
    first = crowd.made_campaign(store, now - timedelta(days=days), group, name="first")
    crowd.delivered(store, first, now - timedelta(days=days))
    crowd.campaign_state(store, first, CampaignState.FINISHED, now - timedelta(days=days))
    second = crowd.made_campaign(store, now, group, name="second")
    prefer.at_most(store, 1, group, Rhythm.WEEK, source="page", now=now)
    assert crowd.told(store, second) == ({"queued": 1} if left else {"excluded": 1})


def test_who_is_not_on_the_list_has_nothing_to_choose_there(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 1)
    assert not prefer.pause(store, 99, group, now + timedelta(days=2), source="page", now=now)
    unsubscribe.person(store, 1, group, source="page", now=now)
    assert not prefer.at_most(store, 1, group, Rhythm.WEEK, source="page", now=now)


def test_whoever_leaves_and_comes_back_begins_anew(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 1)
    prefer.pause(store, 1, group, now + timedelta(days=2), source="page", now=now)
    prefer.at_most(store, 1, group, Rhythm.WEEK, source="page", now=now)
    unsubscribe.person(store, 1, group, source="page", now=now)
    with store.reading() as session:
        (tie,) = subscriptions.of_person(session, 1)
    assert (tie["paused_until"], tie["at_most"]) == (None, None)


def test_a_pause_that_began_while_a_sender_held_the_message_is_seen_at_the_next_claim(
    store: Store, now: datetime
) -> None:
    group = crowd.made_list(store, now, 2)
    campaign = crowd.made_campaign(store, now, group)
    crowd.chose(store, group, 1, paused_until=now + timedelta(days=1))
    assert [each.email for each in crowd.claimed(store, now)] == ["p2@example.org"]
    assert crowd.told(store, campaign) == {"claimed": 1, "excluded": 1}
