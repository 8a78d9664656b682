"""Providers' webhooks over the web part: what is told is stored before it is answered, and followed as any report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from outreach import config, wiring
from outreach.actions import collect
from outreach.audience.consent import SubscriptionState
from outreach.engine.letters import Letters
from outreach.errors import DatabaseUnavailable, InboxError
from outreach.replies.hooks import postmark, sendgrid
from outreach.replies.hooks.mailgun import Mailgun
from outreach.replies.hooks.notice import Notice
from outreach.replies.hooks.postmark import Postmark
from outreach.replies.hooks.sendgrid import SendGrid
from outreach.replies.hooks.ses import Ses
from outreach.replies.hooks.sns import Sns
from outreach.store import suppressions
from outreach.store.claims import Claimed
from outreach.store.database import Store, table_of
from outreach.store.deliveries import DeliveryState
from outreach.store.reports import Report
from outreach.store.subscriptions import Subscription
from outreach.tracking.token import Purpose
from outreach.web import app, hooks
from outreach.web.hooks import Hooks
from tests.actions.returned import TERMS, path
from tests.engine.sending import TOKENS
from tests.engine.sending import compiled as article
from tests.replies.hooks import signed
from tests.store import crowd


@pytest.fixture
def spring(store: Store, now: datetime) -> int:
    """A campaign that was sent to two people."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, 2))
    crowd.delivered(store, number, now)
    return number


def web(store: Store, **changed: Any) -> Starlette:
    readers = {
        "mailgun": Mailgun(signed.MAILGUN_KEY),
        "postmark": Postmark(signed.SECRET),
        "sendgrid": SendGrid(sendgrid.read_key(signed.verification_key())),
        "ses": Ses(Sns(signed.TOPIC, lambda _: signed.certificate(ends=datetime(2100, 1, 1, tzinfo=UTC)))),
    }

    def collected(name: str, told: Sequence[Notice]) -> None:
        collect.notices(store, told, source=name, terms=TERMS, now=datetime.now(UTC))

    facts = {"readers": readers, "collect": collected, **changed}
    pages = (config.shipped("templates") / "pages",)
    return app.make(store, TOKENS, app.Site(public_url="https://news.example", pages=pages, hooks=Hooks(**facts)))


def post(
    site: Starlette, provider: str, body: bytes, headers: dict[str, str] | None = None, *, method: str = "POST"
) -> httpx.Response:
    async def scene() -> httpx.Response:
        transport = httpx.ASGITransport(app=site)
        async with httpx.AsyncClient(transport=transport, base_url="https://news.example") as http:
            return await http.request(method, f"/hooks/{provider}", content=body, headers=headers)

    return asyncio.run(scene())


def message_id(delivery: int) -> str:
    return f"{TOKENS.make(Purpose.MESSAGE, delivery)}@clinic.example"


def asked(provider: str, delivery: int, *, complains: bool = False) -> tuple[bytes, dict[str, str]]:
    """A request that tells that a message bounced, or was complained about."""
    now, own = datetime.now(UTC), message_id(delivery)
    match provider:
        case "mailgun":
            said = {"code": 550, "enhanced-code": "5.1.1", "message": "no such user"}
            event = {"id": f"m{delivery}", "message": {"headers": {"message-id": own}}}
            event |= {"event": "complained"} if complains else {"event": "failed", "delivery-status": said}
            return signed.mailgun(event, at=now), {}
        case "postmark":
            event = {"ID": delivery, "Metadata": {postmark.METADATA: own}, "RecordType": "Bounce"}
            event["Type"] = "SpamComplaint" if complains else "HardBounce"
            return json.dumps(event).encode(), signed.basic()
        case "sendgrid":
            event = {"sg_event_id": f"s{delivery}", "smtp-id": f"<{own}>", "status": "5.1.1"}
            body = json.dumps([{**event, "event": "spamreport" if complains else "bounce"}]).encode()
            return body, signed.sendgrid_headers(body, at=now)
    told: dict[str, Any] = signed.bounce(source=path(delivery))
    if complains:
        told = {"notificationType": "Complaint", "mail": told["mail"]}
        told["complaint"] = {"feedbackId": "c", "complainedRecipients": [{"emailAddress": "p1@example.org"}]}
    return json.dumps(signed.sns(told, at=now)).encode(), {}


PROVIDERS = ["mailgun", "postmark", "sendgrid", "ses"]


def rows(store: Store) -> int:
    with store.reading() as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(table_of(Report))).scalar_one())


def is_suppressed(store: Store, person: int) -> bool:
    with store.reading() as session:
        return suppressions.find(session, f"p{person}@example.org") is not None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_hard_bounce_that_a_provider_tells_suppresses_the_address(
    store: Store, spring: int, *, provider: str
) -> None:
    site = web(store)
    for _ in range(2):  # told twice, it is one
        answer = post(site, provider, *asked(provider, 1))
        assert (answer.status_code, answer.text) == (200, "stored\n")
    assert is_suppressed(store, 1)
    assert not is_suppressed(store, 2)
    assert crowd.tallied(store, spring)[DeliveryState.BOUNCED] == 1
    assert rows(store) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_complaint_that_a_provider_tells_ends_all_mail(store: Store, spring: int, *, provider: str) -> None:
    assert post(web(store), provider, *asked(provider, 2, complains=True)).status_code == 200
    assert is_suppressed(store, 2)
    row = table_of(Subscription)
    with store.reading() as session:
        states = session.execute(sa.select(row.c.subscriber_id, row.c.state)).all()
    assert dict(map(tuple, states)) == {1: SubscriptionState.CONFIRMED, 2: SubscriptionState.UNSUBSCRIBED}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_not_the_providers_is_refused_and_leaves_no_row(
    sqlite_store: Store, spring_of_sqlite: int, *, provider: str
) -> None:
    body, _ = asked(provider, 1)
    site = web(sqlite_store)
    forged = post(site, provider, body.replace(b"5.1.1", b"5.1.2"), {}) if provider != "mailgun" else None
    unsigned = post(site, provider, b"{}", {})
    assert forged is None or forged.status_code == 403
    assert unsigned.status_code == 403
    assert rows(sqlite_store) == 0


@pytest.fixture
def spring_of_sqlite(sqlite_store: Store, now: datetime) -> int:
    """The same, on SQLite alone."""
    number = crowd.made_campaign(sqlite_store, now, crowd.made_list(sqlite_store, now, 2))
    crowd.delivered(sqlite_store, number, now)
    return number


def test_a_store_that_is_away_is_told_again_later(sqlite_store: Store) -> None:
    def away(_: str, __: Sequence[Notice]) -> None:
        raise DatabaseUnavailable("the database is away")

    assert post(web(sqlite_store, collect=away), "mailgun", *asked("mailgun", 1)).status_code == 503


def test_a_provider_that_is_not_set_up_is_not_there(sqlite_store: Store) -> None:
    nobody = web(sqlite_store, readers={})
    for site, name in ((nobody, "mailgun"), (web(sqlite_store), "other")):
        answer = post(site, name, *asked("mailgun", 1))
        assert answer.status_code == 404
        assert answer.text == post(nobody, "nothing", b"").text


def test_only_a_post_tells(sqlite_store: Store) -> None:
    assert post(web(sqlite_store), "mailgun", b"", method="GET").status_code == 405


def test_a_request_that_is_too_long_is_refused(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "LONGEST", 1000)
    assert post(web(sqlite_store), "postmark", b" " * 1001, signed.basic()).status_code == 413


def test_a_providers_words_that_cannot_be_read_are_told_so(sqlite_store: Store) -> None:
    assert post(web(sqlite_store), "postmark", b"[", signed.basic()).status_code == 400


def test_a_topic_is_confirmed_by_fetching_its_address_once(sqlite_store: Store) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    at = datetime.now(UTC)
    envelope = signed.sns("x", at=at, Type="SubscriptionConfirmation", Token="t", SubscribeURL=url)
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return b""

    def away(_: str) -> bytes:
        raise InboxError("away")

    body = json.dumps(envelope).encode()
    assert post(web(sqlite_store, fetch=fetch), "ses", body).status_code == 200
    assert fetched == [url]
    assert post(web(sqlite_store, fetch=away), "ses", body).status_code == 502


@pytest.mark.parametrize("handle", [postmark.HANDLE, None])
def test_each_message_hands_postmark_its_name_where_that_listens(handle: str | None) -> None:
    letters = Letters(TOKENS, "https://news.example", handle=handle)
    letters.learn(1, article())
    written = letters.write(Claimed(7, 1, 0, None, "p1@example.org", "Person 1", "en", "UTC", {}, "")).message
    lines = written.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    told = [line.partition(": ")[2] for line in lines if line.startswith("X-PM-Metadata-message: ")]
    assert [TERMS.delivery_of_message_id(each) for each in told] == ([7] if handle else [])


def test_the_settings_say_who_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_WEBHOOK_SES_TOPIC", signed.TOPIC)
    monkeypatch.setenv("OUTREACH_WEBHOOK_SENDGRID_KEY", signed.verification_key())
    monkeypatch.setenv("OUTREACH_WEBHOOK_MAILGUN_KEY", signed.MAILGUN_KEY)
    monkeypatch.setenv("OUTREACH_WEBHOOK_POSTMARK_SECRET", signed.SECRET)
    house = wiring.prepare(config.load())[0]
    try:
        assert sorted(wiring.hooks(house).readers) == PROVIDERS
        assert set(house.settings.hooks) == set(PROVIDERS)
        assert {signed.MAILGUN_KEY, signed.SECRET} <= wiring.secrets_of(house)
    finally:
        house.close()
