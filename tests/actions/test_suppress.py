"""Suppressing by hand, taking it back, and by file: it only ever adds, and nobody is let back but by themselves."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
import sqlalchemy as sa

from outreach.actions import erase, import_suppressions, subscribe, suppress, unsuppress
from outreach.actions.subscribe import Person
from outreach.audience import erasure
from outreach.audience.consent import Mover
from outreach.errors import AddressError, NotFound, OutreachError, StateError
from outreach.store import suppressions
from outreach.store.database import Store, table_of
from outreach.store.events import Event, EventKind
from outreach.store.suppressions import SuppressionReason
from tests.actions import people

KEY = b"k" * 32


def reason_of(store: Store, key: str) -> str | None:
    """Why an address is not mailed."""
    with store.reading() as session:
        found = suppressions.find(session, key)
    return found.reason.value if found else None


def imported(store: Store, now: datetime, text: str) -> import_suppressions.Report:
    """A file, brought in."""
    return import_suppressions.file(store, io.BytesIO(text.encode()), source="test", now=now, erasure_keys=[KEY])


def test_an_address_and_a_domain_are_suppressed_and_taken_back(store: Store, now: datetime) -> None:
    assert suppress.entry(store, "Ann@Example.org", note="phoned", now=now) == ("ann@example.org", True)
    assert suppress.entry(store, "@Example.com", now=now) == ("@example.com", True)
    assert suppress.entry(store, "@example.com", now=now) == ("@example.com", False)
    assert reason_of(store, "a@x.example.com") == "manual"
    with pytest.raises(OutreachError, match="without a reason"):
        unsuppress.entry(store, "ann@example.org", reason=" ", now=now)
    assert unsuppress.entry(store, "ANN@example.org", reason="phoned again", now=now) == "ann@example.org"
    assert unsuppress.entry(store, "@example.com", reason="a mistake", now=now) == "@example.com"
    assert (reason_of(store, "ann@example.org"), reason_of(store, "a@x.example.com")) == (None, None)
    event = table_of(Event)
    with store.reading() as session:
        told = session.execute(sa.select(event.c.kind, event.c.detail).order_by(event.c.id)).all()
    assert [row.kind for row in told] == [EventKind.SUPPRESSED] * 2 + [EventKind.UNSUPPRESSED] * 2
    assert told[3].detail == {"reason": "a mistake", "domain": "example.com"}
    assert "ann" not in str(told)


@pytest.mark.parametrize("reason", [SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT])
def test_only_the_person_lifts_what_was_not_done_by_hand(
    store: Store, now: datetime, reason: SuppressionReason
) -> None:
    group = people.listed(store, now, name="news", people=0)
    suppress.address(store, "ann@example.org", reason=reason, now=now)
    with pytest.raises(StateError, match="not suppressed by hand"):
        unsuppress.entry(store, "ann@example.org", reason="they want it", now=now)
    assert reason_of(store, "ann@example.org") == reason.value
    person = Person("ann@example.org")
    back = subscribe.add(store, person, group, consent="Yes", source="form", now=now, mover=Mover.PERSON)
    assert (back.suppressed, reason_of(store, "ann@example.org")) == ("", None)


def test_a_barred_domain_is_told_even_to_who_confirms(store: Store, now: datetime) -> None:
    group = people.listed(store, now, name="news", people=0)
    suppress.entry(store, "@example.org", now=now)
    person = Person("ann@mail.example.org")
    joined = subscribe.add(store, person, group, consent="Yes", source="form", now=now, mover=Mover.PERSON)
    assert joined.suppressed == "manual"
    with pytest.raises(NotFound) as refusal:
        unsuppress.entry(store, "ann@mail.example.org", reason="why not", now=now)
    assert "@example.org" in (refusal.value.hint or "")


def test_a_hash_is_suppressed_by_nobodys_hand(store: Store, now: datetime) -> None:
    with pytest.raises(AddressError, match="hash"):
        suppress.entry(store, "erased:" + "0f" * 32, now=now)


def test_a_file_only_adds_and_says_what_it_did(store: Store, now: datetime) -> None:
    suppress.address(store, "b@example.org", reason=SuppressionReason.COMPLAINT, now=now)
    text = "email,reason\na@example.org,bounce\nb@example.org,manual\n@example.com,\nnobody,\n"
    report = imported(store, now, text)
    assert report.document() == {
        "read": 4, "added": 2, "known": 1, "rejected": [{"line": 5, "reason": "'nobody' has no @"}],
    }  # fmt: skip
    assert [reason_of(store, f"{x}@example.org") for x in "ab"] == ["hard_bounce", "complaint"]
    assert imported(store, now, text).added == 0


def test_who_was_erased_does_not_come_back_by_a_file(store: Store, now: datetime) -> None:
    people.listed(store, now)
    erase.person(store, "person0@sample.example.org", key=KEY, now=now)
    report = imported(store, now, "email\nperson0@sample.example.org\na@example.org\n")
    assert (report.added, [line for line, _ in report.rejected]) == (1, [2])
    assert reason_of(store, "person0@sample.example.org") is None


def test_who_stands_among_the_suppressions_alone_can_be_erased(store: Store, now: datetime) -> None:
    suppress.entry(store, "ann@example.org", note="ann herself", now=now)
    erase.person(store, "ann@example.org", key=KEY, now=now)
    with store.reading() as session:
        entries = suppressions.page(session, limit=9)
    assert [(each["entry"], each["note"]) for each in entries] == [(erasure.pseudonym(KEY, "ann@example.org"), "")]
