"""Consents: who, when, which wording, from where; each wording written once."""

from __future__ import annotations

from datetime import datetime

from outreach.address import parse
from outreach.store import consents, lists, subscribers
from outreach.store.consents import Act, Purpose
from outreach.store.database import Store
from outreach.store.lists import MailingList


def test_a_wording_from_a_source_is_written_once(store: Store) -> None:
    with store.writing() as session:
        first = consents.source(session, "I agree", "form")
        assert consents.source(session, "I agree", "form") == first
        assert len({first, consents.source(session, "I agree", "file"), consents.source(session, "yes", "form")}) == 3


def test_the_acts_of_a_person_are_told_in_their_order_and_forgotten(store: Store, now: datetime) -> None:
    with store.writing() as session:
        lists.add(session, MailingList(name="news", title="News", created_at=now))
        subscribers.put(session, parse("ann@example.org"), {}, now=now)
        yes, no = consents.source(session, "I agree", "form"), consents.source(session, "", "one-click")
        consents.append(session, 1, 1, Act.GIVEN, source_id=yes, now=now)
        consents.append(session, 1, None, Act.GIVEN, source_id=yes, now=now, purpose=Purpose.TRACKING)
        consents.append(session, 1, 1, Act.WITHDRAWN, source_id=no, now=now)
    with store.writing() as session:
        told = consents.of_person(session, 1)
        assert [
            (row["list"], row["purpose"], row["act"], row["wording"], row["source"], row["at"]) for row in told
        ] == [
            ("news", Purpose.MAIL, Act.GIVEN, "I agree", "form", now),
            (None, Purpose.TRACKING, Act.GIVEN, "I agree", "form", now),
            ("news", Purpose.MAIL, Act.WITHDRAWN, "", "one-click", now),
        ]
        assert consents.forget(session, 1, now=now) == 3
        assert consents.of_person(session, 1) == []
