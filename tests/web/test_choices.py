"""Fewer mails, a pause, or every list at once: from the page behind either link of a mail, and told back in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from outreach.audience.rhythm import Rhythm
from outreach.store import subscriptions
from outreach.store.campaigns import Campaign
from outreach.store.database import Store, table_of
from outreach.store.events import Event
from tests.web.test_preferences import states
from tests.web.test_redirect import ask

BOTH = pytest.mark.parametrize("kind", ["u", "p"])


def chosen(store: Store, person: int = 1) -> list[tuple[Rhythm | None, datetime | None]]:
    """What a person chose, by list."""
    with store.reading() as session:
        ties = sorted(subscriptions.of_person(session, person), key=lambda tie: tie["list_id"])
    return [(tie["at_most"], tie["paused_until"]) for tie in ties]


def status(answer: Any) -> str:
    """What the page says was done."""
    found = lxml.html.fromstring(answer.text).xpath("//*[@role='status' or @role='alert']")
    return " ".join(found[0].text_content().split()) if found else ""


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@BOTH
def test_fewer_mails_and_a_pause_are_noted_for_one_list(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, kind: str
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    answer = ask(client, path(kind), "POST", data={"less": "1", "at_most": "week", "until": day.isoformat()})
    assert answer.status_code == 200
    written = f"{day.day} {day:%B %Y}"
    assert (
        status(answer) == f"Noted for “The sample list”. At most one mail a week comes. Nothing comes before {written}."
    )
    (mine, other) = chosen(sqlite_store)
    assert mine == (Rhythm.WEEK, datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert other == (None, None)
    assert states(sqlite_store) == ["confirmed", "confirmed"]
    form = lxml.html.fromstring(ask(client, path("u")).text).xpath("//form[@class='less']")[0]
    assert dict(form.fields) == {"less": "1", "at_most": "week", "until": day.isoformat()}


@BOTH
def test_every_mail_again(client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, kind: str) -> None:
    ask(client, path(kind), "POST", data={"less": "1", "at_most": "month", "until": in_days(1)})
    answer = ask(client, path(kind), "POST", data={"less": "1", "at_most": "every", "until": ""})
    assert status(answer) == "Noted for “The sample list”. Every mail comes."
    assert chosen(sqlite_store) == [(None, None), (None, None)]


@BOTH
@pytest.mark.parametrize("until", [in_days(0), in_days(-1), in_days(400), "2026-02-30", "soon", "9999-12-31"])
def test_a_day_that_cannot_be_is_told_and_nothing_is_done(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, *, kind: str, until: str
) -> None:
    answer = ask(client, path(kind), "POST", data={"less": "1", "at_most": "week", "until": until})
    assert answer.status_code == 200
    assert "That day cannot be chosen" in status(answer)
    assert lxml.html.fromstring(answer.text).xpath("//input[@aria-invalid='true']/@id") == ["until-1"]
    assert chosen(sqlite_store) == [(None, None), (None, None)]
    assert states(sqlite_store) == ["confirmed", "confirmed"]


@BOTH
@pytest.mark.parametrize("wanted", [{"less": "99", "at_most": "week"}, {"less": "1", "at_most": "day"}, {"less": ""}])
def test_a_choice_that_means_nothing_leaves_everything_as_it_is(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, *, kind: str, wanted: dict[str, str]
) -> None:
    answer = ask(client, path(kind), "POST", data=wanted)
    assert (answer.status_code, status(answer)) == (200, "")
    assert chosen(sqlite_store) == [(None, None), (None, None)]
    assert states(sqlite_store) == ["confirmed", "confirmed"]


@BOTH
@pytest.mark.parametrize("field", ["less", "at_most", "until"])
@pytest.mark.parametrize("value", ["1\r\nBcc: x@example.com", "1\n", "a\x00b", "x" * 201])
def test_what_could_become_a_header_is_refused_whole(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, *, kind: str, field: str, value: str
) -> None:
    wanted = {"less": "1", "at_most": "week", "until": "", field: value}
    answer = ask(client, path(kind), "POST", data=wanted)
    # where the list is not one of the reader's, nothing further is read
    assert (answer.status_code, chosen(sqlite_store)[0]) == (400, (None, None))
    assert "This cannot be read" in answer.text
    assert states(sqlite_store) == ["confirmed", "confirmed"]


@BOTH
def test_all_lists_are_left_at_once_and_each_has_its_proof(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, kind: str
) -> None:
    answer = ask(client, path(kind), "POST", data={"leave": "all"})
    assert answer.status_code == 200
    assert states(sqlite_store) == ["unsubscribed", "unsubscribed"]
    event = table_of(Event)
    with sqlite_store.reading() as session:
        rows = session.execute(sa.select(event.c.list_id, event.c.campaign_id).order_by(event.c.list_id)).all()
    assert [tuple(row) for row in rows] == [(1, 1), (2, None)]  # only the list of the mail names the campaign


@BOTH
def test_the_page_after_leaving_offers_the_other_lists_and_no_way_back(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, kind: str
) -> None:
    ask(client, path("u"), "POST")
    again = ask(client, path(kind), "POST", data={"less": "1", "at_most": "week"})
    assert again.status_code == 200
    assert states(sqlite_store) == ["unsubscribed", "confirmed"]
    assert chosen(sqlite_store)[0] == (None, None)
    assert ask(client, path("u"), "POST", data={"leave": "all"}).status_code == 200
    assert states(sqlite_store) == ["unsubscribed", "unsubscribed"]


@pytest.mark.parametrize("state", ["draft", "scheduled", "sending", "paused", "finished", "cancelled"])
def test_leaving_works_from_the_mail_of_any_campaign_whatever_became_of_it(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, state: str
) -> None:
    campaign = table_of(Campaign)
    with sqlite_store.writing() as session:
        session.execute(sa.update(campaign).values(state=state, finished_at=None))
    body = {"files": {"List-Unsubscribe": (None, "One-Click")}, "headers": {"User-Agent": ""}}
    for _ in range(2):
        answer = ask(client, path("u"), "POST", **body)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
    assert states(sqlite_store) == ["unsubscribed", "confirmed"]


@BOTH
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["leave=all", "less=1&at_most=week", "tracking=on", "List-Unsubscribe=One-Click"])
def test_looking_chooses_nothing_whatever_the_address_says(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, *, kind: str, method: str, query: str
) -> None:
    prefetch = {"Sec-Purpose": "prefetch"}
    assert ask(client, f"{path(kind)}?{query}", method, headers=prefetch).status_code == 200
    assert states(sqlite_store) == ["confirmed", "confirmed"]
    assert chosen(sqlite_store) == [(None, None), (None, None)]
