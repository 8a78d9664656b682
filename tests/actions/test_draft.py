"""A campaign is stored whole after it was tried out, or not at all; after the launch it stays what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from outreach.actions import draft
from outreach.actions.compose import Defaults
from outreach.actions.draft import Draft
from outreach.errors import ArticleError, NameTaken, NotFound, OutreachError, PlacedError, StateError
from outreach.store import campaigns
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from tests.actions.people import ARTICLE, LAYOUT, listed, made

DEFAULTS = Defaults(None, None, "", None, "https://news.example.org")
DRAFT = Draft(
    article=("spring", ARTICLE),
    layout=("plain", {"layout.html": LAYOUT, "layout.css": "p { margin: 0 }"}),
    list_name="sample",
)


def names(store: Store) -> list[str]:
    with store.reading() as session:
        return campaigns.names(session)


def test_a_draft_keeps_article_and_layout_whole(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    made_one = draft.create(sqlite_store, "spring", replace(DRAFT, subject="Mine"), defaults=DEFAULTS, now=now)
    assert (made_one.state, made_one.subject, made_one.sender) == (CampaignState.DRAFT, "Mine", None)
    assert (made_one.article, made_one.layout["layout.html"]) == (ARTICLE, LAYOUT)


def test_a_draft_may_still_lack_the_url_of_a_link_role(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    text = ARTICLE.replace("links:\n", "links:\n  partner:\n") + "\n[Our partner](partner) and [others](others).\n"
    lacking = replace(DRAFT, article=("spring", text))
    made_one = draft.create(sqlite_store, "spring", lacking, defaults=DEFAULTS, now=now)
    assert made_one.article == text


def test_a_list_that_is_not_there_writes_nothing(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    with pytest.raises(NotFound) as refusal:
        draft.create(sqlite_store, "spring", replace(DRAFT, list_name="sampel"), defaults=DEFAULTS, now=now)
    assert "sample" in (refusal.value.hint or "")
    assert names(sqlite_store) == []


def test_a_name_is_used_once(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    draft.create(sqlite_store, "spring", DRAFT, defaults=DEFAULTS, now=now)
    with pytest.raises(NameTaken) as refusal:
        draft.create(sqlite_store, "spring", DRAFT, defaults=DEFAULTS, now=now)
    assert "--name" in (refusal.value.hint or "")


@pytest.mark.parametrize("name", ["", "Spring", "a/b", "-x", "x-", "a b", "ä", "../x", "x" * 81, "x\n"])
def test_a_name_that_commands_cannot_say_is_refused(sqlite_store: Store, now: datetime, name: str) -> None:
    listed(sqlite_store, now)
    with pytest.raises(OutreachError, match="cannot be a campaign's name"):
        draft.create(sqlite_store, name, DRAFT, defaults=DEFAULTS, now=now)


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Spring News 2026!", "spring-news-2026"), ("car-t", "car-t"), ("Ärzte", "rzte"), ("../x", "x"), ("--", "")],
)
def test_a_name_is_made_of_any_text(text: str, slug: str) -> None:
    assert draft.slug(text) == slug


def test_broken_front_matter_is_told_with_its_line_and_writes_nothing(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    broken = ("spring", ARTICLE.replace("language: en", "language: [en"))
    with pytest.raises(ArticleError) as refusal:
        draft.create(sqlite_store, "spring", replace(DRAFT, article=broken), defaults=DEFAULTS, now=now)
    assert refusal.value.line is not None
    assert names(sqlite_store) == []


@pytest.mark.parametrize("wrong", ["{{ name", "{% if name %}", "{{ name | shout }}"])
def test_a_broken_template_is_told_with_file_and_line_and_writes_nothing(
    sqlite_store: Store, now: datetime, wrong: str
) -> None:
    listed(sqlite_store, now)
    broken = ("spring", ARTICLE.replace("here is the news", wrong))
    with pytest.raises(PlacedError) as refusal:
        draft.create(sqlite_store, "spring", replace(DRAFT, article=broken), defaults=DEFAULTS, now=now)
    assert refusal.value.file is not None
    assert refusal.value.line is not None
    assert names(sqlite_store) == []


def test_what_settings_still_lack_does_not_hinder_a_draft(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    article = ARTICLE.replace("sender: News <news@example.org>\n", "").replace(
        "quote: https://example.org/quote?a=1&b=2", "quote: ''"
    )
    draft.create(sqlite_store, "spring", replace(DRAFT, article=("spring", article)), defaults=DEFAULTS, now=now)
    assert names(sqlite_store) == ["spring"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "x" * 501}, "The subject has 501 characters"),
        ({"article": ("spring", ARTICLE + "\0")}, "The article holds characters that are no text"),
        ({"subject": "half \udce4"}, "The subject holds characters that are no text"),
        ({"article": ("x" * 256, ARTICLE)}, "The article name has 256"),
    ],
)
def test_what_a_database_cannot_keep_is_refused(
    store: Store, now: datetime, change: dict[str, Any], words: str
) -> None:
    listed(store, now)
    with pytest.raises(OutreachError, match=words):
        draft.create(store, "spring", replace(DRAFT, **change), defaults=DEFAULTS, now=now)


def test_an_update_replaces_what_is_given_and_keeps_the_rest(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    listed(sqlite_store, now, name="other")
    made_one = draft.create(sqlite_store, "spring", replace(DRAFT, subject="Mine"), defaults=DEFAULTS, now=now)
    assert made_one.id is not None
    newer = ARTICLE.replace("the news", "the latest")
    changes = Draft(article=("summer", newer), list_name="other", sender="Me <me@example.org>")
    changed = draft.update(sqlite_store, made_one.id, changes, defaults=DEFAULTS, now=now)
    assert (changed.article, changed.article_name, changed.subject) == (newer, "summer", "Mine")
    assert (changed.sender, changed.layout["layout.html"]) == ("Me <me@example.org>", LAYOUT)
    assert changed.list_id != made_one.list_id


def test_a_broken_update_leaves_what_was_there(sqlite_store: Store, now: datetime) -> None:
    listed(sqlite_store, now)
    made_one = draft.create(sqlite_store, "spring", DRAFT, defaults=DEFAULTS, now=now)
    assert made_one.id is not None
    broken = Draft(article=("spring", ARTICLE.replace("here is", "{{ here")))
    with pytest.raises(PlacedError):
        draft.update(sqlite_store, made_one.id, broken, defaults=DEFAULTS, now=now)
    with sqlite_store.reading() as session:
        assert campaigns.by_id(session, made_one.id).article == ARTICLE


@pytest.mark.parametrize("state", ["sending", "paused", "finished"])
def test_after_the_launch_nothing_is_changed_or_deleted(sqlite_store: Store, now: datetime, state: str) -> None:
    number = made(sqlite_store, now, state=CampaignState(state), launched_at=now)
    with pytest.raises(StateError, match="fixed at launch"):
        draft.update(sqlite_store, number, Draft(subject="New"), defaults=DEFAULTS, now=now)
    with pytest.raises(StateError, match="figures stay"):
        draft.delete(sqlite_store, number, now=now)


@pytest.mark.parametrize("state", ["draft", "scheduled", "paused", "cancelled"])
def test_what_was_never_launched_can_be_deleted(sqlite_store: Store, now: datetime, state: str) -> None:
    number = made(sqlite_store, now, state=CampaignState(state))
    draft.delete(sqlite_store, number, now=now)
    assert names(sqlite_store) == []


def test_a_recurring_campaign_with_runs_stays(sqlite_store: Store, now: datetime) -> None:
    number = made(sqlite_store, now)
    made(sqlite_store, now, "spring-20260302-0900", parent_id=number)
    with pytest.raises(StateError, match="has runs"):
        draft.delete(sqlite_store, number, now=now)
