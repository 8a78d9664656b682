"""What providers tell by webhook: through the web part into a real store, as if a bounce had come by mail."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from outreach import config, wiring
from outreach.audience.consent import SubscriptionState
from outreach.engine.gauges import Gauges
from outreach.errors import InboxError
from outreach.house import House
from outreach.inbox import fetch
from outreach.replies.hooks import sendgrid
from outreach.store import suppressions
from outreach.store.database import Store, table_of
from outreach.store.reports import Report
from outreach.store.subscriptions import Subscription
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import hooks
from tests.actions.test_collect import number_of, sent
from tests.conftest import free_port
from tests.replies.hooks import signed
from tests.store import crowd
from tests.web.test_fuzz import HEADERS, METHODS, ask

NEWS = "news.clinic.example"
SETTINGS = {
    "OUTREACH_PUBLIC_URL": f"https://{NEWS}",
    "OUTREACH_RETURN_PATH": f"b@{NEWS}",
    "OUTREACH_WEBHOOK_SES_TOPIC": signed.TOPIC,
    "OUTREACH_WEBHOOK_SENDGRID_KEY": signed.verification_key(),
    "OUTREACH_WEBHOOK_MAILGUN_KEY": signed.MAILGUN_KEY,
    "OUTREACH_WEBHOOK_POSTMARK_SECRET": signed.SECRET,
}

#: A request: headers and body.
Told = tuple[dict[str, str], bytes]


class Place:
    """An installation whose campaign was sent to three people by a provider."""

    def __init__(self, store: Store, keys: KeyRing) -> None:
        self.store, self.keys = store, keys
        self.now = datetime.now(UTC)
        self.campaign = crowd.made_campaign(store, self.now, crowd.made_list(store, self.now, 3))
        sent(store, self.campaign, self.now)
        self.app = self.opened()

    def opened(self, store: Store | None = None) -> Starlette:
        """The web part as the settings say, with its gauges afresh."""
        self.gauges = Gauges()
        return wiring.web(House(config.load(), store or self.store, self.keys), gauges=self.gauges)

    def message_id(self, person: int) -> str:
        """The Message-ID of a person's mail, without its brackets."""
        return f"{TokenMaker(self.keys).make(Purpose.MESSAGE, number_of(self.store, self.campaign, person))}@{NEWS}"

    def return_path(self, person: int) -> str:
        """The return path of a person's mail."""
        return f"b+{TokenMaker(self.keys).make(Purpose.BOUNCE, number_of(self.store, self.campaign, person))}@{NEWS}"

    def post(self, name: str, told: Told) -> int:
        """The status that a request is answered with."""
        headers = {key: value.encode() for key, value in told[0].items()}
        return ask(self.app, "POST", f"/hooks/{name}", headers, told[1])[0]

    def why(self, person: int) -> str | None:
        """Why a person's address is suppressed."""
        with self.store.reading() as session:
            found = suppressions.find(session, f"p{person}@example.org")
        return found.reason.value if found else None

    def tie(self, person: int) -> SubscriptionState:
        """The state of a person's subscription."""
        table = table_of(Subscription)
        with self.store.reading() as session:
            return session.execute(sa.select(table.c.state).where(table.c.subscriber_id == person)).scalar_one()

    def rows(self) -> list[Any]:
        """The reports that were written down."""
        with self.store.reading() as session:
            return list(session.execute(sa.select(table_of(Report)).order_by(table_of(Report).c.id)).all())


@pytest.fixture(autouse=True)
def _set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    valid = {"begins": datetime.now(UTC) - timedelta(days=1), "ends": datetime.now(UTC) + timedelta(days=1)}
    monkeypatch.setattr(fetch, "document", lambda _: signed.certificate(**valid))


@pytest.fixture
def place(store: Store, keys: KeyRing) -> Place:
    """On both databases."""
    return Place(store, keys)


def ses_says(what: str, place: Place, person: int) -> Told:
    number = str(uuid4())
    message = signed.bounce(source=place.return_path(person))
    message["bounce"]["feedbackId"] = number
    if what == "complaint":
        who = [{"emailAddress": f"p{person}@example.org"}]
        message = {
            "eventType": "Complaint",
            "complaint": {"complainedRecipients": who, "feedbackId": number, "complaintFeedbackType": "abuse"},
            "mail": message["mail"],
        }
    return {}, json.dumps(signed.sns(message, version="2", at=datetime.now(UTC))).encode()


def sendgrid_says(what: str, place: Place, person: int) -> Told:
    event = {
        "bounce": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown"},
        "complaint": {"event": "spamreport"},
    }[what]
    told = {"email": f"p{person}@example.org", "sg_event_id": str(uuid4()), sendgrid.ARGUMENT: place.message_id(person)}
    body = json.dumps([{"event": "processed", "sg_event_id": "x"}, {**told, **event}]).encode()
    return signed.sendgrid_headers(body, at=datetime.now(UTC)), body


def mailgun_says(what: str, place: Place, person: int) -> Told:
    answer = {"code": 550, "message": "5.1.1 unknown", "enhanced-code": "5.1.1"}
    event = {
        "bounce": {"event": "failed", "severity": "permanent", "reason": "bounce", "delivery-status": answer},
        "complaint": {"event": "complained"},
    }[what]
    told = {"id": str(uuid4()), "message": {"headers": {"message-id": place.message_id(person)}}}
    return {}, signed.mailgun({**told, **event}, at=datetime.now(UTC), token=uuid4().hex)


def postmark_says(what: str, place: Place, person: int) -> Told:
    event: dict[str, Any] = {
        "bounce": {"RecordType": "Bounce", "Type": "HardBounce", "Details": "smtp;550 5.1.1 unknown"},
        "complaint": {"RecordType": "SpamComplaint", "Type": "SpamComplaint"},
    }[what]
    told = {"ID": uuid4().int % 10**9, "Metadata": {"message": place.message_id(person)}}
    return signed.basic(), json.dumps({**told, **event}).encode()


SAYS: dict[str, Callable[[str, Place, int], Told]] = {
    "ses": ses_says,
    "sendgrid": sendgrid_says,
    "mailgun": mailgun_says,
    "postmark": postmark_says,
}


@pytest.mark.parametrize("name", SAYS)
def test_a_hard_bounce_suppresses_and_a_complaint_takes_off_the_list(place: Place, name: str) -> None:
    for _ in range(2):  # a second one about the same person changes nothing more
        assert place.post(name, SAYS[name]("bounce", place, 1)) == 200
        assert place.post(name, SAYS[name]("complaint", place, 2)) == 200
    assert [place.why(person) for person in (1, 2, 3)] == ["hard_bounce", "complaint", None]
    assert [place.tie(person) for person in (1, 2, 3)] == [
        SubscriptionState.CONFIRMED,
        SubscriptionState.UNSUBSCRIBED,
        SubscriptionState.CONFIRMED,
    ]
    assert crowd.told(place.store, place.campaign) == {"sent": 2, "bounced": 1}
    assert {row.source for row in place.rows()} == {name}


@pytest.mark.parametrize("name", SAYS)
def test_an_event_that_is_told_twice_is_written_down_once(place: Place, name: str) -> None:
    told = SAYS[name]("bounce", place, 1)
    assert [place.post(name, told) for _ in range(3)] == [200, 200, 200]
    (row,) = place.rows()
    assert (row.kind, row.state, row.by, row.status) == ("hard", "handled", name, "5.1.1")
    counted = place.gauges.registry.get_sample_value("outreach_reports_total", {"kind": "hard", "state": "handled"})
    assert counted == 1


@pytest.mark.parametrize("name", SAYS)
def test_what_is_not_signed_changes_nothing_and_leaves_no_row(
    place: Place, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers, body = SAYS[name]("bounce", place, 1)
    changed = {
        "ses": (headers, body.replace(b"5.1.1", b"5.1.2")),
        "sendgrid": (headers, body.replace(b"5.1.1", b"5.1.2")),
        "mailgun": (headers, body.replace(b'"token": "', b'"token": "0')),
        "postmark": (signed.basic("a guess of twenty characters"), body),
    }[name]
    with caplog.at_level(logging.INFO):
        assert place.post(name, changed) == 403
        assert place.post(name, ({}, b"")) in {400, 403}
        assert place.post(name, ({}, b"\xff" * 100)) in {400, 403}
    assert place.rows() == []
    assert place.why(1) is None
    assert signed.SECRET not in caplog.text
    assert signed.MAILGUN_KEY not in caplog.text
    assert "notice_refused" in caplog.text


@pytest.mark.parametrize("name", SAYS)
def test_a_store_that_is_away_makes_the_provider_come_again(sqlite_store: Store, keys: KeyRing, name: str) -> None:
    place = Place(sqlite_store, keys)
    told, there = SAYS[name]("bounce", place, 1), place.app
    away = Store(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nowhere")
    try:
        place.app = place.opened(away)
        assert place.post(name, told) == 503
    finally:
        away.close()
    place.app = there
    assert place.post(name, told) == 200
    assert place.why(1) == "hard_bounce"


@pytest.mark.parametrize("name", SAYS)
def test_without_its_setting_a_hook_is_nowhere(
    sqlite_store: Store, keys: KeyRing, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place = Place(sqlite_store, keys)
    told = SAYS[name]("bounce", place, 1)
    (setting,) = [each for each in SETTINGS if f"WEBHOOK_{name.upper()}" in each]
    monkeypatch.delenv(setting)
    place.app = place.opened()
    assert place.post(name, told) == place.post("nobody", told) == 404
    assert ask(place.app, "POST", f"/hooks/{name}", {}, b"")[0] == 404
    assert place.rows() == []


def test_a_hook_is_posted_to_and_not_looked_at(sqlite_store: Store, keys: KeyRing) -> None:
    place = Place(sqlite_store, keys)
    for name in SAYS:
        status, headers = ask(place.app, "GET", f"/hooks/{name}", {}, b"")
        assert (status, headers["allow"]) == (405, "POST")


def test_a_body_beyond_measure_is_refused_unread(sqlite_store: Store, keys: KeyRing) -> None:
    place = Place(sqlite_store, keys)
    assert place.post("postmark", (signed.basic(), b"[" * (hooks.LONGEST + 1))) == 413
    assert place.post("postmark", (signed.basic(), b" " * hooks.LONGEST)) == 400


def test_an_event_of_an_unknown_kind_is_taken_and_forgotten(sqlite_store: Store, keys: KeyRing) -> None:
    place = Place(sqlite_store, keys)
    body = json.dumps([{"event": "of tomorrow", "sg_event_id": "1"}, 7, None]).encode()
    assert place.post("sendgrid", (signed.sendgrid_headers(body, at=datetime.now(UTC)), body)) == 200
    assert place.post("postmark", (signed.basic(), b'{"RecordType": "Open", "ID": 1}')) == 200
    assert place.post("mailgun", ({}, signed.mailgun({"id": "1", "event": "opened"}, at=datetime.now(UTC)))) == 200
    told = json.dumps(signed.sns({"eventType": "Rendering Failure", "mail": {}}, at=datetime.now(UTC))).encode()
    assert place.post("ses", ({}, told)) == 200
    assert place.rows() == []


def test_an_event_about_nobody_we_know_of_suppresses_nobody(sqlite_store: Store, keys: KeyRing) -> None:
    place = Place(sqlite_store, keys)
    headers, body = postmark_says("bounce", place, 1)
    assert place.post("postmark", (headers, body.replace(place.message_id(1).encode(), b"x@example.org"))) == 200
    assert [row.state for row in place.rows()] == ["ignored"]
    assert place.why(1) is None


def test_the_subscription_of_our_topic_is_confirmed_and_told(
    sqlite_store: Store, keys: KeyRing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(sqlite_store, keys)
    fetched: list[str] = []
    real = fetch.document

    def document(url: str) -> bytes:
        fetched.append(url)
        if len(fetched) == 2:
            raise InboxError("away")
        return real(url) if url.endswith(".pem") else b"<ok/>"

    monkeypatch.setattr(fetch, "document", document)
    place.app = place.opened()
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={signed.TOPIC}&Token=t0p"
    asked = signed.sns(
        "You have chosen", Type="SubscriptionConfirmation", Token="t0p", SubscribeURL=url, at=datetime.now(UTC)
    )
    with caplog.at_level(logging.INFO):
        answers = [place.post("ses", ({}, json.dumps(asked).encode())) for _ in range(2)]
    assert answers == [503, 200]  # the first time the address was away: SNS asks again
    assert fetched == [signed.CERTIFICATE_URL, url, url]
    assert "hook_confirmed" in caplog.text
    assert "t0p" not in caplog.text
    ended = signed.sns("x", Type="UnsubscribeConfirmation", Token="t0p", SubscribeURL=url, at=datetime.now(UTC))
    with caplog.at_level(logging.INFO):
        assert place.post("ses", ({}, json.dumps(ended).encode())) == 200
    assert "hook_ended" in caplog.text
    assert len(fetched) == 3


NAMES = ["Type", "TopicArn", "SignatureVersion", "SigningCertURL", "signature", "event-data", "token", "timestamp",
         "ID", "RecordType", "Metadata", "message", "event"]  # fmt: skip
SAID = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=10,
)
BODIES = st.binary(max_size=300) | SAID.map(lambda said: json.dumps(said).encode())


def test_whatever_is_sent_to_a_hook_is_answered_and_leaves_no_row(sqlite_store: Store, keys: KeyRing) -> None:
    place = Place(sqlite_store, keys)
    answers: set[int] = set()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(method=st.sampled_from(METHODS), name=st.sampled_from([*SAYS, "x"]), headers=HEADERS, body=BODIES)
    @example(method="POST", name="ses", headers={}, body=b'{"Type": "\\ud800", "TopicArn": "\\u0000"}')
    @example(method="POST", name="postmark", headers={"authorization": b"Basic \xff\xff"}, body=b"{}")
    @example(
        method="POST", name="sendgrid", headers={sendgrid.SIGNATURE: b"\xe9", sendgrid.TIMESTAMP: b"nan"}, body=b""
    )
    @example(method="POST", name="nobody", headers={}, body=b"[" * 100_000)
    @example(method="POST", name="mailgun", headers={}, body=b"[" * 100_000)
    @example(method="POST", name="mailgun", headers={}, body=b"9" * 5_000)
    def sent_to(method: str, name: str, headers: dict[str, bytes], body: bytes) -> None:
        status, answered = ask(place.app, method, f"/hooks/{name}", headers, body)
        assert status < 500
        assert status >= 400 or method == "OPTIONS"
        assert answered["x-content-type-options"] == "nosniff"
        answers.add(status)

    sent_to()
    assert answers >= {400, 403, 404, 405}
    assert place.rows() == []
