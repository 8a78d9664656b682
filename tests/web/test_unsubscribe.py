"""Leaving by the link in a mail: looking changes nothing, one POST of any kind acts and may be repeated (RFC 8058)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import lxml.html
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from outreach.store.consents import Consent
from outreach.store.database import Store, table_of
from outreach.store.events import Event
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.web import form
from tests.web.test_redirect import ask

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def state(sqlite_store: Store) -> Callable[..., Any]:
    """The state of a person's subscription."""

    def read(person: int = 1, list_id: int = 1) -> str:
        row = table_of(Subscription)
        where = (row.c.subscriber_id == person, row.c.list_id == list_id)
        with sqlite_store.reading() as session:
            return str(session.execute(sa.select(row.c.state).where(*where)).scalar_one().value)

    return read


def proofs(store: Store) -> tuple[int, int]:
    """How many consents and events there are."""
    with store.reading() as session:
        return tuple(  # type: ignore[return-value]
            session.execute(sa.select(sa.func.count()).select_from(table_of(each))).scalar_one()
            for each in (Consent, Event)
        )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(
    client: Callable[..., Any],
    path: Callable[..., str],
    state: Callable[..., str],
    sqlite_store: Store,
    *,
    method: str,
) -> None:
    answer = ask(client, path("u"), method)
    assert answer.status_code == 200
    assert state() == "confirmed"
    assert proofs(sqlite_store) == (0, 0)


def test_the_first_button_leaves_and_the_page_shows_no_address(
    client: Callable[..., Any], path: Callable[..., str]
) -> None:
    page = ask(client, path("u")).text
    forms = lxml.html.fromstring(page).forms
    assert dict(forms[0].fields) == {}
    assert forms[0].text_content().strip() == "Unsubscribe"
    assert {form.method for form in forms} == {"POST"}
    assert "The sample list" in page
    assert "maria@example.org" not in page
    assert "m•••@example.org" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "request_",
    [
        {"content": ONE_CLICK, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
        {"content": ONE_CLICK, "headers": {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": ""}},
        {"content": ONE_CLICK, "headers": {"User-Agent": "a mail client/1.0"}},
        {"content": b"\xff\xfe nonsense", "headers": {"Content-Type": "text/plain"}},
    ],
    ids=["urlencoded", "multipart", "empty", "empty agent", "no type", "nonsense"],
)
def test_one_post_of_any_kind_is_enough(
    client: Callable[..., Any], path: Callable[..., str], state: Callable[..., str], request_: dict[str, Any]
) -> None:
    answer = ask(client, path("u"), "POST", **request_)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "You have left" in answer.text
    assert (state(), state(2), state(1, 2)) == ("unsubscribed", "confirmed", "confirmed")


def test_leaving_again_changes_nothing_and_says_the_same(
    client: Callable[..., Any], path: Callable[..., str], state: Callable[..., str], sqlite_store: Store
) -> None:
    first = ask(client, path("u"), "POST", content=ONE_CLICK)
    known = proofs(sqlite_store)
    second = ask(client, path("u"), "POST", content=ONE_CLICK)
    assert (second.status_code, second.content) == (200, first.content)
    assert proofs(sqlite_store) == known
    shown = ask(client, path("u"))
    assert "You have left" in shown.text
    assert "Unsubscribe</button>" not in shown.text
    assert state() == "unsubscribed"


@pytest.mark.parametrize(("content", "source"), [(ONE_CLICK, "one-click"), ("", "unsubscribe page")])
def test_the_event_names_campaign_delivery_and_whose_button_it_was(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, content: str, source: str
) -> None:
    ask(client, path("u"), "POST", content=content)
    event = table_of(Event)
    columns = (event.c.kind, event.c.campaign_id, event.c.delivery_id, event.c.list_id, event.c.subscriber_id)
    with sqlite_store.reading() as session:
        (row,) = session.execute(sa.select(*columns, event.c.detail)).all()
    assert tuple(row) == ("unsubscribed", 1, 1, 1, 1, {"source": source})


def test_other_lists_are_named_and_one_press_away(client: Callable[..., Any], path: Callable[..., str]) -> None:
    page = ask(client, path("u"), "POST").text
    assert "The other list" in page
    assert path("p") in page


def test_a_test_mail_says_so_and_changes_nothing(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    for method in ("GET", "POST"):
        answer = ask(client, path("u", 0), method)
        assert answer.status_code == 200
        assert "test mail" in answer.text
    assert proofs(sqlite_store) == (0, 0)


def test_whoever_was_erased_is_told_that_nothing_is_left(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    with sqlite_store.writing() as session:
        for model, column in ((Subscription, "subscriber_id"), (Subscriber, "id")):
            table = table_of(model)
            session.execute(sa.delete(table).where(table.c[column] == 1))
    for method in ("GET", "POST"):
        answer = ask(client, path("u"), method)
        assert (answer.status_code, "You are on no list" in answer.text) == (200, True)


@pytest.mark.parametrize("token", ["l", "p", "v"])
def test_a_token_for_another_purpose_unsubscribes_nobody(
    client: Callable[..., Any], path: Callable[..., str], state: Callable[..., str], token: str
) -> None:
    assert ask(client, "/u/" + path(token)[3:], "POST").status_code == 404
    assert state() == "confirmed"


def test_a_body_without_end_is_refused(
    client: Callable[..., Any], path: Callable[..., str], state: Callable[..., str]
) -> None:
    answer = ask(client, path("u"), "POST", content=b"x" * (form.LONGEST + 1))
    assert answer.status_code == 413
    assert "too long" in answer.text
    assert state() == "confirmed"
    assert ask(client, path("u"), "POST", content=b"x" * form.LONGEST).status_code == 200


def test_a_reader_who_hangs_up_while_posting_is_no_failure_of_ours(
    app: Starlette, path: Callable[..., str], state: Callable[..., str]
) -> None:
    said: list[Any] = []

    async def hang_up() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": path("u"), "headers": [], "query_string": b""}
    asyncio.run(app(scope, hang_up, send))
    assert said[0]["status"] == 400
    assert state() == "confirmed"


def test_a_wrong_method_is_told_that_posting_is_right(client: Callable[..., Any], path: Callable[..., str]) -> None:
    answer = ask(client, path("u"), "PUT")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_many_at_once_leave_one_proof(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    async def scene() -> list[int]:
        async with client() as http:
            answers: list[httpx.Response] = await asyncio.gather(*(http.post(path("u")) for _ in range(12)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(scene()) == [200] * 12
    assert proofs(sqlite_store) == (1, 1)
