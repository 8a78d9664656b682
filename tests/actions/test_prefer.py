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


def less(store: Store, now: datetime, list_id: int, **choice: Any) -> bool:
    """What person 1 chooses for a list."""
    return prefer.less(store, 1, list_id, **{"at_most": None, "until": None, **choice}, source="page", now=now)


def test_a_pause_takes_the_person_out_of_what_runs_and_of_nothing_else(store: Store, now: datetime) -> None:
    groups = [crowd.made_list(store, now, 2, name=name) for name in ("first", "second")]
    running = [crowd.made_campaign(store, now, group, name=f"c{group}") for group in groups]
    until = now + timedelta(days=30)
    assert less(store, now, groups[0], until=until)
    assert [crowd.told(store, number) for number in running] == [{"queued": 1, "excluded": 1}, {"queued": 2}]
    assert [row.reason for row in crowd.rows_of(store, running[0])] == ["paused", None]
    dossier = known(store)
    assert [row["paused_until"] for row in dossier["subscriptions"]] == [until, None]
    assert [(row["kind"], row["detail"]) for row in dossier["events"]] == [
        ("preferred", {"at_most": None, "paused_until": until.isoformat(), "source": "page"})
    ]


def test_saying_the_same_again_changes_nothing_and_leaves_no_trace(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 1)
    pause, weekly = {"until": now + timedelta(days=3)}, {"at_most": Rhythm.WEEK}
    choices: list[dict[str, Any]] = [{}, pause, pause, {**pause, **weekly}, weekly, weekly, {}]
    done = [less(store, now, group, **choice) for choice in choices]
    assert done == [False, True, False, True, True, False, True]
    assert len(known(store)["events"]) == done.count(True)


@pytest.mark.parametrize(("days", "left"), [(6, 0), (8, 1)])
def test_whoever_had_a_message_lately_is_taken_out_of_what_runs(
    store: Store, now: datetime, days: int, left: int
) -> None:
    group = crowd.made_list(store, now, 1)
    first = crowd.made_campaign(store, now - timedelta(days=days), group, name="first")
    crowd.delivered(store, first, now - timedelta(days=days))
    crowd.campaign_state(store, first, CampaignState.FINISHED, now - timedelta(days=days))
    second = crowd.made_campaign(store, now, group, name="second")
    less(store, now, group, at_most=Rhythm.WEEK)
    assert crowd.told(store, second) == ({"queued": 1} if left else {"excluded": 1})


def test_who_is_not_on_the_list_has_nothing_to_choose_there(store: Store, now: datetime) -> None:
    group, other = (crowd.made_list(store, now, people, name=name) for name, people in (("first", 1), ("second", 0)))
    assert not less(store, now, other, until=now + timedelta(days=2))
    unsubscribe.person(store, 1, group, source="page", now=now)
    assert not less(store, now, group, at_most=Rhythm.WEEK)


def test_whoever_leaves_and_comes_back_begins_anew(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 1)
    less(store, now, group, at_most=Rhythm.WEEK, until=now + timedelta(days=2))
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
