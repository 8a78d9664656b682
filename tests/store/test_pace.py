"""The shared pace: claims reserve times in rows that all senders read, and no limit stalls what it does not concern."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.store import candidates, claims, deliveries, holds, identities, pace, paced, settlements, slowdowns
from outreach.store.allowance import Allowance, Habits
from outreach.store.claims import Claimed
from outreach.store.database import Store, table_of
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.store.slowdowns import Change
from outreach.store.subscribers import Subscriber
from outreach.timing.limits import Limits, parse_providers
from outreach.timing.pace import Limit
from outreach.timing.slowdown import QUIET
from outreach.timing.warmup import WarmUp
from outreach.timing.ways import Way
from tests.store import crowd

LEASE = timedelta(minutes=1)


def limits(total: str | None = None, **providers: str) -> Limits:
    text = "; ".join(f"{name}={rate}" for name, rate in providers.items())
    return Limits(Limit.parse(total) if total else None, parse_providers(text))


def claimed(
    store: Store,
    now: datetime,
    kept: Limits,
    limit: int = 100,
    *,
    ways: tuple[Way, ...] = (),
    habits: Habits | None = None,
    more: list[bool] | None = None,
    permits: dict[str, list[float]] | None = None,
    **facts: Any,
) -> list[Claimed]:
    """A claim as a sender makes it, at a moment."""
    with store.writing() as session:
        pace.hold(session)
        allowance = Allowance(session, kept, at=now.timestamp(), ways=ways, habits=habits)
        facts = {"token": "a", "lease_until": now + LEASE, "now": now, **facts}
        rows = claims.claim(session, limit=limit, allowance=allowance, **facts)
    if more is not None:
        more.append(allowance.more)
    if permits is not None:
        permits.update(allowance.permits)
    return rows


def at(store: Store, people: range, domain: str) -> None:
    """Let these people have their mailboxes there."""
    table = table_of(Subscriber)
    with store.writing() as session:
        for number in people:
            values = {"email": f"p{number}@{domain}", "email_key": f"p{number}@{domain}"}
            session.execute(sa.update(table).where(table.c.id == number).values(**values))


def where(rows: list[Claimed]) -> Counter[str]:
    return Counter(row.email.rpartition("@")[2] for row in rows)


def lanes_of(store: Store, campaign: int) -> Counter[str | None]:
    return Counter(row.lane for row in crowd.rows_of(store, campaign) if row.state is DeliveryState.QUEUED)


def test_two_senders_keep_one_rate(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 100))
    kept = limits("10/s")
    given = []
    for tenth in range(0, 50, 2):  # two senders in turn, every 0.2 seconds for 5 seconds
        moment = now + timedelta(seconds=tenth / 10)
        given += [tenth / 10 + row.wait for row in claimed(store, moment, kept, token="ab"[tenth // 2 % 2])]
    assert sorted(given) == pytest.approx([n / 10 for n in range(len(given))], abs=0.11)
    assert len(given) == pytest.approx(10 * (4.8 + 1), abs=2)


def test_a_provider_that_has_enough_is_set_aside_and_the_others_go_on(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 40))
    at(store, range(1, 31), "gmail.com")
    kept, more = limits(google="5/s"), [True]
    rows = claimed(store, now, kept, 12, more=more)
    assert where(rows) == {"gmail.com": 6, "example.org": 6}
    assert [row.wait for row in rows if "gmail" in row.email] == pytest.approx([0, 0.1, 0.3, 0.5, 0.7, 0.9], abs=0.1)
    assert {row.wait for row in rows if "example" in row.email} == {0.0}
    assert lanes_of(store, campaign) == {"google": 24, None: 4}
    assert crowd.told(store, campaign) == {"claimed": 12, "queued": 28}
    assert where(claimed(store, now, kept, 12, more=more, token="b")) == {"example.org": 4}
    assert claimed(store, now, kept, 12, more=more) == []
    assert more[1:] == [True, False, False]


def test_a_lane_is_emptied_as_its_limit_allows_in_the_order_of_the_audience(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 9))
    at(store, range(1, 10), "gmail.com")
    kept = limits(google="2/s")
    people: list[str] = []
    for second in range(6):
        people += [row.email for row in claimed(store, now + timedelta(seconds=second), kept)]
    assert people == [f"p{number}@gmail.com" for number in range(1, 10)]
    assert crowd.told(store, campaign) == {"claimed": 9}


def test_lanes_are_emptied_when_there_is_no_limit_any_more(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 20))
    at(store, range(1, 21), "gmail.com")
    first = claimed(store, now, limits(google="1/s"))
    assert len(first) + len(claimed(store, now, Limits())) == 20


def test_a_claim_looks_at_a_bounded_number_of_rows(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    monkeypatch.setattr(paced, "LOOK", 25)
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 180))
    at(store, range(1, 171), "gmail.com")
    kept, more = limits(google="1/h"), []
    rows: list[Claimed] = []
    while not more or more[-1]:
        rows += claimed(store, now, kept, 10, more=more)
        assert len(more) < 9
    assert where(rows) == {"gmail.com": 1, "example.org": 10}
    assert lanes_of(store, campaign) == {"google": 169}


def test_others_do_not_wait_until_a_long_run_of_one_provider_was_set_aside(
    sqlite_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the head finds nobody who may be mailed: the next one is made elsewhere in the queue."""
    store = sqlite_store
    monkeypatch.setattr(paced, "LOOK", 10)
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1000))
    at(store, range(1, 701), "gmail.com")
    kept, habits = limits(google="1/h"), Habits()
    found = [where(claimed(store, now, kept, 5, habits=habits))["example.org"] for _ in range(8)]
    assert sum(found) >= 10
    assert lanes_of(store, campaign)["google"] < 200


def test_one_domain_for_which_each_of_the_others_stands_has_its_own_limit(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 30))
    at(store, range(1, 11), "one.example")
    at(store, range(11, 21), "two.example")
    assert where(claimed(store, now, limits(**{"*": "2/s"}))) == {"one.example": 3, "two.example": 3, "example.org": 3}


def test_a_limit_of_one_campaigns_people_leaves_room_for_another_campaign(store: Store, now: datetime) -> None:
    first = crowd.made_campaign(store, now, crowd.made_list(store, now, 20, name="a"), name="a")
    at(store, range(1, 21), "gmail.com")
    with store.writing() as session:  # the second list has people of its own
        session.execute(sa.text("UPDATE subscription SET subscriber_id = subscriber_id + 100"))
        session.execute(sa.text("UPDATE subscriber SET id = id + 100"))
        session.execute(sa.text("UPDATE delivery SET subscriber_id = subscriber_id + 100"))
    second = crowd.made_campaign(store, now, crowd.made_list(store, now, 20, name="b"), name="b")
    rows = claimed(store, now, limits(google="1/s"), 20)
    assert Counter(row.campaign_id for row in rows)[second] >= 10
    assert Counter(row.campaign_id for row in rows)[first] == 2


def test_retries_wait_in_their_providers_lane_too_and_stay_deferred(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 6))
    at(store, range(1, 5), "gmail.com")
    rows = claimed(store, now, Limits())
    with store.writing() as session:
        back = [Result(row.delivery_id, "a", DeliveryState.DEFERRED, now, due_at=now) for row in rows]
        settlements.settle(session, back, now)
    later = now + timedelta(hours=1)
    kept = limits(google="1/h")
    assert where(claimed(store, later, kept, 8)) == {"gmail.com": 1, "example.org": 2}
    assert crowd.told(store, campaign) == {"claimed": 3, "deferred": 3}
    with store.reading() as session:
        allowance = Allowance(session, kept, at=later.timestamp())
        assert not claims.claimable(session, later, allowance=allowance)
    assert where(claimed(store, later + timedelta(hours=1), kept)) == {"gmail.com": 1}


def test_people_who_left_are_excluded_wherever_they_wait_and_use_up_nothing(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 12)
    campaign = crowd.made_campaign(store, now, group)
    at(store, range(1, 11), "gmail.com")
    kept = limits(google="1/s")
    assert len(claimed(store, now, kept)) == 4
    for number in (3, 4, 5):
        crowd.subscription(store, group, number, crowd.SubscriptionState.UNSUBSCRIBED)
    rows: list[Claimed] = []
    for second in range(1, 9):
        rows += claimed(store, now + timedelta(seconds=second), kept)
    assert [row.email for row in rows] == [f"p{number}@gmail.com" for number in range(6, 11)]
    assert crowd.told(store, campaign) == {"claimed": 9, "excluded": 3}


def test_a_cancelled_campaign_cancels_what_waits_in_lanes(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 12))
    at(store, range(1, 11), "gmail.com")
    assert len(claimed(store, now, limits(google="1/s"))) == 4
    with store.writing() as session:
        assert deliveries.cancel_open(session, campaign, now) == 8
    assert crowd.told(store, campaign) == {"claimed": 4, "cancelled": 8}


# -- budgets


def test_a_days_budget_is_kept_comes_back_with_the_day_and_returns_what_was_not_tried(
    store: Store, now: datetime
) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 30))
    kept = limits("100/s,12/d")
    rows = claimed(store, now, kept)
    assert len(rows) == 12
    assert {row.budgets for row in rows} == {("all/86400",)}
    assert claimed(store, now + timedelta(hours=14), kept) == []
    with store.writing() as session:
        pace.refund(session, {"all/86400": 2}, now.timestamp())
    assert len(claimed(store, now + timedelta(hours=14), kept)) == 2
    assert len(claimed(store, now + timedelta(hours=15), kept)) == 12


def test_what_is_returned_after_its_day_is_not_added_to_the_next(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 30))
    kept, tomorrow = limits("100/s,5/d"), now + timedelta(days=1)
    claimed(store, now, kept)
    with store.writing() as session:
        pace.refund(session, {"all/86400": 5}, (now + timedelta(days=2)).timestamp())
    assert claimed(store, now, kept) == []
    assert len(claimed(store, tomorrow, kept)) == 5


def test_a_campaign_is_held_only_where_all_of_it_waits_for_another_day(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 12))
    at(store, range(1, 11), "gmail.com")
    kept = limits(google="100/s,3/d")

    def held() -> float | None:
        with store.reading() as session:
            return claims.held_until(session, campaign, Allowance(session, kept, at=now.timestamp()))

    assert held() is None
    assert len(claimed(store, now, kept, 4)) == 4
    assert held() is None  # there are others left
    assert len(claimed(store, now, kept)) == 1
    assert held() == datetime(2026, 3, 3, tzinfo=UTC).timestamp()


def test_a_slow_rate_holds_nothing_until_another_day(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    kept = limits("1/h")
    claimed(store, now, kept)
    with store.reading() as session:
        assert claims.held_until(session, campaign, Allowance(session, kept, at=now.timestamp())) is None


# -- warm-up


def test_a_new_domain_sends_as_its_warm_up_says_and_others_go_on(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 40)
    new = crowd.made_campaign(store, now, group, name="new", from_domain="new.example")
    old = crowd.made_campaign(store, now, group, name="old", from_domain="old.example")
    with store.writing() as session:
        identities.meet(session, "old.example", now - timedelta(days=90))
        identities.meet(session, "new.example", now)
        identities.meet(session, "new.example", now + timedelta(days=9))  # the first time counts
    kept = Limits(warm_up=WarmUp((5, 8)))
    assert Counter(row.campaign_id for row in claimed(store, now, kept, 40)) == {new: 5, old: 35}
    assert Counter(row.campaign_id for row in claimed(store, now, kept, 40)) == {old: 5}
    with store.reading() as session:
        allowance = Allowance(session, kept, at=now.timestamp())
        assert not claims.claimable(session, now, allowance=allowance)
        assert claims.held_until(session, new, allowance) == datetime(2026, 3, 3, tzinfo=UTC).timestamp()
    tomorrow = now + timedelta(days=1)
    assert len(claimed(store, tomorrow, kept)) == 8
    assert len(claimed(store, tomorrow + timedelta(days=1), kept)) == 27


def test_a_warm_up_tells_how_many_may_leave_today(store: Store) -> None:
    today = datetime.now(UTC)
    kept = Limits(Limit.parse("50/s,1000/d"), parse_providers("google=20/s,300/d"), WarmUp((5, 8)))
    crowd.made_campaign(store, today, crowd.made_list(store, today, 7), from_domain="new.example")
    with store.writing() as session:
        identities.meet(session, "new.example", today)
        identities.meet(session, "old.example", today - timedelta(days=9))
    claimed(store, today, kept, 3)
    with store.reading() as session:
        told = [(hold.what, hold.most, hold.left) for hold in holds.of_domain(session, "new.example", kept)]
        assert told == [
            ("the warm-up of new.example", 5, 2),
            ("the limit for everything", 1000, 997),
            ("the limit of google", 300, 300),
        ]
        assert holds.of_domain(session, "old.example", kept) == holds.of_domain(session, None, kept)
        assert [hold.what for hold in holds.of_installation(session, kept)] == [what for what, _, _ in told]


# -- relays


def test_relays_get_permits_by_weight_and_no_more_than_their_limits(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 100))
    ways = (Way("a:25", 3, Limit.parse("30/s")), Way("b:25", 1, Limit.parse("100/s")))
    permits: dict[str, list[float]] = {}
    rows = claimed(store, now, Limits(), 40, ways=ways, permits=permits)
    assert len(rows) == 40
    assert {name: len(times) for name, times in permits.items()} == {"a:25": 30, "b:25": 10}
    assert max(permits["a:25"]) == pytest.approx(0.87, abs=0.01)


def test_when_every_relay_has_enough_nothing_is_claimed(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 100))
    ways = (Way("a:25", 1, Limit.parse("10/s")), Way("b:25", 1, Limit.parse("20/s")))
    assert len(claimed(store, now, Limits(), 100, ways=ways)) == 12 + 23
    with store.reading() as session:
        assert not claims.claimable(session, now, allowance=Allowance(session, Limits(), at=now.timestamp(), ways=ways))
    free = (*ways, Way("c:25"))
    assert len(claimed(store, now, Limits(), 20, ways=free)) == 20


# -- slowing down


def noted(store: Store, at: datetime, **answers: tuple[int, int]) -> list[Change]:
    with store.writing() as session:
        pace.hold(session)
        return slowdowns.note(session, answers, at.timestamp())


def test_a_provider_that_puts_off_is_slowed_alone_and_recovers(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 60))
    at(store, range(1, 31), "gmail.com")
    assert noted(store, now, google=(2, 3), apple=(9, 0)) == []
    moment = now + timedelta(seconds=5)
    (slowed,) = noted(store, moment, google=(5, 5))  # two senders saw 7 accepted and 8 put off in 5 seconds
    assert (slowed.provider, slowed.rate) == ("google", pytest.approx(7 / 5 / 2))
    rows = claimed(store, moment, Limits())
    assert where(rows) == {"gmail.com": 1, "example.org": 30}
    with store.reading() as session:
        assert slowdowns.rates(session) == {"google": pytest.approx(0.7)}
        assert slowdowns.watched(session) == {"google"}
    changes = []
    for _ in range(4):
        moment += timedelta(seconds=5)
        changes += noted(store, moment, google=(4, 0))
    assert [change.rate for change in changes] == [
        pytest.approx(1.05),
        pytest.approx(1.575),
        pytest.approx(2.3625),
        None,
    ]
    with store.reading() as session:
        assert (slowdowns.rates(session), slowdowns.watched(session)) == ({}, set())


def test_one_that_nothing_was_heard_of_for_long_is_let_go(store: Store, now: datetime) -> None:
    noted(store, now, google=(0, 40))
    noted(store, now + timedelta(seconds=6), google=(0, 40))
    with store.writing() as session:
        assert slowdowns.forget(session, (now + timedelta(minutes=9)).timestamp()) == []
        (gone,) = slowdowns.forget(session, (now + timedelta(seconds=7 + QUIET)).timestamp())
    assert (gone.provider, gone.rate) == ("google", None)
    with store.reading() as session:
        assert slowdowns.watched(session) == set()


# -- cost


def test_lanes_and_their_rows_are_found_by_their_indexes(sqlite_store: Store) -> None:
    """Whatever was sent, and however long a lane is, finding what is next takes a few steps in an index."""
    cases = (
        (candidates.LANE_QUEUED, "ix_delivery_lane_queued"),
        (candidates.LANE_DUE, "ix_delivery_lane_deferred"),
        (candidates.LANES_QUEUED, "ix_delivery_lane_queued"),
        (candidates.LANES_DEFERRED, "ix_delivery_lane_deferred"),
    )
    with sqlite_store.reading() as session:
        for query, index in cases:
            text = str(query.compile(dialect=sqlite_store.engine.dialect))
            plan = [
                row.detail
                for row in session.execute(sa.text(f"EXPLAIN QUERY PLAN {text.replace('?', ':x')}"), {"x": 1})
            ]
            about = [line for line in plan if "delivery" in line]
            assert about, plan
            assert all("SEARCH" in line and index in line for line in about), plan
            assert not any("TEMP B-TREE" in line for line in plan), plan


def test_a_long_lane_costs_a_step_on_postgresql_too(postgresql_store: Store, now: datetime) -> None:
    store = postgresql_store
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    people = "CASE WHEN i % 2 = 0 THEN 'google' ELSE 'apple' END FROM generate_series(10, 30000) i"
    columns = "campaign_id, subscriber_id, state, attempts, lane"
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "RECURSIVE" in statement and "EXPLAIN" not in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", parameters)
            plans.extend(row[0] for row in cursor.fetchall())

    with store.writing() as session:
        session.execute(sa.text(f"INSERT INTO delivery ({columns}) SELECT {campaign}, i, 'queued', 0, {people}"))
        session.execute(sa.text("ANALYZE delivery"))
        sa.event.listen(store.engine, "before_cursor_execute", explain)
        assert candidates.lanes(session, campaign) == ["apple", "google"]
    assert plans
    assert not any("Seq Scan on delivery" in line for line in plans), plans
    assert any("ix_delivery_lane_queued" in line for line in plans)
