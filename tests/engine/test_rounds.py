"""Mailboxes that are looked into: what is stored goes, what is not stays, and of several processes one looks."""

from __future__ import annotations

import logging
import mailbox
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from outreach import address
from outreach.actions import collect
from outreach.audience.consent import SubscriptionState
from outreach.engine.postbox import Addresses, Postbox
from outreach.engine.rounds import Rounds
from outreach.errors import DatabaseBusy, DatabaseUnavailable, InboxError
from outreach.inbox.mailbox import GoOn, Take
from outreach.inbox.maildir import Maildir
from outreach.replies.kind import Kind
from outreach.replies.returnpath import tagged
from outreach.store import reports, subscriptions, suppressions, turn
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.leader import Leadership
from outreach.tracking.token import Purpose
from tests.actions.returned import TERMS, dsn, path, riddle
from tests.engine.sending import TOKENS
from tests.store import crowd

LEAVE = address.parse("leave@news.clinic.example")


@pytest.fixture
def spring(store: Store, now: datetime) -> int:
    """A campaign whose mail to two people was sent."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, 2))
    crowd.delivered(store, number, now)
    return number


@pytest.fixture
def folder(tmp_path: Path, spring: int) -> Path:
    """A Maildir with a bounce of the first person, and a mail by which the second one leaves."""
    box = mailbox.Maildir(tmp_path / "box", create=True)
    box.add(dsn(path(1)))
    leaving = tagged(LEAVE, TOKENS.make(Purpose.UNSUBSCRIBE, 2))
    box.add(f"From: p2@example.org\nTo: {leaving}\nSubject: unsubscribe\n\n".encode())
    return tmp_path / "box"


def new(folder: Path) -> int:
    return len(list((folder / "new").iterdir()))


def postbox(store: Store, now: datetime, told: Callable[[collect.Collected], object] = lambda _: None) -> Postbox:
    return Postbox(store, TERMS, Addresses(leave=LEAVE), now=lambda: now, told=told)


def state(store: Store, person: int) -> tuple[bool, SubscriptionState | None]:
    """Whether a person is suppressed, and how they stand to the list."""
    with store.reading() as session:
        barred = suppressions.is_listed(session, f"p{person}@example.org")
        return barred, subscriptions.state(session, person, 1)


def test_a_maildir_is_emptied_of_bounces_and_of_mail_to_leave(
    store: Store, now: datetime, spring: int, folder: Path
) -> None:
    told: list[collect.Collected] = []
    rounds = Rounds(Maildir(folder), postbox(store, now, told.append).read, every=1)
    assert rounds.once() == 2
    assert state(store, 1) == (True, SubscriptionState.CONFIRMED)
    assert state(store, 2) == (False, SubscriptionState.UNSUBSCRIBED)
    assert [(each.kind, each.fresh) for each in told] == [(Kind.HARD, True)]
    assert (new(folder), rounds.once()) == (0, 0)
    assert crowd.told(store, spring) == {"bounced": 1, "sent": 1}


def test_killed_between_storing_and_moving_it_is_handled_once(
    store: Store, now: datetime, spring: int, folder: Path
) -> None:
    read = postbox(store, now).read

    def killed(data: bytes, source: str) -> None:
        read(data, source)  # committed
        raise SystemExit(9)

    for _ in range(2):
        with pytest.raises(SystemExit):
            Rounds(Maildir(folder), killed, every=1).once()
    assert new(folder) == 2
    told: list[collect.Collected] = []
    assert Rounds(Maildir(folder), postbox(store, now, told.append).read, every=1).once() == 2
    with store.reading() as session:
        assert len(reports.page(session, limit=9)) == 1
    assert crowd.told(store, spring) == {"bounced": 1, "sent": 1}


def test_two_who_look_at_once_handle_each_report_once(store: Store, now: datetime, spring: int, folder: Path) -> None:
    box = mailbox.Maildir(folder)
    for number in range(40):
        box.add(riddle(path(1), f"riddle {number}"))
    told: list[collect.Collected] = []
    both = [
        threading.Thread(target=Rounds(Maildir(folder), postbox(store, now, told.append).read, every=1).once)
        for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert new(folder) == 0
    assert sum(each.fresh for each in told) == 41
    with store.reading() as session:
        assert len(reports.page(session, limit=99)) == 41
    assert crowd.told(store, spring) == {"bounced": 1, "sent": 1}


def test_while_the_database_is_away_mail_stays_and_it_is_said_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def away(data: bytes, source: str) -> None:
        raise DatabaseUnavailable("The database cannot be used.")

    rounds = Rounds(Maildir(folder), away, every=1)
    assert (rounds.once(), rounds.once(), new(folder)) == (0, 0, 2)
    assert caplog.text.count("mailbox_away") == 1


def test_a_message_that_cannot_be_handled_keeps_no_other(
    store: Store, now: datetime, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read, seen = postbox(store, now).read, []

    def stumbling(data: bytes, source: str) -> None:
        seen.append(data)
        if b"unsubscribe" in data:
            raise RuntimeError("something that nobody thought of")
        if len(seen) < 3:
            raise DatabaseBusy("a sender is settling that delivery")
        read(data, source)

    rounds = Rounds(Maildir(folder), stumbling, every=1)
    assert (rounds.once(), rounds.once(), new(folder)) == (0, 1, 1)
    assert "message_left_in_mailbox" in caplog.text
    assert state(store, 1)[0]


def test_a_mailbox_that_comes_back_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Flaky:
        name = "imap"
        away = True

        def empty(self, take: Take, go_on: GoOn) -> int:
            if self.away:
                raise InboxError("It cannot be reached.")
            return 0

    box = Flaky()
    rounds = Rounds(box, lambda data, source: None, every=1)
    with caplog.at_level(logging.INFO):
        rounds.once()
        box.away = False
        rounds.once()
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["mailbox_away", "mailbox_back"]


def test_of_two_processes_one_looks_and_the_other_follows_when_it_ends(
    store: Store, now: datetime, folder: Path
) -> None:
    def of_a_process() -> tuple[Rounds, Leadership]:
        leads = Leadership(store, "mailbox", turn.MAILBOX)
        return Rounds(Maildir(folder), postbox(store, now).read, every=1, leads=leads), leads

    (first, lead), (second, other) = of_a_process(), of_a_process()
    assert first.once() == 2
    mailbox.Maildir(folder).add(riddle(path(1)))
    assert (second.once(), new(folder)) == (0, 1)
    lead.resign()
    second._asked_at = 0.0
    assert (second.once(), new(folder)) == (1, 0)
    other.resign()


def test_it_goes_round_until_it_is_stopped_and_gives_signs_of_life(store: Store, now: datetime, folder: Path) -> None:
    stop = threading.Event()
    read = postbox(store, now).read

    def last(data: bytes, source: str) -> None:
        read(data, source)
        if new(folder) == 1:
            stop.set()

    rounds = Rounds(Maildir(folder), last, every=0.0)
    rounds.run(stop)
    assert rounds.pulse.silent < 5
    assert new(folder) == 0


def test_a_delivery_in_a_senders_hands_waits_for_the_next_round(
    store: Store, now: datetime, spring: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from outreach.store import conflict
    from tests.actions.test_collect import state_of

    monkeypatch.setattr(conflict, "LONGEST_PAUSE", 0.0)
    state_of(store, 1, DeliveryState.CLAIMED)
    rounds = Rounds(Maildir(folder), postbox(store, now).read, every=1)
    assert (rounds.once(), new(folder)) == (1, 1)
    state_of(store, 1, DeliveryState.SENT)
    assert (rounds.once(), state(store, 1)[0]) == (1, True)
