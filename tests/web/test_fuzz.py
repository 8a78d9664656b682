"""Whatever is sent to the web part: an answer of ours, soon, guarded, and never half of an act in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from outreach.audience.consent import SubscriptionState
from outreach.store.consents import Consent
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription
from outreach.tracking.token import Purpose, TokenMaker
from tests.web.test_archive import publish

#: People with a message of ours.
READERS = 40

#: Seconds that no answer may take on a machine that does much else.
LONG = 5.0

METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "QUERY",
    "get",
    "X",
]
PLACES = ["l", "u", "p", "v", "archive", "media", "feed.xml", "healthz", "readyz", "subscribe", "confirm", "..", ""]
KINDS = {"l": Purpose.CLICK, "u": Purpose.UNSUBSCRIBE, "p": Purpose.PREFERENCES, "v": Purpose.VIEW}
ODD = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["accept-language", "content-type", "user-agent", "x-forwarded-for", "sec-purpose", "cookie", "if-none-match",
         "range", "origin", "content-length", "transfer-encoding", "expect", "host", "x-http-method-override"]
    ),
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"de;q=0.5,*", b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded",
                         b"10.0.0.1, 192.0.2.7", b"-1", b"bytes=0-0", b"chunked", b"," * 60, b"\xff\xfe"]),
    ),
    max_size=4,
)  # fmt: skip
ANY = st.one_of(ODD, st.sampled_from(["1\r\nBcc: x@example.com", "\x00", "0001-01-01", "9999-12-31"]))
DAYS = [(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1, 200, 400)]


def _field(*values: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(values), st.sampled_from(values), ANY)


LESS = {"less": _field("1", "2"), "at_most": _field("week", "month", "every"), "until": _field("", *DAYS)}
FIELDS = st.one_of(
    st.fixed_dictionaries(LESS),
    st.fixed_dictionaries({"leave": _field("all", "1", "2")}),
    st.fixed_dictionaries({"tracking": _field("on", "off"), "language": _field("de", "en", "")}),
    st.fixed_dictionaries({}, optional={**LESS, "leave": ANY, "tracking": ANY, "List-Unsubscribe": ANY, "x": ANY}),
)
BODIES = st.one_of(
    FIELDS.map(lambda fields: "&".join(f"{name}={quote(value)}" for name, value in fields.items()).encode()),
    st.binary(max_size=300),
    st.just(b"x" * 70_000),
    st.just(b"&".join(b"a=b" for _ in range(200))),
)


@st.composite
def paths(draw: Any, tokens: TokenMaker) -> str:
    """A path: of ours, nearly of ours, or of nobody's."""
    place = draw(st.sampled_from(PLACES))
    purpose = draw(st.sampled_from([KINDS.get(place, Purpose.UNSUBSCRIBE), *Purpose]))
    token = tokens.make(
        purpose, draw(st.sampled_from([0, 1, 2, 3, 99, 2**48 - 1])), draw(st.sampled_from([0, 1, 9, 65535]))
    )
    last = draw(st.one_of(st.just(token), st.just(token[:-1]), st.just(token + "="), st.integers().map(str), ODD))
    query = draw(st.sampled_from(["", "?before=1", "?before=-1", "?leave=all", "?%00", "?before=" + "9" * 400]))
    return f"/{place}/{quote(last, safe='/%')}{query}" if draw(st.booleans()) else f"/{place}{query}"


@pytest.fixture
def filled(app: Starlette, sqlite_store: Store) -> Starlette:
    """The web part with a public letter and many readers beside what is there."""
    publish(sqlite_store, 1)
    now = datetime.now(UTC)
    with sqlite_store.writing() as session:
        for n in range(3, READERS + 1):
            mail = f"p{n}@example.org"
            session.add(Subscriber(id=n, email=mail, email_key=mail, created_at=now, updated_at=now))
            session.add(Delivery(id=n, campaign_id=1, subscriber_id=n, state=DeliveryState.SENT, settled_at=now))
            for list_id in (1, 2):
                tie = {"list_id": list_id, "subscriber_id": n, "state": SubscriptionState.CONFIRMED}
                session.add(Subscription(**tie, created_at=now, changed_at=now))
    return app


def test_whatever_is_sent_is_answered_soon_and_rightly(filled: Starlette, tokens: TokenMaker) -> None:
    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(method=st.sampled_from(METHODS), path=paths(tokens), headers=HEADERS, body=BODIES)
    @example(method="POST", path="/u/" + tokens.make(Purpose.UNSUBSCRIBE, 1), headers={}, body=b"less=1&at_most=%00")
    def asked(method: str, path: str, headers: dict[str, bytes], body: bytes) -> None:
        begun = time.monotonic()
        status, answered = ask(filled, method, path, headers, body)
        assert time.monotonic() - begun < LONG
        assert status < 500, (method, path, status)
        if not path.startswith("/l/"):
            assert answered["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in answered.get("content-security-policy", "default-src 'none'")
        assert "set-cookie" not in answered
        assert status != 405 or answered["allow"]

    asked()


def test_whatever_a_form_says_is_done_wholly_or_not_at_all(
    filled: Starlette, tokens: TokenMaker, sqlite_store: Store
) -> None:
    answers: set[int] = set()

    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(kind=st.sampled_from("up"), reader=st.integers(1, READERS), headers=HEADERS, body=BODIES)
    def posted(kind: str, reader: int, headers: dict[str, bytes], body: bytes) -> None:
        answers.add(ask(filled, "POST", f"/{kind}/{tokens.make(KINDS[kind], reader)}", headers, body)[0])

    posted()
    assert answers == {200, 400, 413}
    require_whole_acts(sqlite_store)


def ask(app: Starlette, method: str, path: str, headers: dict[str, bytes], body: bytes) -> tuple[int, dict[str, str]]:
    """One request as a server hands it on, whatever a client library would say to it."""
    target, _, query = path.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "https", "root_path": "",
        "path": httpx.URL(f"https://x{target}").path, "raw_path": target.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value) for name, value in headers.items()], "client": ("10.1.2.3", 1),
        "server": ("x", 443),
    }  # fmt: skip
    said: list[Any] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(app(scope, receive, send))
    sent = {name.decode(): value.decode("latin-1") for name, value in said[0]["headers"]}
    assert all("\n" not in value and "\r" not in value for value in sent.values())
    return said[0]["status"], sent


def require_whole_acts(store: Store) -> None:
    """Every change of a person's has its proof beside it, and nothing refers to what is not there."""
    tie, consent, event, person = (table_of(each) for each in (Subscription, Consent, Event, Subscriber))
    with store.reading() as session:
        left = session.execute(sa.select(tie.c.subscriber_id, tie.c.list_id).where(tie.c.state == "unsubscribed")).all()
        proofs = sa.select(consent.c.subscriber_id, consent.c.list_id).where(consent.c.purpose == "mail")
        facts = sa.select(event.c.subscriber_id, event.c.list_id).where(event.c.kind == "unsubscribed")
        assert left, "nobody left: the examples reached nothing"
        assert sorted(left) == sorted(session.execute(proofs).all()) == sorted(session.execute(facts).all())
        people = set(session.execute(sa.select(person.c.id)).scalars())
        agreed = session.execute(
            sa.select(consent.c.subscriber_id, consent.c.act)
            .where(consent.c.purpose == "tracking")
            .order_by(consent.c.id)
        ).all()
        last = {row.subscriber_id: row.act.value == "given" for row in agreed}
        for number in people & set(last):
            assert session.get_one(Subscriber, number).tracking_consent == last[number]
        assert {row.subscriber_id for row in agreed} <= people
        chose = session.execute(sa.select(event.c.detail).where(event.c.kind == "preferred")).all()
        assert chose, "nobody chose less: the examples reached nothing"


@pytest.mark.parametrize("path", ["/u/{u}", "/p/{p}", "/v/{v}", "/archive", "/feed.xml", "/healthz", "/media/a.png"])
def test_options_are_told_and_change_nothing(filled: Starlette, tokens: TokenMaker, path: str) -> None:
    path = path.format(**{kind: tokens.make(purpose, 1) for kind, purpose in KINDS.items()})
    status, headers = ask(filled, "OPTIONS", path, {}, b"")
    assert status == 204
    assert headers["allow"].startswith("GET, HEAD")


@pytest.mark.parametrize("kind", ["u", "p", "v", "archive", "feed.xml", "nowhere"])
def test_a_head_says_what_a_get_says(
    filled: Starlette, client: Callable[..., Any], path: Callable[..., str], kind: str
) -> None:
    where = path(kind) if kind in KINDS else f"/{kind}"
    (got, seen), (headed, told) = (ask(filled, method, where, {}, b"") for method in ("GET", "HEAD"))
    assert (got, seen) == (headed, told)
