"""A launch freezes the audience once, stores all that senders read, or writes nothing and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from outreach.actions import launch, resume
from outreach.actions.compose import Defaults
from outreach.errors import NotFound, OutreachError, StateError
from outreach.message.compiled import Compiled
from outreach.store import campaigns, deliveries, links, lists
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.lists import Tracking
from tests.actions.people import ARTICLE, LAYOUT, listed, made

DEFAULTS = Defaults(
    sender="News <news@example.org>",
    reply_to=None,
    postal_address="1 Example Street",
    quote_url="https://example.org/quote",
    public_url="https://news.example.org",
)
DRAFT, SCHEDULED, SENDING, PAUSED = (
    CampaignState.DRAFT,
    CampaignState.SCHEDULED,
    CampaignState.SENDING,
    CampaignState.PAUSED,
)


def seen(store: Store, campaign_id: int) -> Campaign:
    with store.reading() as session:
        return campaigns.by_id(session, campaign_id)


def refused(store: Store, campaign_id: int, now: datetime, defaults: Defaults = DEFAULTS) -> str:
    """The refusal of a launch, after which the campaign is as it was."""
    before = seen(store, campaign_id).model_dump()
    with pytest.raises(OutreachError) as refusal:
        launch.campaign(store, campaign_id, defaults=defaults, now=now)
    assert seen(store, campaign_id).model_dump() == before
    with store.reading() as session:
        assert sum(deliveries.tallies(session, campaign_id).values()) == 0
        with pytest.raises(NotFound):
            campaigns.compiled(session, campaign_id)
    return f"{refusal.value.message} {refusal.value.hint or ''}"


def test_a_launch_stores_message_links_and_audience_together(store: Store, now: datetime) -> None:
    number = made(store, now, list_id=listed(store, now, people=3))
    outcome = launch.campaign(store, number, defaults=DEFAULTS, now=now)
    assert (outcome.result, outcome.queued) == (launch.Result.LAUNCHED, 3)
    assert (seen(store, number).state, seen(store, number).launched_at) == (SENDING, now)
    with store.reading() as session:
        compiled = Compiled.from_bytes(campaigns.compiled(session, number))
        kept = links.of_campaign(session, number)
        assert deliveries.tallies(session, number)[DeliveryState.QUEUED] == 3
    assert [(link.number, link.role, link.url) for link in kept] == [
        (link.number, link.role, link.url) for link in compiled.links
    ]
    assert [(link.role, link.url) for link in kept] == [("quote", "https://example.org/quote?a=1&b=2")]


def test_launching_twice_changes_nothing(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now)
    later = launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now + timedelta(hours=1))
    assert later.result is launch.Result.ALREADY
    assert seen(sqlite_store, number).launched_at == now


def test_a_list_without_tracking_gets_plain_links(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, list_id=listed(sqlite_store, now, tracking=Tracking.OFF))
    launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now)
    with sqlite_store.reading() as session:
        assert links.of_campaign(session, number) == []


def test_an_empty_list_is_refused(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, list_id=listed(sqlite_store, now, people=0))
    assert "is empty" in refused(sqlite_store, number, now)


def test_a_list_of_people_who_never_agreed_is_refused_with_what_to_do(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, list_id=listed(sqlite_store, now, people=2, state="unconfirmed"))
    words = refused(sqlite_store, number, now)
    assert "Nobody of the 2" in words
    assert "--consent" in words


def test_no_sender_is_refused_with_the_setting(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, article=ARTICLE.replace("sender: News <news@example.org>\n", ""))
    nobody = Defaults(None, None, "", None, "https://news.example.org")
    assert "OUTREACH_FROM" in refused(sqlite_store, number, now, nobody)


def test_a_quote_link_that_leads_nowhere_is_refused(sqlite_store: Store, now: datetime) -> None:
    article = ARTICLE.replace("quote: https://example.org/quote?a=1&b=2", "quote: ''")
    number = made(sqlite_store, now, article=article)
    nowhere = Defaults("News <news@example.org>", None, "", None, "https://news.example.org")
    assert "quote" in refused(sqlite_store, number, now, nowhere)
    launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now)
    with sqlite_store.reading() as session:
        assert [link.url for link in links.of_campaign(session, number)] == ["https://example.org/quote"]


def test_a_field_that_somebody_lacks_is_refused_by_name(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, article=ARTICLE.replace("here is the news", "here is the news of {{ city }}"))
    words = refused(sqlite_store, number, now)
    assert "'city' is printed without a fallback" in words


def test_a_mail_that_nobody_can_leave_is_refused(sqlite_store: Store, now: datetime) -> None:
    layout = {"layout.html": LAYOUT.replace("{{ links.unsubscribe }}", "https://example.org/"), "layout.css": ""}
    number = made(sqlite_store, now, layout=layout)
    assert "unsubscribe" in refused(sqlite_store, number, now)


def test_what_a_careful_sender_would_mend_is_told(sqlite_store: Store, now: datetime) -> None:
    nowhere = replace(DEFAULTS, postal_address="")
    number = made(sqlite_store, now)
    told = launch.campaign(sqlite_store, number, defaults=nowhere, now=now).warnings
    assert [fault.code for fault in told] == ["no-postal-address"]
    assert seen(sqlite_store, number).warnings == [fault.as_dict() for fault in told]


def test_an_audience_that_would_be_refused_is_told_beforehand(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, list_id=listed(sqlite_store, now, state="unconfirmed"))
    with pytest.raises(StateError, match="Nobody of the 1"):
        launch.require_audience(sqlite_store, number)


def test_a_list_that_is_being_imported_is_waited_for(sqlite_store: Store, now: datetime) -> None:
    list_id = listed(sqlite_store, now)
    number = made(sqlite_store, now, list_id=list_id)
    with sqlite_store.writing() as session:
        lists.begin_import(session, list_id, "digest", now)
    assert launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now).result is launch.Result.WAITING
    assert seen(sqlite_store, number).state is DRAFT


def test_a_schedule_that_changed_under_the_clock_is_left_alone(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=SCHEDULED, due_at=now + timedelta(days=1))
    outcome = launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now, due=now)
    assert outcome.result is launch.Result.CHANGED
    assert seen(sqlite_store, number).state is SCHEDULED


@pytest.mark.parametrize("state", ["finished", "cancelled"])
def test_what_has_ended_is_not_launched_again(sqlite_store: Store, now: datetime, state: str) -> None:
    number = made(sqlite_store, now, state=CampaignState(state), launched_at=now)
    with pytest.raises(StateError, match=state):
        launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now)


def test_a_recurring_campaign_is_not_launched_itself(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=SCHEDULED, cron="0 9 * * *", timezone="UTC", due_at=now)
    assert "recurs" in refused(sqlite_store, number, now)


def test_resuming_goes_on_where_sending_had_begun(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=PAUSED, launched_at=now, reason="the relay refused everybody")
    assert resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now) is resume.Result.SENDING
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).reason) == (SENDING, None)
    assert resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now) is resume.Result.ALREADY


def test_resuming_a_missed_schedule_launches_now(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, state=PAUSED, due_at=now - timedelta(days=1), reason="missed")
    assert resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now) is resume.Result.SENDING
    assert seen(sqlite_store, number).launched_at == now


def test_resuming_before_its_time_waits_for_it(sqlite_store: Store, now: datetime) -> None:
    due = now + timedelta(days=1)
    number = made(sqlite_store, now, state=PAUSED, due_at=due, not_after=due + timedelta(minutes=5))
    assert resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now) is resume.Result.SCHEDULED
    assert (seen(sqlite_store, number).due_at, seen(sqlite_store, number).state) == (due, SCHEDULED)


def test_resuming_a_recurring_campaign_makes_up_for_nothing(sqlite_store: Store, now: datetime) -> None:
    before = now - timedelta(days=3)
    number = made(sqlite_store, now, state=PAUSED, cron="0 12 * * *", timezone="UTC", due_at=before)
    assert resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now) is resume.Result.SCHEDULED
    assert seen(sqlite_store, number).due_at == now + timedelta(hours=3)


def test_a_draft_has_nothing_to_resume(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    with pytest.raises(StateError, match="draft"):
        resume.campaign(sqlite_store, number, defaults=DEFAULTS, now=now)
