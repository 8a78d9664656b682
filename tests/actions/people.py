"""Lists, people and campaigns that tests of actions and the engine start from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from outreach.audience.consent import SubscriptionState
from outreach.store import campaigns, lists
from outreach.store.campaigns import Campaign
from outreach.store.database import Store
from outreach.store.lists import MailingList
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription

#: An article that is as short as one can be and yet has everything.
ARTICLE = """---
title: Spring news
subject: News for {{ name | fallback('you') }}
preheader: What is new
sender: News <news@example.org>
language: en
links:
  quote: https://example.org/quote?a=1&b=2
---

Dear {{ name | fallback('reader') }},

here is the news.

**[Receive a Free Medical Quote](quote)**
"""


def listed(
    store: Store, now: datetime, *, name: str = "sample", people: int = 1, state: str = "confirmed", **columns: Any
) -> int:
    """A list with people on it; its number."""
    with store.writing() as session:
        group = lists.add(session, MailingList(name=name, title=name.title(), created_at=now, **columns))
        assert group.id is not None
        for index in range(people):
            email = f"person{index}@{name}.example.org"
            person = Subscriber(email=email, email_key=email, name=f"Person {index}", created_at=now, updated_at=now)
            session.add(person)
            session.flush()
            assert person.id is not None
            tie = {"list_id": group.id, "subscriber_id": person.id, "created_at": now, "changed_at": now}
            session.add(Subscription(**tie, state=SubscriptionState(state)))
        return group.id


def made(store: Store, now: datetime, name: str = "spring", *, list_id: int | None = None, **columns: Any) -> int:
    """A campaign as a row, not tried out; its number."""
    values: dict[str, Any] = {
        "name": name,
        "list_id": list_id or listed(store, now, name=f"{name}-list"),
        "article_name": "spring",
        "article": ARTICLE,
        "layout_name": "plain",
        "layout": {"layout.html": LAYOUT, "layout.css": "p { margin: 0 } a.button { color: #ffffff }"},
        "created_at": now,
        "updated_at": now,
    }
    with store.writing() as session:
        campaign = campaigns.add(session, Campaign(**{**values, **columns}))
        assert campaign.id is not None
        return campaign.id


#: A layout as short as one can be.
LAYOUT = """<!doctype html>
<html lang="{{ article.language }}"><head><meta charset="utf-8"><title>{{ article.title }}</title></head>
<body><div style="display:none">{{ article.preheader }}</div><div lang="{{ article.language }}">
<h1>{{ article.title }}</h1>{{ article.body }}
<p><a href="{{ links.unsubscribe }}">Unsubscribe</a></p></div></body></html>
"""
