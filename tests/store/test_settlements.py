"""Settling: only what is still held, with exact tallies, whatever the order of things."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.replies.smtp import Stage
from outreach.store import attempts, claims, deliveries, settlements
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event, EventKind
from outreach.store.settlements import Result
from outreach.store.suppressions import Suppression, SuppressionReason
from tests.store import crowd
from tests.store.test_claims import LEASE, claimed, settled


def test_an_accepted_message_is_sent_with_the_servers_words(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    (row,) = claimed(store, now)
    at = now + timedelta(seconds=3)
    result = Result(row.delivery_id, "a", DeliveryState.SENT, at, code=250, enhanced="2.0.0", reply="queued as 7")
    assert settled(store, at, result) == [row.delivery_id]
    (found,) = crowd.rows_of(store, campaign)
    assert (found.state, found.sent_at, found.settled_at, found.attempts) == (DeliveryState.SENT, at, at, 1)
    assert (found.code, found.enhanced, found.reply) == (250, "2.0.0", "queued as 7")
    assert (found.claim, found.lease_until, found.due_at, found.first_at) == (None, None, None, at)
    assert crowd.told(store, campaign) == {"sent": 1}


def test_who_does_not_hold_the_claim_settles_nothing(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    (row,) = claimed(store, now)
    assert settled(store, now, Result(row.delivery_id, "other", DeliveryState.SENT, now)) == []
    assert settled(store, now, Result(row.delivery_id + 1, "a", DeliveryState.SENT, now)) == []
    assert crowd.told(store, campaign) == {"claimed": 1}
    mine = Result(row.delivery_id, "a", DeliveryState.SENT, now)
    assert settled(store, now, mine, mine) == [row.delivery_id]
    assert settled(store, now, mine) == []
    assert crowd.told(store, campaign) == {"sent": 1}


def test_a_message_that_was_not_tried_keeps_the_words_of_its_last_attempt(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    (row,) = claimed(store, now)
    words = {"code": 451, "enhanced": "4.7.1", "reply": "later", "reason": "greylisted"}
    settled(store, now, Result(row.delivery_id, "a", DeliveryState.DEFERRED, now, due_at=now, **words))
    claimed(store, now, token="b")
    settled(store, now, Result(row.delivery_id, "b", DeliveryState.QUEUED, now, attempted=False))
    (found,) = crowd.rows_of(store, campaign)
    assert (found.state, found.attempts, found.code, found.reply) == (DeliveryState.QUEUED, 1, 451, "later")


def test_what_did_not_end_well_is_kept_attempt_by_attempt_and_what_did_is_not(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    first, second, third = claimed(store, now)
    words = {"code": 451, "enhanced": "4.7.1", "reply": "later", "stage": Stage.RCPT, "relay": "mail.example.org"}
    sent = Result(second.delivery_id, "a", DeliveryState.SENT, now, code=250, relay="mail.example.org")
    back = Result(third.delivery_id, "a", DeliveryState.QUEUED, now, attempted=False)
    put_off = Result(first.delivery_id, "a", DeliveryState.DEFERRED, now, "greylisted", due_at=now, **words)
    settled(store, now, put_off, sent, back)
    claimed(store, now, token="b")
    late = Result(first.delivery_id, "a", DeliveryState.FAILED, now)  # a claim that was lost leaves no attempt either
    settled(store, now, Result(first.delivery_id, "b", DeliveryState.FAILED, now, "x" * 300), late)
    with store.reading() as session:
        made = attempts.of_deliveries(session, [row.delivery_id for row in (first, second, third)])
        assert session.get_one(Delivery, second.delivery_id).relay == "mail.example.org"
    assert [(row["delivery_id"], row["state"], row["reason"]) for row in made] == [
        (first.delivery_id, DeliveryState.DEFERRED, "greylisted"),
        (first.delivery_id, DeliveryState.FAILED, "x" * 200),
    ]
    assert {name: made[0][name] for name in words} == words


def test_what_comes_back_to_a_cancelled_campaign_is_cancelled(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 4))
    rows = claimed(store, now, 3)
    crowd.campaign_state(store, campaign, CampaignState.CANCELLED)
    with store.writing() as session:
        deliveries.cancel_open(session, campaign, now)
    states = (DeliveryState.SENT, DeliveryState.DEFERRED, DeliveryState.QUEUED)
    settled(
        store,
        now,
        *(Result(row.delivery_id, "a", state, now, due_at=now) for row, state in zip(rows, states, strict=True)),
    )
    assert crowd.told(store, campaign) == {"sent": 1, "cancelled": 3}


def test_a_hard_bounce_suppresses_the_address(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 2)
    first, second = (crowd.made_campaign(store, now, group, name=name) for name in "ab")
    row = claimed(store, now, only=first)[0]
    settled(store, now, Result(row.delivery_id, "a", DeliveryState.BOUNCED, now, "no such mailbox", 550, "5.1.1", "no"))
    assert crowd.told(store, first) == {"claimed": 1, "bounced": 1}
    assert crowd.told(store, second) == {"queued": 1, "excluded": 1}
    with store.reading() as session:
        assert session.get_one(Suppression, row.email).reason is SuppressionReason.HARD_BOUNCE
        (event,) = session.execute(sa.select(Event)).scalars()
    assert (event.kind, event.delivery_id, event.subscriber_id) == (EventKind.SUPPRESSED, row.delivery_id, 1)


def test_a_lease_that_ran_out_leaves_a_doubt_and_never_a_second_copy(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    rows = claimed(store, now, 2)
    with store.writing() as session:
        assert settlements.expire(session, now + LEASE) == 0
        assert settlements.expire(session, now + LEASE + timedelta(seconds=1)) == 2
    assert crowd.told(store, campaign) == {"queued": 1, "unknown": 2}
    # the sender that held them wakes up, and is too late
    assert settled(store, now, *(Result(row.delivery_id, "a", DeliveryState.SENT, now) for row in rows)) == []
    assert crowd.told(store, campaign) == {"queued": 1, "unknown": 2}


def test_a_claim_whose_commit_was_in_doubt_is_abandoned(store: Store, now: datetime) -> None:
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    claimed(store, now, 2, token="lost")
    with store.writing() as session:
        assert settlements.abandon(session, ["lost", "never was"], now) == 2
    assert crowd.told(store, campaign) == {"queued": 3}


@pytest.mark.parametrize("seed", range(6))
def test_tallies_are_the_sum_of_the_rows_whatever_happens(store: Store, now: datetime, seed: int) -> None:
    """Random sequences of everything that moves a row; after each step, tallies == GROUP BY and nobody is lost."""
    chance = random.Random(seed)
    group, people = crowd.made_list(store, now, 12), 12
    numbers = [crowd.made_campaign(store, now, group, name=name) for name in "ab"]
    held: list[tuple[int, str]] = []

    def claim() -> None:
        token = f"{chance.random():.12f}"
        only = chance.choice([None, *numbers])
        rows = claimed(store, now, chance.randint(1, 6), token=token, only=only)
        held.extend((row.delivery_id, token) for row in rows)

    def settle() -> None:
        some = chance.sample(held, min(len(held), chance.randint(1, 5)))
        states = [state for state in DeliveryState if state not in {DeliveryState.CLAIMED, DeliveryState.EXCLUDED}]
        results = [
            Result(number, token, chance.choice(states), now, due_at=now, attempted=chance.random() < 0.8)
            for number, token in some
        ]
        settled(store, now, *results)
        # some are kept, as a sender would that was told nothing: they must not count again
        held[:] = [item for item in held if item not in some or chance.random() < 0.3]

    def leave() -> None:
        with store.writing() as session:
            deliveries.exclude_person(session, chance.randint(1, people), chance.choice([None, group]), "unsubscribed")

    def expire() -> None:
        with store.writing() as session:
            settlements.expire(session, now + (LEASE * 2 if chance.random() < 0.3 else timedelta(0)))

    def cancel() -> None:
        if chance.random() < 0.2:
            number = chance.choice(numbers)
            crowd.campaign_state(store, number, CampaignState.CANCELLED)
            with store.writing() as session:
                deliveries.cancel_open(session, number, now)

    def abandon() -> None:
        with store.writing() as session:
            settlements.abandon(session, [chance.choice(held)[1]] if held else [], now)

    def renew() -> None:
        with store.writing() as session:
            claims.renew(session, dict(held), now + LEASE)

    for _ in range(40):
        chance.choice([claim, claim, settle, settle, settle, leave, expire, cancel, abandon, renew])()
        for number in numbers:
            assert sum(crowd.tallied(store, number).values()) == people
