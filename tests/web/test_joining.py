"""Joining by oneself: a form that tells nothing, a mail, and a press that confirms."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from outreach import config, materials
from outreach.audience.consent import SubscriptionState
from outreach.store import consents, subscribers, subscriptions
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from outreach.store.lists import MailingList
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import app as web
from outreach.web import joining
from outreach.web.joining import TRAP, Desk

FORM = {"email": "ada@example.org", "name": "Ada", "consent": "yes", "language": "en", TRAP: ""}


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "EVENLY", 0.0)


@pytest.fixture
def site(site: web.Site, monkeypatch: pytest.MonkeyPatch, keys: KeyRing) -> web.Site:
    monkeypatch.setenv("OUTREACH_FROM", "Clinic News <news@clinic.example>")
    desk = Desk(materials.letter(config.load()), keys.derive("joining"), keys.readers("erasure"))
    return replace(site, joining=desk)


@pytest.fixture(autouse=True)
def public(app: Any, sqlite_store: Store) -> None:
    """The list `sample` is public, `other` is not."""
    table = table_of(MailingList)
    with sqlite_store.writing() as session:
        session.execute(sa.update(table).where(table.c.name == "sample").values(public=True))


def newest(store: Store) -> int:
    with store.reading() as session:
        return int(session.execute(sa.select(sa.func.max(table_of(Delivery).c.id))).scalar_one())


def state(store: Store, email: str = "ada@example.org") -> SubscriptionState | None:
    with store.reading() as session:
        person = subscribers.by_email(session, email)
        return person and subscriptions.state(session, person.number, 1)


async def test_who_fills_in_the_form_and_confirms_is_on_the_list(
    client: Callable[..., Any], sqlite_store: Store, tokens: TokenMaker
) -> None:
    async with client() as browser:
        shown = await browser.get("/subscribe/sample")
        assert (shown.status_code, "The sample list" in shown.text) == (200, True)
        asked = await browser.post("/subscribe/sample", data={**FORM, "tracking": "yes"})
        assert (asked.status_code, "Look into your mail" in asked.text) == (200, True)
        assert state(sqlite_store) is SubscriptionState.UNCONFIRMED
        link = "/confirm/" + tokens.make(Purpose.CONFIRM, newest(sqlite_store))
        for method in ("GET", "HEAD"):
            assert (await browser.request(method, link)).status_code == 200
        assert state(sqlite_store) is SubscriptionState.UNCONFIRMED
        assert "<button" in (await browser.get(link)).text
        done = await browser.post(link)
        assert "You are on the list" in done.text
        assert state(sqlite_store) is SubscriptionState.CONFIRMED
        assert "You are on the list" in (await browser.post(link)).text
    with sqlite_store.reading() as session:
        person = subscribers.require(session, "ada@example.org")
        said = [
            (row["purpose"].value, row["act"].value, row["wording"])
            for row in consents.of_person(session, person.number)
        ]
    assert [each[:2] for each in said] == [("mail", "asked"), ("mail", "confirmed"), ("tracking", "confirmed")]
    assert said[1][2].startswith("I want to receive “The sample list”")
    assert person.tracking_consent


async def test_the_form_and_what_was_agreed_to_are_in_the_reader_s_language(
    client: Callable[..., Any], sqlite_store: Store
) -> None:
    async with client() as browser:
        shown = await browser.get("/subscribe/sample", headers={"accept-language": "de-AT,de;q=0.9"})
        assert 'value="de"' in shown.text
        await browser.post("/subscribe/sample", data={**FORM, "language": "de"})
    with sqlite_store.reading() as session:
        person = subscribers.require(session, "ada@example.org")
        (asked,) = consents.of_person(session, person.number)
    assert (person.language, asked["wording"][:12]) == ("de", "Ich möchte „")


async def test_the_answer_is_the_same_for_everybody(client: Callable[..., Any], sqlite_store: Store) -> None:
    """New, on the list, suppressed by a machine's field, too often: one answer, word for word but for the address."""
    async with client() as browser:
        answers = []
        for email in ("new@example.org", "maria@example.org", "trap@example.org", *["new@example.org"] * 5):
            trap = "http://spam.example" if email.startswith("trap") else ""
            answer = await browser.post("/subscribe/sample", data={**FORM, "email": email, TRAP: trap})
            answers.append((answer.status_code, answer.text.replace(email, "X"), dict(answer.headers)))
    for answer in answers:
        headers = {name: value for name, value in answer[2].items() if name != "content-length"}
        assert (answer[0], answer[1], headers) == (
            answers[0][0],
            answers[0][1],
            {name: value for name, value in answers[0][2].items() if name != "content-length"},
        )
    assert state(sqlite_store, "trap@example.org") is None
    assert state(sqlite_store, "maria@example.org") is SubscriptionState.CONFIRMED


async def test_the_answer_takes_the_same_time(client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "EVENLY", 0.3)
    async with client() as browser:
        for email in ("new@example.org", "maria@example.org"):
            begun = time.monotonic()
            await browser.post("/subscribe/sample", data={**FORM, "email": email})
            assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"email": "ada"}, "This is no e-mail address"),
        ({"email": ""}, "This is no e-mail address"),
        ({"consent": None}, "Without this agreement"),
    ],
)
async def test_what_is_missing_is_said_at_the_field_and_nothing_is_written(
    client: Callable[..., Any], sqlite_store: Store, given: dict[str, Any], told: str
) -> None:
    data = {key: value for key, value in {**FORM, **given}.items() if value is not None}
    async with client() as browser:
        answer = await browser.post("/subscribe/sample", data=data)
    assert (answer.status_code, told in answer.text, 'aria-invalid="true"' in answer.text) == (422, True, True)
    assert state(sqlite_store) is None


@pytest.mark.parametrize("name", ["other", "nothing", "SAMPLE", "sample%0d%0a", "a" * 300])
async def test_lists_that_are_not_public_cannot_be_told_from_those_that_are_not_there(
    client: Callable[..., Any], name: str
) -> None:
    async with client() as browser:
        answers = [await browser.get(f"/subscribe/{name}"), await browser.post(f"/subscribe/{name}", data=FORM)]
        nothing = await browser.get("/subscribe/nothing")
    assert [(answer.status_code, answer.text) for answer in answers] == [(404, nothing.text)] * 2


@pytest.mark.parametrize("field", ["email", "name", "language"])
async def test_a_line_break_in_a_field_is_refused(client: Callable[..., Any], sqlite_store: Store, field: str) -> None:
    async with client() as browser:
        answer = await browser.post("/subscribe/sample", data={**FORM, field: "a@example.org\r\nBcc: all@example.net"})
    assert answer.status_code == 400
    assert state(sqlite_store) is None


async def test_tokens_of_other_kinds_and_of_newsletters_confirm_nothing(
    client: Callable[..., Any], tokens: TokenMaker
) -> None:
    async with client() as browser:
        for token in (tokens.make(Purpose.UNSUBSCRIBE, 1), tokens.make(Purpose.CONFIRM, 1), "x" * 32, "x"):
            assert (await browser.post(f"/confirm/{token}")).status_code == 404


async def test_without_a_sender_there_is_no_form(
    sqlite_store: Store, tokens: TokenMaker, site: web.Site, opened: Callable[..., Any]
) -> None:
    async with opened(web.make(sqlite_store, tokens, replace(site, joining=None)))() as browser:
        assert (await browser.get("/subscribe/sample")).status_code == 404
