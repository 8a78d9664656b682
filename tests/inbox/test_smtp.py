"""Mail that comes in: it is taken for us alone, and a yes means that it is done."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from outreach import address
from outreach.actions.collect import Terms
from outreach.audience.consent import SubscriptionState
from outreach.engine.crew import looping
from outreach.engine.postbox import Addresses, Postbox
from outreach.errors import DatabaseUnavailable
from outreach.inbox.smtp import Listener, Reception
from outreach.replies.returnpath import tagged
from outreach.store import claims, conflict, reports, subscriptions, suppressions
from outreach.store.database import Store
from outreach.tracking.token import Purpose
from tests.actions import returned
from tests.engine.sending import TOKENS
from tests.store import crowd

LEAVE = address.parse("leave@news.clinic.example")
RETURN = address.parse("bounces@news.clinic.example")
MAIL = b"From: anybody@example.com\r\nSubject: unsubscribe\r\n\r\n"


@contextmanager
def listening(reception: Reception, *, lmtp: bool = False) -> Iterator[int]:
    """A listener in a loop of its own; its port."""
    bound = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    thread = threading.Thread(target=looping(Listener(reception, bound, lmtp=lmtp).run), args=(stop,))
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        stop.set()
        thread.join(10)
        bound.close()


def delivered(port: int, *recipients: str, lmtp: bool = False, data: bytes = MAIL) -> dict[str, tuple[int, bytes]]:
    kind: Callable[..., Any] = smtplib.LMTP if lmtp else smtplib.SMTP
    with kind("127.0.0.1", port) as client:
        try:
            return client.sendmail("", recipients, data)  # type: ignore[no-any-return]
        except smtplib.SMTPRecipientsRefused as refused:
            return refused.recipients


def reception(store: Store, now: datetime) -> Reception:
    """What `outreach run` listens with."""
    ours = Addresses(leave=LEAVE, complaint=address.parse("fbl@news.clinic.example"))
    return Postbox(store, Terms(TOKENS, RETURN), ours, now=lambda: now).reception


@pytest.fixture
def campaign(store: Store, now: datetime) -> tuple[int, int]:
    """The list, and a delivery to its first person."""
    group = crowd.made_list(store, now, 2)
    (first, _) = crowd.rows_of(store, crowd.made_campaign(store, now, group))
    assert first.id is not None
    return group, first.id


def state(store: Store, group: int) -> SubscriptionState | None:
    with store.reading() as session:
        return subscriptions.state(session, 1, group)


@pytest.mark.parametrize("lmtp", [False, True])
def test_a_mail_to_the_leave_address_takes_its_person_off_the_list(
    store: Store, now: datetime, campaign: tuple[int, int], lmtp: bool
) -> None:
    group, number = campaign
    token = TOKENS.make(Purpose.UNSUBSCRIBE, number)
    with listening(reception(store, now), lmtp=lmtp) as port:
        assert delivered(port, f"Leave+{token}@NEWS.clinic.example", lmtp=lmtp) == {}
        assert delivered(port, f"leave+{token}@news.clinic.example", lmtp=lmtp) == {}
    assert state(store, group) is SubscriptionState.UNSUBSCRIBED


@pytest.mark.parametrize(
    "recipient",
    [
        "leave@news.clinic.example",
        "leave+@news.clinic.example",
        "leave+{other}@news.clinic.example",
        "leave+{altered}@news.clinic.example",
        "leave+{token}@clinic.example",
        "news+{token}@news.clinic.example",
        "postmaster@news.clinic.example",
    ],
)
def test_mail_to_anybody_else_is_refused_and_changes_nothing(
    store: Store, now: datetime, campaign: tuple[int, int], recipient: str
) -> None:
    group, number = campaign
    token = TOKENS.make(Purpose.UNSUBSCRIBE, number)
    given = recipient.format(token=token, other=TOKENS.make(Purpose.PREFERENCES, number), altered=token.swapcase())
    with listening(reception(store, now)) as port:
        assert delivered(port, given)[given][0] == 550
    assert state(store, group) is SubscriptionState.CONFIRMED


@pytest.mark.parametrize("lmtp", [False, True])
def test_a_bounce_to_a_return_path_is_stored_before_it_is_acknowledged(
    store: Store, now: datetime, campaign: tuple[int, int], lmtp: bool
) -> None:
    _, number = campaign
    crowd.delivered(store, 1, now)
    to = tagged(RETURN, TOKENS.make(Purpose.BOUNCE, number))
    mail = returned.dsn(to)
    with listening(reception(store, now), lmtp=lmtp) as port:
        assert delivered(port, to.replace("@news", "@NEWS").replace("bounces+", "Bounces+"), lmtp=lmtp, data=mail) == {}
        with store.reading() as session:
            assert suppressions.is_listed(session, "p1@example.org")
        assert delivered(port, to, lmtp=lmtp, data=mail) == {}
    assert crowd.told(store, 1) == {"bounced": 1, "sent": 1}
    with store.reading() as session:
        assert [row["source"] for row in reports.page(session, limit=9)] == ["listener"]


def test_reports_without_a_token_are_taken_and_change_nothing(
    store: Store, now: datetime, campaign: tuple[int, int]
) -> None:
    crowd.delivered(store, 1, now)
    with listening(reception(store, now)) as port:
        for to in ("bounces@news.clinic.example", "fbl@news.clinic.example"):
            assert delivered(port, to, data=returned.dsn(to)) == {}
    assert crowd.told(store, 1) == {"sent": 2}


@pytest.mark.parametrize(
    "recipient",
    [
        "bounces+{other}@news.clinic.example",
        "bounces+{altered}@news.clinic.example",
        "bounces+@news.clinic.example",
        "bounces+{token}@clinic.example",
        "fbl+{token}@news.clinic.example",
        "{token}@news.clinic.example",
    ],
)
def test_a_forged_return_path_is_refused_before_anything_is_said(
    store: Store, now: datetime, campaign: tuple[int, int], recipient: str
) -> None:
    _, number = campaign
    token = TOKENS.make(Purpose.BOUNCE, number)
    given = recipient.format(token=token, other=TOKENS.make(Purpose.UNSUBSCRIBE, number), altered=token.swapcase())
    with listening(reception(store, now)) as port:
        assert delivered(port, given, data=returned.dsn(given))[given][0] == 550
    with store.reading() as session:
        assert reports.page(session, limit=9) == []


def test_while_a_sender_settles_that_delivery_its_report_is_refused_for_now(
    store: Store, now: datetime, campaign: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflict, "LONGEST_PAUSE", 0.0)
    _, number = campaign
    with store.writing() as session:
        claims.claim(session, limit=9, token="a", lease_until=now, now=now)
    to = tagged(RETURN, TOKENS.make(Purpose.BOUNCE, number))
    with listening(reception(store, now)) as port, pytest.raises(smtplib.SMTPDataError) as refused:
        delivered(port, to, data=returned.dsn(to))
    assert refused.value.smtp_code == 451


def test_while_the_database_is_away_mail_is_refused_for_now(caplog: pytest.LogCaptureFixture) -> None:
    def away(recipient: str, data: bytes) -> None:
        raise DatabaseUnavailable("The database cannot be reached.")

    with listening(Reception(lambda _: True, away)) as port, pytest.raises(smtplib.SMTPDataError) as refused:
        delivered(port, "leave+x@news.clinic.example")
    assert refused.value.smtp_code == 451
    assert "inbox_deferred" in caplog.text


def test_what_we_stumble_over_is_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    def stumble(recipient: str, data: bytes) -> None:
        raise RuntimeError("something that nobody thought of")

    with listening(Reception(lambda _: True, stumble)) as port, pytest.raises(smtplib.SMTPDataError) as refused:
        delivered(port, "bounces+x@news.clinic.example")
    assert refused.value.smtp_code == 451
    assert "inbox_failed" in caplog.text


def test_one_recipient_at_a_time(store: Store) -> None:
    taken: list[str] = []
    with listening(Reception(lambda _: True, lambda recipient, _: taken.append(recipient))) as port:
        refused = delivered(port, "a@example.org", "b@example.org")
    assert (taken, refused["b@example.org"][0]) == (["a@example.org"], 452)


def test_a_mail_that_is_too_large_is_refused(store: Store) -> None:
    taken: list[str] = []
    with (
        listening(Reception(lambda _: True, lambda recipient, _: taken.append(recipient))) as port,
        pytest.raises(smtplib.SMTPException),
    ):
        delivered(port, "a@example.org", data=MAIL + b"x" * 60 * 30_000)
    assert taken == []
