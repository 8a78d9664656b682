"""Suppressions: the first reason stands until the person lifts it."""

from __future__ import annotations

from datetime import datetime

from outreach.store import suppressions
from outreach.store.database import Store
from outreach.store.suppressions import SuppressionReason


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
