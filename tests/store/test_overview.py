"""How all campaigns stand together, from sums and indexes alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.store import campaigns, claims, figures, overview, settlements
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.store import crowd

MINUTE = timedelta(minutes=1)


def read(store: Store, now: datetime) -> overview.Overview:
    with store.reading() as session:
        return overview.read(session, now)


def test_an_empty_house_has_nothing_to_tell(store: Store, now: datetime) -> None:
    assert read(store, now) == overview.Overview({}, {}, {}, None, None, None, None)


def test_deliveries_are_summed_by_both_states_and_named_only_where_a_campaign_lives(
    store: Store, now: datetime
) -> None:
    people = crowd.made_list(store, now, 3)
    first = crowd.made_campaign(store, now, people, name="first")
    crowd.made_campaign(store, now, people, name="second")
    crowd.campaign_state(store, crowd.made_campaign(store, now, people, name="done"), CampaignState.FINISHED)
    held = crowd.made_campaign(store, now, people, name="held")
    crowd.campaign_state(store, held, CampaignState.PAUSED)
    found = read(store, now)
    queued = DeliveryState.QUEUED
    assert found.deliveries == {
        (CampaignState.SENDING, queued): 6,
        (CampaignState.FINISHED, queued): 3,
        (CampaignState.PAUSED, queued): 3,
    }
    assert found.live == {(first, queued): 3, (first + 1, queued): 3, (held, queued): 3}
    assert found.campaigns == {CampaignState.SENDING: 2, CampaignState.FINISHED: 1, CampaignState.PAUSED: 1}


def test_what_has_waited_longest_is_told(store: Store, now: datetime) -> None:
    people = crowd.made_list(store, now, 3)
    crowd.made_campaign(store, now, people, name="young", launched_at=now - MINUTE)
    number = crowd.made_campaign(store, now, people, name="old", launched_at=now - 9 * MINUTE)
    crowd.made_campaign(store, now, people, name="due", state=CampaignState.SCHEDULED, due_at=now - 2 * MINUTE)
    crowd.made_campaign(store, now, people, name="later", state=CampaignState.SCHEDULED, due_at=now + 2 * MINUTE)
    with store.writing() as session:
        facts = {"lease_until": now + MINUTE, "now": now, "only": number}
        claimed = claims.claim(session, limit=2, token="t", **facts)  # type: ignore[arg-type]
        due = [now - 3 * MINUTE, now + 3 * MINUTE]
        for each, at in zip(claimed, due, strict=True):
            deferred = Result(each.delivery_id, "t", DeliveryState.DEFERRED, now, due_at=at)
            assert settlements.settle(session, [deferred], now)
    with store.writing() as session:
        assert claims.claim(session, limit=1, token="u", lease_until=now + MINUTE, now=now - 4 * MINUTE, only=number)
    found = read(store, now)
    assert (found.due_since, found.retry_since) == (now - 2 * MINUTE, now - 3 * MINUTE)
    assert found.lease_until == now + MINUTE
    # the old one has nothing queued any more
    assert found.queued_since == now - MINUTE
    with store.reading() as session:
        assert overview.next_retry(session, number) == now - 3 * MINUTE


@pytest.mark.parametrize("question", ["_NEXT_RETRY", "_NEXT_RETRY_OF_LANE", "_FIRST_LEASE"])
def test_no_question_scans_the_queue(sqlite_store: Store, question: str) -> None:
    statement = getattr(overview, question)
    with sqlite_store.reading() as session:
        compiled = statement.compile(session.connection(), compile_kwargs={"render_postcompile": True})
        parameters = {"campaign": 1} if "campaign" in compiled.params else {}  # a lane is bound to it too
        plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled.string.replace('?', ':campaign')}"), parameters)
        lines = [row[3] for row in plan]
    assert all(line.startswith("SEARCH delivery USING INDEX ix_delivery_") for line in lines), lines


def test_a_status_costs_the_same_however_many_there_are(sqlite_store: Store, now: datetime) -> None:
    """Both read the tallies: the same number of steps for five people and for five hundred."""
    steps = {}
    for people in (5, 500):
        group = crowd.made_list(sqlite_store, now, people, name=f"of-{people}")
        name = f"to-{people}"
        crowd.made_campaign(sqlite_store, now, group, name=name)
        with sqlite_store.reading() as session:
            driver = session.connection().connection.driver_connection
            assert driver is not None
            counted = [0]

            def count(counted: list[int] = counted) -> int:
                counted[0] += 1
                return 0

            driver.set_progress_handler(count, 1)
            figures.status(session, campaigns.by_name(session, name))
            overview.next_retry(session, 1)
            driver.set_progress_handler(None, 0)
        steps[people] = counted[0]
    assert steps[500] <= steps[5] + 20
