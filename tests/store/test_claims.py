"""Claims: fair, small, fenced by their token, and blind to campaigns and people that must not be mailed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.audience.consent import SubscriptionState
from outreach.store import candidates, claims, notices, settlements
from outreach.store.campaigns import CampaignKind, CampaignState
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.store import crowd

LEASE = timedelta(minutes=1)


def claimed(store: Store, now: datetime, limit: int = 100, *, token: str = "a", **more: Any) -> list[Claimed]:
    with store.writing() as session:
        return claims.claim(session, limit=limit, token=token, lease_until=now + LEASE, now=now, **more)


def settled(store: Store, now: datetime, *results: Result) -> list[int]:
    with store.writing() as session:
        return [result.delivery_id for result in settlements.settle(session, results, now)]


def deferred(row: Claimed, now: datetime, due_at: datetime) -> Result:
    return Result(row.delivery_id, row.claim, DeliveryState.DEFERRED, now, due_at=due_at)


def test_a_claim_brings_what_is_needed_to_write_to_the_person(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 2))
    first, second = claimed(store, now)
    assert first == Claimed(first.delivery_id, campaign, 0, None, "p1@example.org", "Person 1", "", "", {}, "a")
    assert second.email == "p2@example.org"
    assert crowd.told(store, campaign) == {"claimed": 2}
    assert {row.lease_until for row in crowd.rows_of(store, campaign)} == {now + LEASE}


def test_nothing_is_claimed_twice(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 5))
    numbers = [row.delivery_id for token in "abc" for row in claimed(store, now, 2, token=token)]
    assert len(numbers) == len(set(numbers)) == 5
    assert claimed(store, now) == []


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.SENDING])
def test_a_campaign_that_is_not_sending_claims_nothing(store: Store, now: datetime, state: CampaignState) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 2), state=state)
    with store.reading() as session:
        assert not claims.claimable(session, now)
    assert claimed(store, now) == []


def test_campaigns_share_a_claim_fairly(store: Store, now: datetime) -> None:
    large, small = (crowd.made_list(store, now, people, name=f"l{people}") for people in (30, 4))
    a, b = (crowd.made_campaign(store, now, group, name=f"c{group}") for group in (large, small))
    rows = claimed(store, now, 10, turn=1)
    assert sorted(row.campaign_id for row in rows) == [a] * 6 + [b] * 4


def test_a_claim_of_one_goes_round(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 3)
    numbers = [crowd.made_campaign(store, now, group, name=name) for name in "abc"]
    assert [claimed(store, now, 1, turn=turn)[0].campaign_id for turn in range(3)] == numbers


def test_a_claim_may_be_of_one_campaign_only(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 3)
    first, second = (crowd.made_campaign(store, now, group, name=name) for name in "ab")
    assert {row.campaign_id for row in claimed(store, now, only=second)} == {second}
    assert crowd.told(store, first) == {"queued": 3}


def test_people_who_left_since_the_launch_are_excluded_on_the_way(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 4)
    campaign = crowd.made_campaign(store, now, group)
    crowd.subscription(store, group, 1, SubscriptionState.UNSUBSCRIBED)
    crowd.suppressed(store, 2, now)
    assert [row.email for row in claimed(store, now)] == ["p3@example.org", "p4@example.org"]
    assert crowd.told(store, campaign) == {"claimed": 2, "excluded": 2}
    assert [row.reason for row in crowd.rows_of(store, campaign)[:2]] == ["unsubscribed", "suppressed"]


def test_a_deferred_one_waits_for_its_time(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    due = now + timedelta(minutes=5)
    settled(store, now, deferred(claimed(store, now)[0], now, due))
    assert crowd.told(store, campaign) == {"deferred": 1}
    assert claimed(store, due - timedelta(seconds=1)) == []
    with store.reading() as session:
        assert not claims.claimable(session, due - timedelta(seconds=1))
        assert claims.claimable(session, due)
    (again,) = claimed(store, due, token="b")
    assert (again.attempts, again.first_at, again.claim) == (1, now, "b")
    assert crowd.told(store, campaign) == {"claimed": 1}


def test_retries_that_are_due_leave_room_for_first_attempts(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 20))
    settled(store, now, *(deferred(row, now, now) for row in claimed(store, now, 10)))
    assert sorted(row.attempts for row in claimed(store, now, 8)) == [0] * 4 + [1] * 4


def test_a_claim_holds_at_most_256(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 300))
    assert len(claimed(store, now, 1000)) == claims.LARGEST


def test_renewing_tells_what_is_still_held(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    rows = claimed(store, now)
    settled(store, now, Result(rows[0].delivery_id, "a", DeliveryState.SENT, now))
    later = now + timedelta(minutes=2)
    with store.writing() as session:
        kept = claims.renew(session, {row.delivery_id: "a" for row in rows}, later)
        assert claims.renew(session, {rows[1].delivery_id: "other"}, now) == set()
    assert kept == {row.delivery_id for row in rows[1:]}
    assert [row.lease_until for row in crowd.rows_of(store, campaign)] == [None, later, later]


def test_a_claim_passes_over_what_another_is_taking(postgresql_store: Store, now: datetime) -> None:
    store = postgresql_store
    group = crowd.made_list(store, now, 4)
    campaign = crowd.made_campaign(store, now, group)
    with store.writing() as first, store.writing() as second:
        mine = claims.claim(first, limit=2, token="a", lease_until=now + LEASE, now=now)
        yours = [row.id for _, rows in candidates.common(second, campaign, group, 9, now) for row in rows]
        assert len(mine) == len(yours) == 2
        assert {row.delivery_id for row in mine}.isdisjoint(yours)


def test_a_claim_uses_the_partial_index(sqlite_store: Store, now: datetime) -> None:
    with sqlite_store.reading() as session:
        for query, index in ((candidates.QUEUED, "ix_delivery_queued"), (candidates.DUE, "ix_delivery_deferred")):
            text = query.compile(dialect=sqlite_store.engine.dialect)
            facts = {"campaign": 1, "list": 1, "now": "2026-03-02", "most": 9}
            plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}".replace("?", ":x")), {"x": 1})
            assert any(index in row.detail for row in plan), (facts, str(text))


def test_a_notice_goes_first_and_to_whoever_asked_for_it(store: Store, now: datetime) -> None:
    """Who is unconfirmed, has left or bounced gets the mail that they confirm by, before an earlier newsletter."""
    group = crowd.made_list(store, now, 4)
    newsletter = crowd.made_campaign(store, now, group, name="spring")
    crowd.subscription(store, group, 2, SubscriptionState.UNSUBSCRIBED)
    crowd.subscription(store, group, 3, SubscriptionState.UNCONFIRMED)
    crowd.suppressed(store, 4, now)
    empty = crowd.made_list(store, now, 0, name="none")
    notice = crowd.made_campaign(store, now, empty, name="n", kind=CampaignKind.NOTICE)
    with store.writing() as session:
        for person in (2, 3, 4):
            assert notices.queue(session, notice, person)
        assert not notices.queue(session, notice, 2)
        claimed = claims.claim(session, limit=4, token="a" * 32, lease_until=now + LEASE, now=now)
    assert [(row.campaign_id, row.email) for row in claimed] == [
        (notice, "p2@example.org"),
        (notice, "p3@example.org"),
        (notice, "p4@example.org"),
        (newsletter, "p1@example.org"),
    ]
