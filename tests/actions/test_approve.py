"""A sign-off is of one content: whatever reaches the mail makes it void, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import approve, launch, recur
from outreach.actions.compose import Defaults, Rules
from outreach.errors import OutreachError, StateError
from outreach.language import Languages
from outreach.store import campaigns, lists
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.events import Event, EventKind
from outreach.store.lists import Tracking
from tests.actions.people import ARTICLE, LAYOUT, listed, made

DEFAULTS = Defaults(
    "News <news@example.org>", None, "1 Road, Town", "https://example.org/q", "https://news.example.org"
)
#: An article that leaves to the settings what it can.
OPEN = ARTICLE.replace("sender: News <news@example.org>\n", "").replace("https://example.org/quote?a=1&b=2", "")
FOOTER = LAYOUT.replace("</body>", '<p>{{ postal_address }} {{ _("Unsubscribe") }}</p></body>')


def seen(store: Store, number: int) -> Campaign:
    with store.reading() as session:
        return campaigns.by_id(session, number)


def standing(store: Store, number: int, now: datetime, defaults: Defaults = DEFAULTS) -> bool | None:
    """Whether there is an approval, and whether it is valid."""
    found = approve.standing(store, seen(store, number), defaults=defaults, now=now)
    return found and found.valid


def approved(store: Store, now: datetime, **columns: Any) -> int:
    """A campaign that somebody has approved."""
    columns = {"article": OPEN, "layout": {"layout.html": FOOTER, "layout.css": "p { margin: 0 }"}, **columns}
    number = made(store, now, **columns)
    approve.campaign(store, number, by="  The   editor ", defaults=DEFAULTS, now=now)
    return number


def test_an_approval_says_who_and_when_and_of_what(store: Store, now: datetime) -> None:
    number = approved(store, now)
    found = approve.standing(store, seen(store, number), defaults=DEFAULTS, now=now)
    assert found is not None
    assert (found.by, found.at, found.valid, len(found.content)) == ("The editor", now, True, 64)
    assert standing(store, made(store, now, "other"), now) is None


def test_it_is_no_change_of_what_is_sent_and_it_leaves_a_fact(store: Store, now: datetime) -> None:
    number = approved(store, now)
    assert seen(store, number).updated_at == now
    assert approve.withdraw(store, number, now=now + timedelta(hours=1))
    assert not approve.withdraw(store, number, now=now + timedelta(hours=1))
    assert standing(store, number, now) is None
    with store.reading() as session:
        kept = session.execute(sa.select(Event).where(Event.campaign_id == number).order_by(Event.id)).scalars()  # type: ignore[arg-type]
        told = [(event.kind, (event.detail or {}).get("by")) for event in kept]
    assert told[-2:] == [(EventKind.APPROVED, "The editor"), (EventKind.WITHDRAWN, "The editor")]


@pytest.mark.parametrize(
    "change",
    [
        {"article": OPEN.replace("here is the news", "here is other news")},
        {"article": OPEN.replace("What is new", "What is newer")},
        {"article": OPEN.replace("language: en", "language: de")},
        {"article": OPEN.replace("quote:", "quote: https://example.org/other")},
        {"article": OPEN.replace("fallback('reader')", "fallback('you')")},
        {"article": OPEN.replace("here is", "{% if city %}here is{% endif %}")},
        {"layout": {"layout.html": FOOTER.replace("<h1>", "<h1><!-- -->"), "layout.css": "p { margin: 0 }"}},
        {"layout": {"layout.html": FOOTER, "layout.css": "p { margin: 1px }"}},
        {"subject": "Another subject"},
        {"sender": "Others <others@example.org>"},
        {"sender": "Other name <news@example.org>"},
        {"reply_to": "answers@example.org"},
    ],
)
def test_whatever_is_changed_in_the_campaign_makes_it_void(
    sqlite_store: Store, now: datetime, change: dict[str, Any]
) -> None:
    number = approved(sqlite_store, now)
    with sqlite_store.writing() as session:
        campaigns.change(session, number, now=now, **change)
    assert standing(sqlite_store, number, now) is False


@pytest.mark.parametrize(
    "changed",
    [
        replace(DEFAULTS, sender="Others <others@example.org>"),
        replace(DEFAULTS, reply_to="answers@example.org"),
        replace(DEFAULTS, postal_address="2 Road, Town"),
        replace(DEFAULTS, quote_url="https://example.org/other"),
        replace(DEFAULTS, public_url="https://other.example.org"),
        replace(DEFAULTS, languages=Languages({"en": ['msgid "Unsubscribe"\nmsgstr "Leave"\n']})),
    ],
)
def test_whatever_setting_reaches_the_mail_makes_it_void(sqlite_store: Store, now: datetime, changed: Defaults) -> None:
    number = approved(sqlite_store, now)
    assert standing(sqlite_store, number, now, changed) is False
    assert standing(sqlite_store, number, now) is True


def _another_list(store: Store, number: int, now: datetime) -> None:
    other = listed(store, now, name="others")
    with store.writing() as session:
        campaigns.change(session, number, now=now, list_id=other)


def _another_title(store: Store, number: int, now: datetime) -> None:
    with store.writing() as session:
        group = lists.by_id(session, campaigns.by_id(session, number).list_id)
        group.title = "Another title"
        session.add(group)


def _other_tracking(store: Store, number: int, now: datetime) -> None:
    with store.writing() as session:
        group = lists.by_id(session, campaigns.by_id(session, number).list_id)
        group.tracking = Tracking.OFF
        session.add(group)


@pytest.mark.parametrize("change", [_another_list, _another_title, _other_tracking])
def test_another_list_or_what_readers_see_of_it_makes_it_void(
    sqlite_store: Store, now: datetime, change: Callable[[Store, int, datetime], None]
) -> None:
    number = approved(sqlite_store, now)
    change(sqlite_store, number, now)
    assert standing(sqlite_store, number, now) is False


def test_neither_time_nor_schedule_nor_rules_nor_the_archive_make_it_void(sqlite_store: Store, now: datetime) -> None:
    number = approved(sqlite_store, now)
    with sqlite_store.writing() as session:
        campaigns.move(session, number, CampaignState.DRAFT, CampaignState.SCHEDULED, now=now, due_at=now)
        campaigns.note(session, number, public=True)
    assert standing(sqlite_store, number, now + timedelta(days=40), replace(DEFAULTS, rules=Rules(strict=True))) is True


def test_what_is_changed_back_is_what_was_approved(sqlite_store: Store, now: datetime) -> None:
    number = approved(sqlite_store, now)
    for subject, valid in (("Another", False), (None, True)):
        with sqlite_store.writing() as session:
            campaigns.change(session, number, now=now, subject=subject)
        assert standing(sqlite_store, number, now) is valid


def test_what_no_longer_compiles_is_not_what_was_approved(sqlite_store: Store, now: datetime) -> None:
    number = approved(sqlite_store, now)
    assert standing(sqlite_store, number, now, replace(DEFAULTS, quote_url=None)) is False
    with pytest.raises(OutreachError):
        approve.campaign(sqlite_store, number, by="Me", defaults=replace(DEFAULTS, quote_url=None), now=now)


def test_after_the_launch_it_is_held_against_what_was_launched(sqlite_store: Store, now: datetime) -> None:
    number = approved(sqlite_store, now)
    launch.campaign(sqlite_store, number, defaults=DEFAULTS, now=now + timedelta(days=2))
    assert standing(sqlite_store, number, now, replace(DEFAULTS, postal_address="Elsewhere")) is True
    other = made(sqlite_store, now, "other", list_id=seen(sqlite_store, number).list_id, article=OPEN)
    approve.campaign(sqlite_store, other, by="Me", defaults=DEFAULTS, now=now)
    launch.campaign(sqlite_store, other, defaults=replace(DEFAULTS, quote_url="https://example.org/z"), now=now)
    assert standing(sqlite_store, other, now) is False
    for attempt in (
        lambda: approve.campaign(sqlite_store, number, by="Me", defaults=DEFAULTS, now=now),
        lambda: approve.withdraw(sqlite_store, number, now=now),
    ):
        with pytest.raises(StateError, match="was launched"):
            attempt()


@pytest.mark.parametrize("by", ["", "  ", "x" * 201])
def test_somebody_must_be_named(sqlite_store: Store, now: datetime, by: str) -> None:
    number = made(sqlite_store, now)
    with pytest.raises(OutreachError, match="Who approves"):
        approve.campaign(sqlite_store, number, by=by, defaults=DEFAULTS, now=now)


def test_a_run_carries_the_approval_of_its_campaign_while_the_content_is_the_same(store: Store, now: datetime) -> None:
    plan = {"state": CampaignState.SCHEDULED, "cron": "0 * * * *", "timezone": "UTC", "due_at": now}
    number = approved(store, now, **plan)
    first = recur.campaign(store, seen(store, number), grace=timedelta(hours=1), now=now)
    with store.writing() as session:
        campaigns.change(session, number, now=now, subject="Another")
    later = now + timedelta(hours=1)
    second = recur.campaign(store, seen(store, number), grace=timedelta(hours=1), now=later)
    for made_run, valid in ((first, True), (second, False)):
        assert made_run is not None
        assert made_run.run is not None
        assert made_run.run.id is not None
        assert standing(store, made_run.run.id, later) is valid
