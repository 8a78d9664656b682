"""What an option says beats the article, and what the article says beats the setting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from outreach.actions import compose, specimen
from outreach.actions.compose import Defaults
from outreach.errors import ArticleError, CompileError, SettingsError
from outreach.message import splice
from outreach.store.campaigns import Campaign
from outreach.store.lists import MailingList
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from tests.actions.people import ARTICLE, LAYOUT

DEFAULTS = Defaults(
    "Setting <setting@example.com>", None, "1 Road", "https://quote.example/", "https://news.example.org"
)
BARE = ARTICLE.replace("sender: News <news@example.org>\n", "").replace("https://example.org/quote?a=1&b=2", "")


def message(now: datetime, defaults: Defaults = DEFAULTS, *, tracked: bool = False, **columns: Any) -> EmailMessage:
    """Somebody's message of a campaign with these columns."""
    values = {"name": "spring", "list_id": 1, "article_name": "spring", "article": ARTICLE, "layout_name": "plain"}
    campaign = Campaign(
        **{**values, "layout": {"layout.html": LAYOUT}, "created_at": now, "updated_at": now, **columns}
    )
    group = MailingList(name="sample", title="Sample list", created_at=now)
    compiled = compose.campaign(campaign, group, defaults, date=now, tracked=tracked)
    stamp = specimen.stamp(TokenMaker(KeyRing(b"x" * 32)), defaults.public_url, "example.org")
    found = message_from_bytes(splice.message(compiled, specimen.somebody(), stamp), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_the_sender_is_the_options_then_the_articles_then_the_settings(now: datetime) -> None:
    assert message(now, sender="Option <option@example.com>")["From"] == "Option <option@example.com>"
    assert message(now)["From"] == "News <news@example.org>"
    assert message(now, article=BARE)["From"] == "Setting <setting@example.com>"


def test_the_reply_address_is_the_options_then_the_articles_then_the_settings(now: datetime) -> None:
    setting = replace(DEFAULTS, reply_to="setting@example.com")
    article = ARTICLE.replace("language: en", "language: en\nreply_to: article@example.com")
    assert message(now, setting, article=article, reply_to="option@example.com")["Reply-To"] == "option@example.com"
    assert message(now, setting, article=article)["Reply-To"] == "article@example.com"
    assert message(now, setting)["Reply-To"] == "setting@example.com"
    assert message(now)["Reply-To"] is None


def test_the_subject_of_an_option_may_hold_jinja_too(now: datetime) -> None:
    assert message(now)["Subject"] == "News for Alex Sample"
    assert message(now, subject="Hello {{ name | upper }}")["Subject"] == "Hello ALEX SAMPLE"


def test_the_setting_fills_the_quote_link_that_the_article_leaves_open(now: datetime) -> None:
    assert "https://quote.example/" in str(message(now, article=BARE).get_body(("plain",)))
    assert "https://quote.example/" not in str(message(now).get_body(("plain",)))
    with pytest.raises(CompileError, match="'quote' has no URL"):
        message(now, replace(DEFAULTS, quote_url=None), article=BARE)


def test_without_any_sender_it_is_refused_with_what_to_do(now: datetime) -> None:
    with pytest.raises(SettingsError, match="Nobody is named as the sender of 'spring'") as refusal:
        message(now, replace(DEFAULTS, sender=None), article=BARE)
    assert "OUTREACH_FROM" in str(refusal.value.hint)


def test_a_sender_that_is_no_address_is_refused(now: datetime) -> None:
    with pytest.raises(SettingsError, match="sender 'nobody' cannot be used"):
        message(now, sender="nobody")


def test_a_broken_article_is_told_with_its_file(now: datetime) -> None:
    with pytest.raises(ArticleError, match=r"spring\.md, line"):
        message(now, article="---\ntitle: [x\n---\n\nText\n")


def test_the_date_is_the_one_given(now: datetime) -> None:
    assert message(now)["Date"].datetime == now
