"""Judging anew: as today's rules judge, from what is kept; what is forgotten keeps what was seen then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import forget, recount
from outreach.actions.forget import Plan
from outreach.actions.record import Ask, Recorder
from outreach.actions.recount import Recounted
from outreach.errors import NotFound
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.hits import Hit
from outreach.store.links import Link
from outreach.tracking import robot
from outreach.tracking.robot import Judgement, Signs
from tests.actions import people

BROWSER = Signs(agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
DAY = timedelta(days=1)


@pytest.fixture
def clicked(store: Store, now: datetime) -> Store:
    """Two campaigns with hits of every kind: each alone, a burst of a message, one of a client across campaigns."""
    for name, begin in (("spring", 0), ("summer", 10)):
        campaign = people.made(store, now, name, state=CampaignState.SENDING, launched_at=now)
        with store.writing() as session:
            for n in range(1, 10):
                session.add(Link(campaign_id=campaign, number=n, url=f"https://example.org/{n}"))
                values = {"campaign_id": campaign, "subscriber_id": begin + n, "state": DeliveryState.SENT}
                session.add(Delivery(id=begin + n, sent_at=now, settled_at=now, **values))
    recorder = Recorder(store)
    robots = ((BROWSER, 60), (Signs(agent=""), 60), (BROWSER, 1), (Signs(agent="curl/8"), 60),
              (Signs(agent="x", head=True), 60), (Signs(agent=BROWSER.agent, prefetch=True), 60))  # fmt: skip
    for delivery, (signs, after) in enumerate(robots, 1):
        at = now + timedelta(seconds=after + delivery / 100)
        recorder.clicks([Ask(delivery, 1, at, f"192.0.2.{delivery}", signs)])
    for link in (1, 2, 3):
        recorder.clicks([Ask(7, link, now + timedelta(minutes=5), "192.0.2.7", BROWSER)])
    for delivery in (8, 11, 12):
        recorder.clicks([Ask(delivery, 1, now + timedelta(minutes=9), "192.0.2.99", BROWSER)])
    return store


RULES = ["", "no-agent", "too-soon", "robot", "head", "prefetch", *["burst"] * 6]


def rules(store: Store) -> list[str]:
    """The rule of every hit."""
    return [row.rule for row in rows(store)]


def rows(store: Store) -> list[Any]:
    """Every hit."""
    with store.reading() as session:
        return list(session.execute(sa.select(table_of(Hit)).order_by(table_of(Hit).c.id)).all())


def spoil(store: Store, **values: Any) -> None:
    """Judge every hit wrongly."""
    with store.writing() as session:
        session.execute(sa.update(table_of(Hit)).values(folded=True, **values))


def test_what_is_right_stays_as_it_is(clicked: Store, now: datetime) -> None:
    assert rules(clicked) == RULES
    assert recount.campaign(clicked, "spring", now=now + DAY) == Recounted(10, 0, 0)
    assert rules(clicked) == RULES


@pytest.mark.parametrize(("judgement", "rule"), [(Judgement.HUMAN, ""), (Judgement.MACHINE, "burst")])
def test_what_was_judged_wrongly_is_set_right_from_what_is_kept(
    clicked: Store, now: datetime, judgement: Judgement, rule: str
) -> None:
    spoil(clicked, judgement=judgement, rule=rule)
    wrong = sum(each != rule for each in RULES[:10])
    assert recount.campaign(clicked, "spring", now=now + DAY) == Recounted(10, wrong, 0)
    assert rules(clicked) == [*RULES[:10], rule, rule]  # those of the other campaign are its own
    recount.campaign(clicked, "summer", now=now + DAY)
    assert rules(clicked) == RULES


def test_another_idea_of_too_soon_holds_for_old_hits(
    clicked: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robot, "TOO_SOON", timedelta(milliseconds=500))
    assert recount.campaign(clicked, "spring", now=now + DAY).changed == 1
    assert rules(clicked)[:4] == ["", "no-agent", "", "robot"]


def test_hits_whose_client_is_forgotten_keep_what_was_seen(clicked: Store, now: datetime) -> None:
    plan = Plan(timedelta(0), 400 * DAY, 30 * DAY)
    forget.old(clicked, plan, now=now + DAY, rest=lambda _: None)
    assert recount.campaign(clicked, "spring", now=now + DAY) == Recounted(10, 0, 10)
    assert rules(clicked) == RULES
    spoil(clicked, judgement=Judgement.HUMAN, rule="")
    done = recount.campaign(clicked, "spring", now=now + DAY)
    assert done.without_client == 10
    # What each showed by itself is written down; a burst of a message can still be seen, one of a client no more.
    assert rules(clicked) == [*RULES[:9], "", "", ""]


def test_hits_of_before_what_they_showed_was_kept_stay(clicked: Store, now: datetime) -> None:
    spoil(clicked, own_rule=None, client=None)
    assert recount.campaign(clicked, "spring", now=now + DAY) == Recounted(10, 0, 10)
    assert rules(clicked) == RULES


def test_a_campaign_without_clicks_and_one_that_is_not_there(store: Store, now: datetime) -> None:
    people.made(store, now)
    assert recount.campaign(store, "spring", now=now) == Recounted(0, 0, 0)
    with pytest.raises(NotFound):
        recount.campaign(store, "sprin", now=now)
