"""Figures: the sums are true, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.store import campaigns, events, figures, hits, links
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState, Tally
from outreach.store.events import Event, EventKind
from outreach.store.lists import MailingList
from outreach.tracking.robot import Judgement

STATES = {"queued": 1, "sent": 10, "failed": 2, "excluded": 3}


@dataclass(frozen=True)
class Numbered:
    number: int
    role: str
    label: str
    url: str


LINKS = [
    Numbered(1, "quote", "Receive a quote", "https://clinic.example/quote?a=1&b=2"),
    Numbered(2, "accreditation", "GHA", "https://gha.example/"),
    Numbered(3, "", "x" * 600, "https://clinic.example/"),
    Numbered(4, "quote", "Ask for a quote", "https://clinic.example/quote?place=end"),
]


@pytest.fixture
def campaign(store: Store, now: datetime) -> Campaign:
    """A campaign with tallies and links."""
    with store.writing() as session:
        mailing_list = MailingList(name="sample", title="Sample", created_at=now)
        session.add(mailing_list)
        session.flush()
        assert mailing_list.id is not None
        campaign = Campaign(
            name="spring", list_id=mailing_list.id, state=CampaignState.SENDING, article_name="spring", article="",
            layout_name="default", layout={}, created_at=now, updated_at=now, launched_at=now,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        assert campaign.id is not None
        session.add_all(Tally(campaign_id=campaign.id, state=DeliveryState(s), n=n) for s, n in STATES.items())
        links.add_all(session, campaign.id, LINKS)
        return campaign


@pytest.fixture
def hit(store: Store, campaign: Campaign, now: datetime) -> Callable[..., None]:
    """Stores a hit."""

    def stored(link: int, judgement: str, reader: str, *, delivery: int | None = None, after: float = 0) -> None:
        row = {
            "campaign_id": campaign.id, "link_number": link, "at": now + timedelta(seconds=after),
            "delivery_id": delivery, "reader": reader, "client": None, "judgement": Judgement(judgement),
            "rule": "", "folded": False,
        }  # fmt: skip
        with store.writing() as session:
            hits.add_all(session, [row])

    return stored


def test_the_audience_is_the_sum_of_the_states(store: Store, campaign: Campaign) -> None:
    with store.reading() as session:
        status = figures.status(session, campaign)
    assert list(status) == ["name", "state", "audience", *DeliveryState]
    assert status["audience"] == sum(status[state] for state in DeliveryState) == 16
    assert (status["name"], status["state"], status["sent"], status["bounced"]) == ("spring", "sending", 10, 0)


def test_a_campaign_that_was_never_launched_has_zeros(store: Store, campaign: Campaign, now: datetime) -> None:
    with store.writing() as session:
        draft = campaigns.add(
            session,
            Campaign(name="draft", list_id=campaign.list_id, article_name="a", article="", layout_name="l", layout={},
                     created_at=now, updated_at=now),
        )  # fmt: skip
        report = figures.report(session, draft)
    assert report["audience"] == 0
    assert report["quote"] == {"human": 0, "suspect": 0, "machine": 0, "people": 0, "rate": 0.0}
    assert (report["links"], report["excluded_by"], report["quote_over_time"]["points"]) == ([], {}, [])


def test_the_quote_adds_up_over_its_places_and_counts_readers_once(
    store: Store, campaign: Campaign, hit: Callable[..., None]
) -> None:
    hit(1, "human", "anna")
    hit(1, "human", "anna")
    hit(4, "human", "anna")
    hit(4, "human", "of bela today", delivery=7)
    hit(1, "human", "of bela tomorrow", delivery=7)
    hit(1, "suspect", "celia")
    hit(1, "machine", "scanner")
    hit(2, "human", "dora")
    with store.reading() as session:
        report = figures.report(session, campaign)
    assert report["quote"] == {"human": 5, "suspect": 1, "machine": 1, "people": 2, "rate": 0.2}
    assert [(link["human"], link["people"]) for link in report["links"]] == [(3, 2), (1, 1), (0, 0), (2, 2)]
    assert list(report["links"][0]) == ["role", "label", "url", "human", "suspect", "machine", "people"]
    assert report["links"][0]["url"] == "https://clinic.example/quote?a=1&b=2"
    assert len(report["links"][2]["label"]) == links.LONGEST_LABEL


def test_links_may_be_kept_twice(store: Store, campaign: Campaign) -> None:
    assert campaign.id is not None
    with store.writing() as session:
        links.add_all(session, campaign.id, [Numbered(1, "quote", "New words", "https://clinic.example/new")])
        links.add_all(session, campaign.id, [])
    with store.reading() as session:
        assert [link.label for link in links.of_campaign(session, campaign.id)][:2] == ["New words", "GHA"]
        assert links.urls(session, [campaign.id])[campaign.id, 1] == "https://clinic.example/new"


def test_left_out_ones_are_counted_by_their_reason(store: Store, campaign: Campaign) -> None:
    reasons = ["unsubscribed", "suppressed", "unsubscribed"]
    with store.writing() as session:
        session.execute(
            sa.insert(table_of(Delivery)),
            [
                {"campaign_id": campaign.id, "subscriber_id": n, "state": DeliveryState.EXCLUDED, "reason": reason,
                 "attempts": 0}
                for n, reason in enumerate(reasons)
            ],
        )  # fmt: skip
    with store.reading() as session:
        assert figures.report(session, campaign)["excluded_by"] == {"unsubscribed": 2, "suppressed": 1}


def test_who_left_and_who_complained_is_counted(store: Store, campaign: Campaign, now: datetime) -> None:
    with store.writing() as session:
        for kind in (EventKind.UNSUBSCRIBED, EventKind.UNSUBSCRIBED, EventKind.COMPLAINT):
            events.append(session, kind, now, campaign_id=campaign.id, subscriber_id=1, detail={"source": "test"})
        events.append(session, EventKind.UNSUBSCRIBED, now)
    with store.reading() as session:
        report = figures.report(session, campaign)
        details = session.execute(sa.select(table_of(Event).c.detail)).scalars().all()
    assert (report["unsubscribed"], report["complaints"]) == (2, 1)
    assert details == [{"source": "test"}] * 3 + [{}]


@pytest.mark.parametrize(
    ("hours", "step", "begin"),
    [
        (1, "minute", ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"]),
        (30, "hour", ["2026-03-02T09:00:00Z", "2026-03-03T15:00:00Z"]),
        (200, "day", ["2026-03-02T00:00:00Z", "2026-03-10T00:00:00Z"]),
    ],
)
def test_the_series_has_a_readable_step(
    store: Store, campaign: Campaign, hit: Callable[..., None], *, hours: int, step: str, begin: list[str]
) -> None:
    hit(1, "human", "anna")
    hit(1, "machine", "scanner", after=1)
    hit(4, "suspect", "bela", after=hours * 3600)
    hit(2, "human", "not a quote", after=hours * 3600)
    with store.reading() as session:
        series = figures.report(session, campaign)["quote_over_time"]
    assert series["step"] == step
    assert series["points"] == [
        {"at": begin[0], "human": 1, "suspect": 0, "machine": 1},
        {"at": begin[1], "human": 0, "suspect": 1, "machine": 0},
    ]


def test_a_recurring_campaign_names_its_runs(store: Store, campaign: Campaign, now: datetime) -> None:
    with store.writing() as session:
        for name in ("spring-20260302-0900", "spring-20260309-0900"):
            campaigns.add(
                session,
                Campaign(name=name, list_id=campaign.list_id, article_name="a", article="", layout_name="l", layout={},
                         created_at=now, updated_at=now, parent_id=campaign.id),
            )  # fmt: skip
        assert figures.report(session, campaign)["runs"] == ["spring-20260309-0900", "spring-20260302-0900"]


def test_times_are_told_in_utc(store: Store, campaign: Campaign) -> None:
    with store.reading() as session:
        report = figures.report(session, campaign)
    assert (report["launched_at"], report["finished_at"]) == ("2026-03-02T09:00:00Z", None)
    assert datetime.fromisoformat(report["launched_at"]).astimezone(UTC) == campaign.launched_at
