"""Preferences: what a reader is on, leaving one or all, and consent to tracking with its proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from outreach.actions import prefer
from outreach.store import consents
from outreach.store.database import Store, table_of
from outreach.store.lists import MailingList, Tracking
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from tests.web.conftest import FIREFOX
from tests.web.test_redirect import ask


def states(store: Store, person: int = 1) -> list[str]:
    """The states of a person's subscriptions, by list."""
    row = table_of(Subscription)
    with store.reading() as session:
        statement = sa.select(row.c.state).where(row.c.subscriber_id == person).order_by(row.c.list_id)
        return [state.value for state in session.execute(statement).scalars()]


def agreed(store: Store, person: int = 1) -> bool:
    """Whether a person consents to tracking."""
    with store.reading() as session:
        return session.get_one(Subscriber, person).tracking_consent


def test_the_page_shows_the_lists_and_changes_nothing(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    answer = ask(client, path("p"))
    page = lxml.html.fromstring(answer.text)
    assert answer.status_code == 200
    assert page.xpath("//ul[@class='lists']/li/h2/bdi/text()") == ["The other list", "The sample list"]
    assert "maria@example.org" not in answer.text
    assert page.xpath("//form[not(@method='post')]") == []
    assert states(sqlite_store) == ["confirmed", "confirmed"]


def test_one_list_is_left(client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store) -> None:
    answer = ask(client, path("p"), "POST", data={"leave": "2"})
    assert answer.status_code == 200
    assert "You have left “The other list”." in lxml.html.fromstring(answer.text).text_content()
    assert states(sqlite_store) == ["confirmed", "unsubscribed"]
    assert states(sqlite_store, 2) == ["confirmed", "confirmed"]


def test_all_lists_are_left(client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store) -> None:
    answer = ask(client, path("p"), "POST", data={"leave": "all"})
    assert "You are on no list of ours" in answer.text
    assert states(sqlite_store) == ["unsubscribed", "unsubscribed"]


@pytest.mark.parametrize(
    "body", [{}, {"leave": "99"}, {"leave": ""}, {"leave": "1 OR 1"}, {"tracking": "maybe"}, {"x": "y"}]
)
def test_what_means_nothing_does_nothing(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, body: dict[str, str]
) -> None:
    answer = ask(client, path("p"), "POST", data=body)
    assert (answer.status_code, 'role="status"' in answer.text) == (200, False)
    assert states(sqlite_store) == ["confirmed", "confirmed"]
    assert not agreed(sqlite_store)


def test_a_form_with_too_many_fields_does_nothing(client: Callable[..., Any], path: Callable[..., str]) -> None:
    answer = ask(client, path("p"), "POST", content="leave=1&" * 100)
    assert (answer.status_code, 'role="status"' in answer.text) == (200, False)


def test_consent_to_tracking_is_given_and_withdrawn_with_its_proof(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]], sqlite_store: Store
) -> None:
    for choice in ("on", "on", "off", "off"):
        page = ask(client, path("p"), "POST", data={"tracking": choice}).text
        assert prefer.WORDING in lxml.html.fromstring(page).text_content()
        assert agreed(sqlite_store) == (choice == "on")
        ask(client, path("l", 1, 1), headers={"User-Agent": FIREFOX})
        assert hits()[-1].delivery_id == (1 if choice == "on" else None)
    assert [hit.delivery_id for hit in hits()] == [None] * 4  # who withdraws is taken out of what was kept
    with sqlite_store.reading() as session:
        acts = consents.of_person(session, 1)
    assert [(act["purpose"].value, act["act"].value, act["wording"], act["source"]) for act in acts] == [
        ("tracking", "given", prefer.WORDING, "preferences page"),
        ("tracking", "withdrawn", "", "preferences page"),
    ]


def test_nobody_is_asked_where_no_list_counts_by_person(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    with sqlite_store.writing() as session:
        session.execute(sa.update(table_of(MailingList)).values(tracking=Tracking.AGGREGATE))
    assert prefer.WORDING not in ask(client, path("p", 1)).text
    assert "Stop keeping my clicks" in ask(client, path("p", 2)).text  # whoever agreed can always withdraw


def test_a_test_mail_and_a_stranger(client: Callable[..., Any], path: Callable[..., str]) -> None:
    assert "test mail" in ask(client, path("p", 0)).text
    assert "You are on no list" in ask(client, path("p", 4711)).text
    assert ask(client, "/p/" + path("u")[3:]).status_code == 404
