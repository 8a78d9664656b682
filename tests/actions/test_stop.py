"""A campaign of which too much comes back stops itself, once, and not again for what a person has seen."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from outreach.actions import resume, retry, stop
from outreach.replies.toll import StopRule
from outreach.store import campaigns, events
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.events import EventKind
from outreach.store.settlements import Result
from tests.engine.test_clock import DEFAULTS, seen, states
from tests.store import crowd
from tests.store.test_claims import claimed, settled

RULE = StopRule(share=0.10, complaints=0.05, after=20)


@pytest.fixture
def campaign(store: Store, now: datetime) -> int:
    """A campaign that is sending to 100 people."""
    return crowd.made_campaign(store, now, crowd.made_list(store, now, 100))


def ended(store: Store, now: datetime, *, sent: int = 0, failed: int = 0, bounced: int = 0) -> None:
    states = [DeliveryState.SENT] * sent + [DeliveryState.FAILED] * failed + [DeliveryState.BOUNCED] * bounced
    rows = claimed(store, now, len(states))
    settled(store, now, *(Result(row.delivery_id, "a", to, now) for row, to in zip(rows, states, strict=True)))


def stopped(store: Store, now: datetime) -> dict[int, str]:
    return stop.campaigns_gone_wrong(store, RULE, now=now)


def test_failures_and_hard_bounces_stop_it_and_the_reason_says_what_to_do(
    store: Store, now: datetime, campaign: int
) -> None:
    ended(store, now, sent=27, failed=2, bounced=1)
    assert stopped(store, now) == {}
    ended(store, now, sent=7, failed=2, bounced=1)
    assert list(stopped(store, now)) == [campaign]
    assert stopped(store, now) == {}
    found = seen(store, campaign)
    assert found.state is CampaignState.PAUSED
    assert found.reason == (
        "it stopped itself: 6 of 40 messages failed or bounced (15.0%, the limit is 10%); `outreach campaign report "
        "spring` shows what came back, `outreach campaign resume spring` goes on"
    )
    assert claimed(store, now) == []


def test_complaints_stop_it(store: Store, now: datetime, campaign: int) -> None:
    ended(store, now, sent=30)
    with store.writing() as session:
        for _ in range(2):
            events.append(session, EventKind.COMPLAINT, now, campaign_id=campaign)
    assert "2 readers complained, of 30 messages" in stopped(store, now)[campaign]


def test_after_a_person_resumed_it_only_what_comes_later_stops_it(store: Store, now: datetime, campaign: int) -> None:
    ended(store, now, sent=10, failed=10)
    assert stopped(store, now)
    resume.campaign(store, campaign, defaults=DEFAULTS, now=now)
    assert stopped(store, now) == {}
    ended(store, now, sent=28, failed=2)
    assert stopped(store, now) == {}
    ended(store, now, failed=4)
    assert "6 of 34 messages since it was resumed" in stopped(store, now)[campaign]


def test_failures_that_are_tried_again_hide_no_later_ones(store: Store, now: datetime, campaign: int) -> None:
    ended(store, now, sent=10, failed=10)
    assert stopped(store, now)
    resume.campaign(store, campaign, defaults=DEFAULTS, now=now)
    retry.failed(store, campaign, now=now)
    ended(store, now, sent=15, failed=5)
    assert "5 of 20 messages since" in stopped(store, now)[campaign]


def test_a_campaign_with_nothing_left_to_send_is_left_to_finish(store: Store, now: datetime) -> None:
    crowd.made_campaign(store, now, crowd.made_list(store, now, 20))
    ended(store, now, failed=20)
    assert stopped(store, now) == {}


def test_other_campaigns_go_on(store: Store, now: datetime, campaign: int) -> None:
    group = crowd.made_list(store, now, 30, name="other")
    other = crowd.made_campaign(store, now, group, name="other")
    for row in (rows := claimed(store, now, 30, only=other)):
        assert row.campaign_id == other
    settled(store, now, *(Result(row.delivery_id, "a", DeliveryState.FAILED, now) for row in rows[:25]))
    assert list(stop.campaigns_gone_wrong(store, RULE, now=now, only=campaign)) == []
    assert list(stopped(store, now)) == [other]
    with store.reading() as session:
        assert campaigns.by_id(session, campaign).state is CampaignState.SENDING


def test_of_several_that_notice_one_stops_it(store: Store, now: datetime, campaign: int) -> None:
    ended(store, now, failed=30)
    ready = threading.Barrier(4)
    told: list[dict[int, str]] = []

    def look() -> None:
        ready.wait(30)
        told.append(stopped(store, now))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(len(each) for each in told) == [0, 0, 0, 1]
    assert states(store, campaign) == ["paused"]
