"""What comes back: stored once, believed by its token alone, and followed by what must follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.actions import collect, erase, unsubscribe
from outreach.actions.collect import Collected, Terms
from outreach.audience.consent import SubscriptionState
from outreach.errors import DatabaseBusy
from outreach.replies.kind import Kind, Report
from outreach.store import (
    conflict,
    consents,
    decisions,
    deliveries,
    figures,
    reports,
    settlements,
    subscriptions,
    suppressions,
    tolls,
)
from outreach.store.attempts import Attempt
from outreach.store.campaigns import Campaign
from outreach.store.consents import Act
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.reports import ReportState
from outreach.store.settlements import Result
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Purpose, TokenMaker
from tests.actions.returned import RETURN, TERMS, auto_reply, complaint, dsn, path, riddle
from tests.engine.sending import TOKENS
from tests.store import crowd

DAY = timedelta(days=1)


@pytest.fixture
def spring(store: Store, now: datetime) -> int:
    """A campaign whose mail to three people was sent."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    sent(store, number, now)
    return number


def sent(store: Store, campaign: int, at: datetime) -> None:
    """Let the relay take everything of a campaign."""
    crowd.delivered(store, campaign, at)
    with store.writing() as session:
        delivery = table_of(Delivery)
        mine = sa.and_(delivery.c.campaign_id == campaign, delivery.c.state == DeliveryState.SENT)
        session.execute(sa.update(delivery).where(mine).values(sent_at=at, code=250, reply="ok"))


def another(store: Store, name: str, at: datetime) -> int:
    """A further campaign to the same list, sent; its number."""
    number = crowd.made_campaign(store, at, 1, name=name)
    sent(store, number, at)
    return number


def of(store: Store, campaign: int, person: int = 1) -> Delivery:
    with store.reading() as session:
        found = decisions.of_person(session, campaign, person)
    assert found is not None
    return found


def number_of(store: Store, campaign: int, person: int = 1) -> int:
    found = of(store, campaign, person).id
    assert found is not None
    return found


def why(store: Store, person: int = 1) -> str | None:
    """Why a person's address is suppressed."""
    with store.reading() as session:
        found = suppressions.find(session, f"p{person}@example.org")
    return found.reason.value if found else None


def state_of(store: Store, delivery: int, to: DeliveryState) -> None:
    """Bring a delivery to a state, with the tallies."""
    table = table_of(Delivery)
    with store.writing() as session:
        row = session.get_one(Delivery, delivery)
        deliveries.shift(session, {(row.campaign_id, row.state): -1, (row.campaign_id, to): 1})
        session.execute(sa.update(table).where(table.c.id == delivery).values(state=to, sent_at=None))


def came(
    store: Store, data: bytes, now: datetime, *, to: str | None = None, terms: Terms = TERMS, source: str = "listener"
) -> Collected:
    return collect.message(store, data, source=source, terms=terms, now=now, recipient=to)


def bounced(store: Store, delivery: int, now: datetime, status: str = "5.1.1", **more: Any) -> Collected:
    """A report about a delivery came to its return path."""
    return came(store, dsn(path(delivery), status, **more), now, to=path(delivery))


def stored(store: Store) -> list[dict[str, Any]]:
    with store.reading() as session:
        return [dict(row) for row in session.execute(sa.select(table_of(reports.Report))).mappings()]


def adds_up(store: Store, campaign: int) -> dict[str, int]:
    """The tallies that are not zero; they equal the rows."""
    with store.reading() as session:
        told = deliveries.tallies(session, campaign)
    assert told == crowd.counted(store, campaign)
    return {state.value: n for state, n in told.items() if n}


# -- hard


def test_a_hard_bounce_bounces_the_delivery_and_suppresses_the_address(
    store: Store, now: datetime, spring: int
) -> None:
    waiting = crowd.made_campaign(store, now, 1, name="next")
    number = number_of(store, spring)
    done = bounced(store, number, now + DAY)
    assert (done.kind, done.state, done.fresh, done.delivery_id) == (Kind.HARD, ReportState.HANDLED, True, number)
    row = of(store, spring)
    assert (row.state, row.settled_at, row.sent_at) == (DeliveryState.BOUNCED, now + DAY, now)
    assert row.reason
    assert why(store) == "hard_bounce"
    assert of(store, waiting).state is DeliveryState.EXCLUDED
    assert adds_up(store, spring) == {"sent": 2, "bounced": 1}
    assert adds_up(store, waiting) == {"queued": 2, "excluded": 1}
    (kept,) = stored(store)
    assert (kept["subscriber_id"], kept["campaign_id"], kept["status"], kept["raw"]) == (1, spring, "5.1.1", None)


def test_what_came_back_counts_for_the_self_stop(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring, 1), now)
    mail = complaint(path(number_of(store, spring, 2)))
    came(store, mail, now, to=path(number_of(store, spring, 2)))
    with store.reading() as session:
        toll = tolls.of_campaign(session, spring)
        told = figures.report(session, session.get_one(Campaign, spring))
    assert (toll.sent, toll.bounced, toll.complaints) == (2, 1, 1)
    assert (told["audience"], told["sent"], told["bounced"], told["complaints"]) == (3, 2, 1, 1)


@pytest.mark.parametrize("status", ["5.1.1", "5.2.2"])
def test_a_delivery_in_doubt_was_accepted_when_something_comes_back(
    store: Store, now: datetime, spring: int, status: str
) -> None:
    number = number_of(store, spring)
    state_of(store, number, DeliveryState.UNKNOWN)
    bounced(store, number, now + DAY, status)
    expected = DeliveryState.BOUNCED if status == "5.1.1" else DeliveryState.SENT
    row = of(store, spring)
    assert (row.state, row.sent_at) == (expected, row.settled_at if status == "5.2.2" else now)
    assert adds_up(store, spring) == ({"sent": 2, "bounced": 1} if status == "5.1.1" else {"sent": 3})


@pytest.mark.parametrize("state", ["failed", "excluded", "cancelled"])
@pytest.mark.parametrize("status", ["5.1.1", "5.2.2"])
def test_what_never_left_is_not_moved_by_a_report(
    store: Store, now: datetime, spring: int, state: str, status: str
) -> None:
    number = number_of(store, spring)
    state_of(store, number, DeliveryState(state))
    bounced(store, number, now, status)
    assert of(store, spring).state.value == state
    adds_up(store, spring)


def test_what_was_queued_again_is_not_sent_after_its_first_copy_bounced(
    store: Store, now: datetime, spring: int
) -> None:
    number = number_of(store, spring)
    state_of(store, number, DeliveryState.QUEUED)
    bounced(store, number, now)
    assert (of(store, spring).state, of(store, spring).reason) == (DeliveryState.EXCLUDED, "suppressed")
    assert adds_up(store, spring) == {"sent": 2, "excluded": 1}


def test_a_report_that_is_quicker_than_the_senders_commit_comes_again(
    store: Store, now: datetime, spring: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conflict, "TRIES", 2)
    monkeypatch.setattr(conflict, "LONGEST_PAUSE", 0.0)
    number = number_of(store, spring)
    state_of(store, number, DeliveryState.CLAIMED)
    with store.writing() as session:
        session.execute(sa.update(table_of(Delivery)).where(table_of(Delivery).c.id == number).values(claim="c"))
    with pytest.raises(DatabaseBusy):
        bounced(store, number, now)
    assert (stored(store), why(store)) == ([], None)
    with store.writing() as session:
        settlements.settle(session, [Result(number, "c", DeliveryState.SENT, now)], now)
    assert bounced(store, number, now).fresh
    assert (of(store, spring).state, why(store)) == (DeliveryState.BOUNCED, "hard_bounce")


# -- once


@pytest.mark.parametrize("make", [dsn, complaint, auto_reply, riddle])
def test_the_same_report_by_another_way_changes_nothing(
    store: Store, now: datetime, spring: int, make: Callable[[str], bytes]
) -> None:
    to = path(number_of(store, spring))
    data = make(to)
    assert came(store, data, now, to=to).fresh
    before = (adds_up(store, spring), stored(store))
    on_the_way = b"Delivered-To: " + to.encode() + b"\r\nReceived: from a by b\r\n\twith ESMTP;\r\n"
    for source, same in (("maildir", on_the_way + data.replace(b"\n", b"\r\n")), ("imap", data + b"\n"), ("x", data)):
        assert not came(store, same, now + DAY, source=source).fresh
    assert (adds_up(store, spring), stored(store)) == before


def test_after_a_crash_between_storing_and_acknowledging_it_is_handled_once(
    store: Store, now: datetime, spring: int
) -> None:
    number = number_of(store, spring, 2)
    data = complaint(path(number))

    def take() -> None:
        came(store, data, now, to=path(number))
        raise SystemExit(9)  # killed before the answer left

    for _ in range(3):
        with pytest.raises(SystemExit):
            take()
    with store.reading() as session:
        assert figures.report(session, session.get_one(Campaign, spring))["complaints"] == 1
    assert len(stored(store)) == 1


def test_two_complaints_about_one_mail_are_one(store: Store, now: datetime, spring: int) -> None:
    to = path(number_of(store, spring))
    assert came(store, complaint(to, return_path=to), now, to=to).fresh
    assert came(store, complaint(to), now, to=to).fresh
    with store.reading() as session:
        assert figures.report(session, session.get_one(Campaign, spring))["complaints"] == 1


# -- by the token only


def test_forged_reports_and_reports_without_a_token_change_nothing(store: Store, now: datetime, spring: int) -> None:
    number = number_of(store, spring)
    other = TokenMaker(KeyRing(b"f" * 32)).make(Purpose.BOUNCE, number)
    for to in (
        str(RETURN),
        f"b+{other}@news.clinic.example",
        f"b+{TOKENS.make(Purpose.CLICK, number, 1)}@news.clinic.example",
        f"x+{TOKENS.make(Purpose.BOUNCE, number)}@news.clinic.example",
        path(number).swapcase(),
    ):
        for status in ("5.1.1", "5.2.2"):
            done = came(store, dsn(to, status), now, to=to)
            assert (done.state, done.delivery_id) == (ReportState.IGNORED, None)
    assert why(store) is None
    assert adds_up(store, spring) == {"sent": 3}
    assert {(row["words"], row["raw"], row["subscriber_id"]) for row in stored(store)} == {(None, None, None)}


def test_what_a_report_says_of_somebody_else_is_no_proof(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring, 2), now, who="p1@example.org")
    assert (why(store, 1), why(store, 2)) == (None, "hard_bounce")


def test_two_tokens_prove_nothing(store: Store, now: datetime, spring: int) -> None:
    both = f"{path(number_of(store, spring, 1))}, {path(number_of(store, spring, 2))}"
    assert came(store, dsn(both), now).state is ReportState.IGNORED
    assert adds_up(store, spring) == {"sent": 3}


def test_the_header_tells_the_address_where_the_way_does_not(store: Store, now: datetime, spring: int) -> None:
    """A Maildir, a mailbox on a server and a file know no envelope."""
    to = path(number_of(store, spring))
    for given in (dsn(to), b"X-Original-To: " + to.encode() + b"\n" + dsn("undisclosed-recipients:;")):
        assert came(store, given, now).delivery_id == number_of(store, spring)
    assert came(store, b"Received: by x for <" + to.encode() + b">; now\n" + dsn("x"), now, to=str(RETURN)).delivery_id


def test_tokens_of_an_old_secret_key_that_is_listed_work(store: Store, now: datetime, spring: int) -> None:
    old, new = b"o" * 32, b"n" * 32
    number = number_of(store, spring)
    to = f"b+{TokenMaker(KeyRing(old)).make(Purpose.BOUNCE, number)}@news.clinic.example"
    renewed = replace(TERMS, tokens=TokenMaker(KeyRing(new)))
    assert came(store, dsn(to), now, to=to, terms=renewed).delivery_id is None
    listed = replace(TERMS, tokens=TokenMaker(KeyRing(new, (old,))))
    assert came(store, dsn(to), now, to=to, terms=listed).delivery_id == number
    assert why(store) == "hard_bounce"


def test_reports_about_test_mails_change_nothing(store: Store, now: datetime, spring: int) -> None:
    assert bounced(store, 0, now).state is ReportState.HANDLED
    assert came(store, complaint(path(0)), now, to=path(0)).state is ReportState.HANDLED
    with store.reading() as session:
        assert reports.unproved_since(session, now) == 0
    assert adds_up(store, spring) == {"sent": 3}


@pytest.mark.parametrize("make", [dsn, complaint, riddle])
def test_a_report_about_an_erased_person_or_none_is_handled_and_keeps_nothing(
    store: Store, now: datetime, spring: int, make: Callable[[str], bytes]
) -> None:
    number = number_of(store, spring)
    erase.person(store, "p1@example.org", key=b"k" * 32, now=now)
    for delivery in (number, 999_999):
        assert came(store, make(path(delivery)), now, to=path(delivery)).state is ReportState.HANDLED
    for row in stored(store):
        assert {row[name] for name in ("subscriber_id", "delivery_id", "words", "raw")} == {None}
    assert adds_up(store, spring) == {"sent": 3}


def test_who_is_erased_while_a_report_is_written_down_is_not_named_by_it(
    postgresql_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgresql_store
    sent(store, crowd.made_campaign(store, now, crowd.made_list(store, now, 1)), now)
    erasing = Thread(target=erase.person, args=(store, "p1@example.org"), kwargs={"key": b"k" * 32, "now": now})
    put = reports.put

    def meanwhile(session: Any, row: reports.Report) -> int | None:
        """The person is known by now; the erasure waits for this transaction, or is through before it ends."""
        erasing.start()
        erasing.join(0.5)
        return put(session, row)

    monkeypatch.setattr(reports, "put", meanwhile)
    bounced(store, 1, now)
    erasing.join(20)
    assert [(row["subscriber_id"], row["words"]) for row in stored(store)] == [(None, None)]


# -- late reports


@pytest.mark.parametrize("order", ["before", "after"])
def test_only_a_later_confirmation_stands_against_a_hard_bounce(
    store: Store, now: datetime, spring: int, order: str
) -> None:
    """A mailbox from which somebody confirmed after that mail was sent is not dead: the report is late."""
    with store.writing() as session:
        at = now - DAY if order == "before" else now + DAY
        source = consents.source(session, "yes", "form")
        consents.append(session, 1, 1, Act.CONFIRMED, source_id=source, now=at)
    bounced(store, number_of(store, spring), now + 2 * DAY)
    assert of(store, spring).state is DeliveryState.BOUNCED
    assert why(store) == ("hard_bounce" if order == "before" else None)


def test_a_publishers_word_does_not_stand_against_a_hard_bounce(store: Store, now: datetime, spring: int) -> None:
    with store.writing() as session:
        source = consents.source(session, "yes", "import")
        consents.append(session, 1, 1, Act.GIVEN, source_id=source, now=now + DAY)
    bounced(store, number_of(store, spring), now + 2 * DAY)
    assert why(store) == "hard_bounce"


def test_a_complaint_holds_even_against_a_later_confirmation(store: Store, now: datetime, spring: int) -> None:
    with store.writing() as session:
        source = consents.source(session, "yes", "form")
        consents.append(session, 1, 1, Act.CONFIRMED, source_id=source, now=now + DAY)
    to = path(number_of(store, spring))
    came(store, complaint(to), now + 2 * DAY, to=to)
    assert why(store) == "complaint"


# -- complaints


def test_a_complaint_takes_the_person_off_every_list_with_an_entry_on_the_ledger(
    store: Store, now: datetime, spring: int
) -> None:
    other = crowd.made_list(store, now, 3, name="other")
    waiting = crowd.made_campaign(store, now, other, name="elsewhere")
    to = path(number_of(store, spring))
    came(store, complaint(to), now, to=to)
    assert why(store) == "complaint"
    assert of(store, spring).state is DeliveryState.SENT
    assert of(store, waiting).state is DeliveryState.EXCLUDED
    with store.reading() as session:
        assert {row["state"] for row in subscriptions.of_person(session, 1)} == {SubscriptionState.UNSUBSCRIBED}
        withdrawn = [row for row in consents.of_person(session, 1) if row["act"] is Act.WITHDRAWN]
        told = figures.report(session, session.get_one(Campaign, spring))
    assert [(row["list"], row["source"]) for row in withdrawn] == [("sample", "complaint"), ("other", "complaint")]
    assert (told["complaints"], told["unsubscribed"]) == (1, 0)


@pytest.mark.parametrize("proof", ["return_path", "message_id"])
def test_a_complaint_to_the_complaint_address_is_proved_by_the_mail_that_it_encloses(
    store: Store, now: datetime, spring: int, proof: str
) -> None:
    number = number_of(store, spring)
    facts = {
        "return_path": {"return_path": path(number)},
        "message_id": {"message_id": f"{TOKENS.make(Purpose.MESSAGE, number)}@clinic.example"},
    }
    done = came(store, complaint("fbl@news.clinic.example", **facts[proof]), now, to="fbl@news.clinic.example")
    assert (done.delivery_id, why(store)) == (number, "complaint")


def test_a_bounce_is_not_proved_by_the_mail_that_it_encloses(store: Store, now: datetime, spring: int) -> None:
    """A reader who passes a mail on may get it back, and pass that on, too."""
    number = number_of(store, spring)
    mail = dsn(str(RETURN)).replace(
        b"Subject: Hello", b"Message-ID: <" + TOKENS.make(Purpose.MESSAGE, number).encode() + b"@clinic.example>"
    )
    assert came(store, mail, now, to=str(RETURN)).delivery_id is None
    assert why(store) is None


def test_a_complaint_that_nobody_can_be_found_for_waits_for_a_person(store: Store, now: datetime, spring: int) -> None:
    mail = complaint("fbl@news.clinic.example")
    assert came(store, mail, now, to="fbl@news.clinic.example").state is ReportState.UNCLEAR
    (row,) = stored(store)
    assert row["raw"] == mail
    assert adds_up(store, spring) == {"sent": 3}


# -- what is no failure


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda to: dsn(to, "4.4.1", action="delayed"), Kind.DELAYED),
        (auto_reply, Kind.AUTO_REPLY),
        (lambda to: dsn(to, "2.0.0", action="delivered"), Kind.DELIVERED),
    ],
)
def test_delays_answers_and_deliveries_change_nothing_but_doubt(
    store: Store, now: datetime, spring: int, make: Callable[[str], bytes], kind: Kind
) -> None:
    to = path(number_of(store, spring))
    done = came(store, make(to), now, to=to)
    assert (done.kind, done.state) == (kind, ReportState.HANDLED)
    assert (why(store), adds_up(store, spring)) == (None, {"sent": 3})
    doubtful = number_of(store, spring, 2)
    state_of(store, doubtful, DeliveryState.UNKNOWN)
    came(store, make(path(doubtful)), now, to=path(doubtful))
    assert adds_up(store, spring) == {"sent": 3}


def test_a_riddle_is_kept_until_a_person_has_looked_at_it(store: Store, now: datetime, spring: int) -> None:
    to = path(number_of(store, spring))
    data = riddle(to, "x" * 100_000)
    assert came(store, data, now, to=to).state is ReportState.UNCLEAR
    (row,) = stored(store)
    assert row["raw"] == data[: collect.LARGEST_RAW]
    with store.reading() as session:
        assert reports.unclear(session) == 1
        assert reports.counts(session)["states"]["unclear"] == 1
    assert collect.looked_at(store, row["id"])
    assert not collect.looked_at(store, row["id"])
    (row,) = stored(store)
    assert (row["state"], row["raw"]) == (ReportState.LOOKED_AT, None)
    assert not came(store, data, now, to=to).fresh


def test_who_floods_us_gets_no_more_room(
    store: Store, now: datetime, spring: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_RAW", 2)
    to = path(number_of(store, spring))
    for words in ("a", "b", "c"):
        came(store, riddle(to, words), now, to=to)
    assert [row["raw"] is None for row in stored(store)] == [False, False, True]


# -- soft bounces in a row


def test_so_many_soft_bounces_in_a_row_suppress_with_a_reason_of_their_own(
    store: Store, now: datetime, spring: int
) -> None:
    for index in range(1, 3):
        bounced(store, number_of(store, another(store, f"c{index}", now + index * DAY)), now + index * DAY, "5.2.2")
        bounced(store, number_of(store, index + 1), now + index * DAY, "5.2.2", words="once more")  # the same again
    assert why(store) is None
    waiting = crowd.made_campaign(store, now + 3 * DAY, 1, name="next")
    bounced(store, number_of(store, spring), now + 3 * DAY, "5.2.2")
    assert why(store) == "soft_bounces"
    assert of(store, waiting).state is DeliveryState.EXCLUDED
    with store.reading() as session:
        found = suppressions.find(session, "p1@example.org")
    assert found is not None
    assert found.note == "3 messages in a row were turned away"
    assert adds_up(store, spring) == {"sent": 3}


def test_a_message_that_nobody_reported_for_days_ends_the_row(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring), now, "5.2.2")
    another(store, "good", now + DAY)
    for index, day in enumerate((7, 8)):
        number = number_of(store, another(store, f"c{index}", now + day * DAY))
        bounced(store, number, now + day * DAY, "5.2.2")
    assert why(store) is None
    bounced(store, number_of(store, another(store, "last", now + 9 * DAY)), now + 9 * DAY, "5.2.2")
    assert why(store) == "soft_bounces"


def test_a_message_of_these_days_does_not_end_the_row(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring), now, "5.2.2")
    another(store, "undecided", now + DAY)
    for index in (2, 3):
        bounced(store, number_of(store, another(store, f"c{index}", now + index * DAY)), now + index * DAY, "5.2.2")
    assert why(store) == "soft_bounces"


def test_a_delivery_that_is_reported_ends_the_row(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring), now, "5.2.2")
    good = number_of(store, another(store, "good", now + DAY))
    bounced(store, good, now + DAY, "2.0.0", action="delivered")
    for index in (2, 3):
        bounced(store, number_of(store, another(store, f"c{index}", now + index * DAY)), now + index * DAY, "5.2.2")
    assert why(store) is None


def test_refusals_while_sending_count_in_the_same_row(store: Store, now: datetime, spring: int) -> None:
    for index in (1, 2):
        refused = number_of(store, another(store, f"c{index}", now + index * DAY))
        with store.writing() as session:
            session.execute(
                sa.update(table_of(Delivery)).where(table_of(Delivery).c.id == refused).values(enhanced="5.2.2")
            )
        state_of(store, refused, DeliveryState.FAILED)
    bounced(store, number_of(store, spring), now + 3 * DAY, "5.2.2")
    assert why(store) == "soft_bounces"


# -- webhooks


@dataclass(frozen=True)
class Notice:
    key: str
    report: Report
    message_id: str | None = None
    return_path: str | None = None


def told(store: Store, now: datetime, *notices: Notice) -> list[Collected]:
    return collect.notices(store, notices, source="ses", terms=TERMS, now=now)


def test_a_providers_notices_are_handled_once_by_their_key(store: Store, now: datetime, spring: int) -> None:
    hard, spam = Report(Kind.HARD, "no such mailbox", "5.1.1"), Report(Kind.COMPLAINT, "abuse")
    first = Notice("a", hard, f"<{TOKENS.make(Purpose.MESSAGE, number_of(store, spring))}@clinic.example>")
    second = Notice("b", spam, return_path=path(number_of(store, spring, 2)))
    forged = Notice("c", hard, "<somebody@else.example>", "b@news.clinic.example")
    assert [each.fresh for each in told(store, now, first, second, forged)] == [True, True, True]
    assert [each.fresh for each in told(store, now, first, second, first, forged)] == [False] * 4
    assert (why(store, 1), why(store, 2), why(store, 3)) == ("hard_bounce", "complaint", None)
    assert adds_up(store, spring) == {"sent": 2, "bounced": 1}
    assert {row["source"] for row in stored(store)} == {"ses"}


def test_what_no_database_can_hold_is_left_out(store: Store, now: datetime, spring: int) -> None:
    odd = "a\0b\ud800" + "x" * 9000
    report = Report(Kind.HARD, odd, odd, odd, odd, odd, odd)
    assert told(store, now, Notice(odd, report, return_path=path(number_of(store, spring))))[0].fresh
    (row,) = stored(store)
    assert (row["status"], row["words"][:4], len(row["words"])) == ("ab?" + "x" * 13, "ab?x", collect.LONGEST_WORDS)
    assert why(store) == "hard_bounce"


def test_a_notice_whose_two_proofs_differ_proves_nothing(store: Store, now: datetime, spring: int) -> None:
    message_id = f"{TOKENS.make(Purpose.MESSAGE, number_of(store, spring, 1))}@clinic.example"
    odd = Notice("a", Report(Kind.HARD, None), message_id, path(number_of(store, spring, 2)))
    assert told(store, now, odd)[0].state is ReportState.IGNORED


def test_that_everything_arrived_takes_no_room_but_where_it_tells_something(
    store: Store, now: datetime, spring: int
) -> None:
    fine = Report(Kind.DELIVERED, None)
    bounced(store, number_of(store, spring, 2), now, "5.2.2")
    state_of(store, number_of(store, spring, 3), DeliveryState.UNKNOWN)
    done = told(store, now, *(Notice(str(n), fine, return_path=path(number_of(store, spring, n))) for n in (1, 2, 3)))
    assert [each.fresh for each in done] == [False, True, True]
    assert adds_up(store, spring) == {"sent": 3}
    assert len(stored(store)) == 3


# -- what is known of a person


def test_who_leaves_by_themselves_is_no_complaint(store: Store, now: datetime, spring: int) -> None:
    unsubscribe.by_delivery(store, number_of(store, spring), now=now)
    with store.reading() as session:
        told = figures.report(session, session.get_one(Campaign, spring))
    assert (told["complaints"], told["unsubscribed"]) == (0, 1)


def test_attempts_are_no_reports(store: Store, now: datetime, spring: int) -> None:
    bounced(store, number_of(store, spring), now)
    with store.reading() as session:
        assert session.execute(sa.select(table_of(Attempt))).all() == []
