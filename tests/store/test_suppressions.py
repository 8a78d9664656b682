"""Suppressions: the first reason stands until the person lifts it; domains bar everybody at and below them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from outreach.audience import barred
from outreach.store import claims, subscribers, suppressions
from outreach.store.database import Store, table_of
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import SuppressionReason
from tests.store import crowd


def test_the_first_reason_stands(store: Store, now: datetime) -> None:
    with store.writing() as session:
        assert suppressions.add(session, "a@example.org", SuppressionReason.COMPLAINT, now=now, note="x" * 600)
        assert not suppressions.add(session, "a@example.org", SuppressionReason.MANUAL, now=now)
    with store.reading() as session:
        found = suppressions.find(session, "a@example.org")
        assert found is not None
        assert (found.reason, len(found.note), found.at) == (SuppressionReason.COMPLAINT, 500, now)
        assert suppressions.find(session, "b@example.org") is None


def test_lifting_takes_away_what_is_there(store: Store, now: datetime) -> None:
    with store.writing() as session:
        suppressions.add(session, "a@example.org", SuppressionReason.MANUAL, now=now)
        assert suppressions.lift(session, ["a@example.org", "b@example.org"]) == 1
        assert suppressions.lift(session, []) == 0


def test_the_hashes_of_erased_people_are_told_apart(store: Store, now: datetime) -> None:
    with store.writing() as session:
        suppressions.add(session, "a@example.org", SuppressionReason.MANUAL, now=now)
        suppressions.add(session, "erased:0f", SuppressionReason.ERASED, now=now)
        assert suppressions.erased(session) == {"erased:0f"}


def test_what_a_mailbox_or_a_person_said_outranks_what_was_done_by_hand(store: Store, now: datetime) -> None:
    with store.writing() as session:
        suppressions.add(session, "a@example.org", SuppressionReason.MANUAL, now=now, note="asked")
        assert suppressions.add(session, "a@example.org", SuppressionReason.COMPLAINT, now=now)
        assert not suppressions.add(session, "a@example.org", SuppressionReason.HARD_BOUNCE, now=now)
        assert not suppressions.lift_manual(session, "a@example.org")
    with store.reading() as session:
        found = suppressions.find(session, "a@example.org")
        assert found is not None
        assert (found.reason, found.note) == (SuppressionReason.COMPLAINT, "asked")


def test_a_domain_bars_everybody_at_it_and_below_it(store: Store, now: datetime) -> None:
    with store.writing() as session:
        assert not suppressions.some_domain(session)
        assert suppressions.add_domains(session, [("example.org", "x"), ("b.example.com", "")], now=now) == 2
        assert suppressions.add_domains(session, [("example.org", "y")], now=now) == 0
        assert suppressions.some_domain(session)
        barred = {
            mail: found.email_key if (found := suppressions.find(session, mail)) else None
            for mail in ("a@example.org", "a@x.y.example.org", "a@notexample.org", "a@example.com", "a@b.example.com")
        }
        assert list(barred.values()) == ["@example.org", "@example.org", None, None, "@b.example.com"]
        assert suppressions.lift_manual(session, "@example.org")
        assert not suppressions.lift_manual(session, "@example.org")


@pytest.mark.parametrize(
    "mail", ["a@example.org", "a@x.example.org", "a@u.v.w.x.example.org", "a@example.net", "a@b.c"]
)
@pytest.mark.parametrize("domain", ["example.org", "x.example.org", "example.net"])
def test_both_ways_of_asking_about_a_domain_agree_with_the_plain_one(
    store: Store, now: datetime, mail: str, domain: str
) -> None:
    with store.writing() as session:
        suppressions.add_domains(session, [(domain, "")], now=now)
        session.add(Subscriber(email=mail, email_key=mail, created_at=now, updated_at=now))
        session.flush()
        key = table_of(Subscriber).c.email_key
        plain = domain if domain in barred.domains(mail) else None
        assert session.execute(sa.select(suppressions.barred_domain(key))).scalar_one() == plain
        at_it = session.execute(sa.select(sa.func.count()).where(suppressions.at_barred_domain(key)))
        assert at_it.scalar_one() == int(plain is not None)


def test_pages_hold_every_entry_once(store: Store, now: datetime) -> None:
    with store.writing() as session:
        suppressions.add_domains(session, [(f"d{n}.example", "") for n in range(3)], now=now)
        suppressions.add_all(session, [(f"p{n}@example.org", SuppressionReason.MANUAL, "") for n in range(4)], now=now)
        suppressions.add(session, "q@example.org", SuppressionReason.COMPLAINT, now=now)
        seen: list[str] = []
        while found := suppressions.page(session, after=seen[-1] if seen else "", limit=2):
            seen += [each["entry"] for each in found]
        assert seen == [f"@d{n}.example" for n in range(3)] + [f"p{n}@example.org" for n in range(4)] + [
            "q@example.org"
        ]
        complaints = suppressions.page(session, reason=SuppressionReason.COMPLAINT, limit=9)
        assert [each["entry"] for each in complaints] == ["q@example.org"]
        counts = suppressions.counts(session)
        assert (counts["domain"], counts["manual"], counts["complaint"], counts["erased"]) == (3, 4, 1, 0)


def test_a_launch_and_a_claim_leave_out_who_is_at_a_barred_domain(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 3)
    moved = {1: "p1@news.example.com", 2: "p2@example.net"}
    with store.writing() as session:
        for number, mail in moved.items():
            subscriber = table_of(Subscriber)
            session.execute(sa.update(subscriber).where(subscriber.c.id == number).values(email_key=mail))
        suppressions.add_domains(session, [("example.com", "")], now=now)
    campaign = crowd.made_campaign(store, now, group)
    assert crowd.told(store, campaign) == {"queued": 2, "excluded": 1}
    with store.writing() as session:
        suppressions.add_domains(session, [("example.net", "")], now=now)
        taken = claims.claim(session, limit=9, token="t", lease_until=now + timedelta(minutes=1), now=now)
    assert [claimed.email for claimed in taken] == ["p3@example.org"]
    assert crowd.told(store, campaign) == {"claimed": 1, "excluded": 2}
    assert {row.reason for row in crowd.rows_of(store, campaign) if row.subscriber_id != 3} == {"suppressed"}


def test_who_is_at_a_barred_domain_is_no_specimen_and_lacks_nothing(store: Store, now: datetime) -> None:
    group = crowd.made_list(store, now, 2)
    with store.writing() as session:
        person = table_of(Subscriber)
        session.execute(sa.update(person).where(person.c.id == 1).values(email_key="p1@example.com"))
        suppressions.add_domains(session, [("example.com", "")], now=now)
        assert [each.id for each in subscribers.sample(session, group, 5)] == [2]
        assert subscribers.missing(session, group, ["language"])["language"][0] == 1
