"""One look stands before every launch: faults refuse, warnings are kept, a strict house wants each accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from outreach.actions import approve, launch, schedule
from outreach.actions.compose import Defaults, Rules
from outreach.errors import StateError
from outreach.message.check import wording
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.timing.schedule import resolve
from tests.actions.people import ARTICLE, LAYOUT, made

SOUND = Defaults(None, None, "1 Road, Town", None, "https://news.example.org")
#: One warning: the postal address lacks.
WARNED = replace(SOUND, postal_address="")
STRICT = replace(WARNED, rules=Rules(strict=True))
GRACE = timedelta(hours=1)
NO_LEAVE = {"layout.html": LAYOUT.replace("{{ links.unsubscribe }}", "https://example.org/"), "layout.css": ""}


def seen(store: Store, number: int) -> Campaign:
    with store.reading() as session:
        return campaigns.by_id(session, number)


def planned(store: Store, number: int, now: datetime, defaults: Defaults, *, accept: bool = False) -> Campaign:
    """Scheduled for tomorrow."""
    tomorrow = resolve("2026-03-03 09:00", "UTC", now=now)
    return schedule.at(store, number, tomorrow, schedule.Terms(defaults, GRACE, accept=accept), now=now)


def codes(found: list[dict[str, str]] | None) -> list[str] | None:
    return None if found is None else [warning["code"] for warning in found]


def test_a_fault_refuses_the_schedule_with_all_that_is_to_be_mended(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, layout=NO_LEAVE, article=ARTICLE.replace("https://example.org/quote?a=1&b=2", ""))
    with pytest.raises(StateError, match="unsubscribe link") as refusal:
        planned(sqlite_store, number, now, SOUND)
    assert "'quote' has no URL" in refusal.value.message
    assert "campaign check spring" in (refusal.value.hint or "")
    assert (seen(sqlite_store, number).state, seen(sqlite_store, number).warnings) == (CampaignState.DRAFT, None)


def test_no_acceptance_helps_against_a_fault(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, layout=NO_LEAVE)
    with pytest.raises(StateError, match="unsubscribe"):
        launch.campaign(sqlite_store, number, defaults=STRICT, now=now, accept=True)


def test_warnings_are_kept_with_the_campaign_at_schedule_and_at_launch(store: Store, now: datetime) -> None:
    number = made(store, now)
    assert codes(planned(store, number, now, WARNED).warnings) == ["no-postal-address"]
    assert seen(store, number).accepted is None
    launch.campaign(store, number, defaults=SOUND, now=now)
    assert seen(store, number).warnings == []


def test_a_strict_house_wants_warnings_accepted(store: Store, now: datetime) -> None:
    number = made(store, now)
    for attempt in (
        lambda: planned(store, number, now, STRICT),
        lambda: launch.campaign(store, number, defaults=STRICT, now=now),
    ):
        with pytest.raises(StateError, match="postal address") as refusal:
            attempt()
        assert "--accept" in (refusal.value.hint or "")
    assert codes(planned(store, number, now, STRICT, accept=True).accepted) == ["no-postal-address"]
    assert launch.campaign(store, number, defaults=STRICT, now=now).result is launch.Result.LAUNCHED
    assert codes(seen(store, number).accepted) == ["no-postal-address"]


def test_what_was_accepted_holds_for_exactly_these_warnings(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    planned(sqlite_store, number, now, STRICT, accept=True)
    rules = wording.parse("any: {never: [{words: [news]}]}", file="rules.yaml")
    changed = replace(STRICT, rules=Rules(strict=True, wording=rules))
    with pytest.raises(StateError, match="News"):
        launch.campaign(sqlite_store, number, defaults=changed, now=now)


def test_a_sound_campaign_needs_no_acceptance_in_a_strict_house(sqlite_store: Store, now: datetime) -> None:
    strict = replace(SOUND, rules=Rules(strict=True))
    assert planned(sqlite_store, made(sqlite_store, now), now, strict).warnings == []


def test_a_publishers_own_rule_may_refuse(sqlite_store: Store, now: datetime) -> None:
    rules = wording.parse("en: {never: [{words: [the news], severity: error, reason: No news.}]}", file="rules.yaml")
    owned = replace(SOUND, rules=Rules(wording=rules))
    with pytest.raises(StateError, match=r"here is the news.*No news"):
        planned(sqlite_store, made(sqlite_store, now), now, owned)


def test_nothing_leaves_unapproved_where_approval_is_required(store: Store, now: datetime) -> None:
    asks = replace(SOUND, rules=Rules(approval=True))
    number = made(store, now)
    for attempt in (
        lambda: planned(store, number, now, asks),
        lambda: launch.campaign(store, number, defaults=asks, now=now),
    ):
        with pytest.raises(StateError, match="Nobody has approved") as refusal:
            attempt()
        assert "campaign approve spring" in (refusal.value.hint or "")
    approve.campaign(store, number, by="Editor", defaults=asks, now=now)
    planned(store, number, now, asks)
    with store.writing() as session:
        campaigns.change(session, number, now=now, subject="Another")
    with pytest.raises(StateError, match="changed since Editor approved it"):
        launch.campaign(store, number, defaults=asks, now=now)
    approve.campaign(store, number, by="Editor", defaults=asks, now=now)
    assert launch.campaign(store, number, defaults=asks, now=now).result is launch.Result.LAUNCHED


def test_no_person_stands_in_the_reason_of_a_refusal(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now, article=ARTICLE.replace("here is", "{{ clinic }}"))
    with pytest.raises(StateError, match="'clinic' is printed without a fallback") as refusal:
        planned(sqlite_store, number, now, SOUND)
    assert "@" not in refusal.value.message
