"""The consent ledger: sound whatever the program does; whatever is done behind its back shows, with its place."""

from __future__ import annotations

import io
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from outreach.actions import erase, import_list, prefer, subscribe, unsubscribe, verify
from outreach.actions.subscribe import Person
from outreach.audience.consent import Mover
from outreach.store import chain, consents, migrate
from outreach.store.consents import Act
from outreach.store.database import Store
from tests.actions import people

KEY = b"k" * 32
CSV = "email,name\n" + "".join(f"p{n}@example.org,P {n}\n" for n in range(1, 31))


@pytest.fixture
def lived(store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A ledger with an import in several slices, joins, a withdrawal and a person who was erased: entries 1 to 34."""
    monkeypatch.setattr(import_list, "FEWEST", 10)
    # However quick the machine is: a slice that should hold the writer for no time at all never grows.
    monkeypatch.setattr(import_list, "HOLD", dict.fromkeys(import_list.HOLD, 0.0))
    imported(store, now)
    add(store, "ann@example.org", now, mover=Mover.PERSON)
    prefer.tracking(store, 1, True, source="preferences", now=now)
    add(store, "bob@example.org", now + timedelta(seconds=1))
    unsubscribe.person(store, 2, None, source="one-click", now=now)
    erase.person(store, "p3@example.org", key=KEY, now=now)
    return store


def imported(store: Store, now: datetime) -> None:
    """Thirty people with their consent, on list 1."""
    import_list.file(store, io.BytesIO(CSV.encode()), list_name="news", consent="I agree", source="file", now=now)


def add(store: Store, email: str, now: datetime, mover: Mover = Mover.PUBLISHER) -> None:
    """One more person."""
    subscribe.add(store, Person(email), 1, consent="Yes", source="form", now=now, mover=mover)


def tampered(store: Store, *statements: str) -> verify.Verified:
    """What is found after somebody was at the database."""
    with store.writing() as session:
        for statement in statements:
            session.execute(sa.text(statement))
    return verify.consents_ledger(store)


def test_a_ledger_that_has_lived_is_sound(lived: Store) -> None:
    found = verify.consents_ledger(lived)
    assert found.faults == []
    assert (found.entries, found.erased) == (33, 1)
    with lived.reading() as session:
        assert (found.links, found.head) == chain.head(session)
    assert found.links == 3 + 5  # the slices of the import, and an action each


def test_an_empty_ledger_is_sound(store: Store) -> None:
    found = verify.consents_ledger(store)
    assert (found.sound, found.links, found.entries) == (True, 0, 0)


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE consent SET act = 'withdrawn' WHERE id = 7", 7),
        ("UPDATE consent SET purpose = 'tracking' WHERE id = 12", 12),
        ("UPDATE consent SET list_id = NULL WHERE id = 30", 30),
        ("UPDATE consent SET source_id = 2 WHERE id = 31 - 1", 30),
        ("UPDATE consent SET confirmation = 'x' WHERE id = 31", 31),
        ("UPDATE consent SET subscriber_id = 5 WHERE id = 4", 4),
        ("UPDATE subscriber SET email_key = 'somebody@example.org' WHERE id = 9", 9),
        ("UPDATE consent_source SET wording = 'No' WHERE source = 'one-click'", 34),
        ("DELETE FROM consent WHERE id = 33", 33),
        ("INSERT INTO consent (id, subscriber_id, list_id, purpose, act, source_id, at, confirmation, salt) "
         "SELECT 99, subscriber_id, list_id, purpose, act, source_id, at, confirmation, salt FROM consent WHERE id = 8",
         99),
        ("INSERT INTO consent (id, subscriber_id, list_id, purpose, act, source_id, at, confirmation, salt) "
         "SELECT 3, subscriber_id, list_id, purpose, act, source_id, at, confirmation, salt FROM consent WHERE id = 8",
         3),
    ],
)  # fmt: skip
def test_a_change_of_an_entry_shows_with_its_number(lived: Store, statement: str, entry: int) -> None:
    found = tampered(lived, statement)
    assert {fault.entry for fault in found.faults} == {entry}
    assert not found.sound


def test_another_time_shows(lived: Store, now: datetime) -> None:
    at = "2026-03-02 09:00:00.000001" + ("" if lived.backend == "sqlite" else "+00")
    assert {fault.entry for fault in tampered(lived, f"UPDATE consent SET at = '{at}' WHERE id = 20").faults} == {20}


def test_a_wording_that_many_share_shows_at_each_of_them(lived: Store) -> None:
    found = tampered(lived, "UPDATE consent_source SET wording = 'I agree to everything' WHERE source = 'file'")
    assert len(found.faults) == 29


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_link SET entries = '1-11' WHERE position = 1",
        "UPDATE consent_link SET erased = '3-4' WHERE erased <> ''",
        "UPDATE consent_link SET commitments = (SELECT commitments FROM consent_link WHERE position = 2) "
        "WHERE position = 1",
        "UPDATE consent_link SET entries = 'all' WHERE position = 2",
        "DELETE FROM consent_link WHERE position = 2",
        "UPDATE consent_link SET digest = commitments WHERE position = 3",
    ],
)
def test_a_change_of_a_link_shows(lived: Store, statement: str) -> None:
    assert tampered(lived, statement).faults


def test_a_head_that_was_noted_tells_of_a_chain_that_was_cut_or_written_anew(lived: Store, now: datetime) -> None:
    noted = verify.consents_ledger(lived)
    add(lived, "cid@example.org", now)
    later = verify.consents_ledger(lived, noted=noted.head)
    assert (later.sound, later.noted_at, later.links) == (True, noted.links, noted.links + 1)
    cut = ("DELETE FROM consent_link", "UPDATE consent SET act = 'given' WHERE id = 34")
    tampered(lived, *cut)
    with lived.writing() as session:
        consents.adopt(session)  # as somebody with the database and this program could
    assert verify.consents_ledger(lived).sound
    anew = verify.consents_ledger(lived, noted=noted.head)
    assert next(fault.what for fault in anew.faults).startswith("the head that was noted is nowhere")


def test_nothing_of_the_erased_can_be_told_from_what_stays(lived: Store) -> None:
    with lived.reading() as session:
        assert session.execute(sa.text("SELECT count(*) FROM consent WHERE subscriber_id = 3")).scalar_one() == 0
        rows = session.execute(sa.text("SELECT erased FROM consent_link WHERE erased <> ''")).scalars().all()
    assert list(rows) == ["3"]


def test_a_transaction_that_fails_leaves_no_link(store: Store, now: datetime) -> None:
    imported(store, now)
    before = verify.consents_ledger(store)

    def failing() -> None:
        with store.writing() as session:
            consents.append(session, 1, 1, Act.WITHDRAWN, source_id=1, now=now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert verify.consents_ledger(store).head == before.head


def test_the_number_of_an_erased_entry_is_given_to_nobody(store: Store, now: datetime) -> None:
    people.listed(store, now, name="news", people=0)
    add(store, "ann@example.org", now)
    erase.person(store, "ann@example.org", key=KEY, now=now)
    add(store, "bob@example.org", now)
    found = verify.consents_ledger(store)
    assert (found.faults, found.entries, found.erased) == ([], 1, 1)


def test_who_write_at_once_do_not_fork_the_chain(postgresql_store: Store, now: datetime) -> None:
    store = postgresql_store
    people.listed(store, now, name="news", people=0)
    ready = threading.Barrier(4)

    def several(mine: int) -> None:
        ready.wait()
        for n in range(10):
            add(store, f"p{mine}-{n}@example.com", now)

    writers = [threading.Thread(target=several, args=(mine,)) for mine in range(3)]
    for writer in writers:
        writer.start()
    ready.wait()
    imported(store, now)
    for writer in writers:
        writer.join()
    found = verify.consents_ledger(store)
    assert (found.faults, found.entries) == ([], 60)


def test_a_long_transaction_lets_others_write_their_consents(postgresql_store: Store, now: datetime) -> None:
    store = postgresql_store
    imported(store, now)
    with store.writing() as session:
        consents.append(session, 1, 1, Act.WITHDRAWN, source_id=1, now=now)
        session.flush()
        add(store, "ann@example.org", now)  # would never end if it had to wait for us
    found = verify.consents_ledger(store)
    assert (found.faults, found.entries) == ([], 32)


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_entries_that_are_older_than_the_chain_come_into_it(
    backend: str, request: pytest.FixtureRequest, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = request.getfixturevalue("old_" + backend)
    monkeypatch.setattr(consents, "_ADOPTED", 2)
    moment = now.replace(tzinfo=None) if backend == "sqlite" else now
    with store.writing() as session:
        for number in range(1, 6):
            session.execute(
                sa.text(
                    "INSERT INTO subscriber (id, email, email_key, name, language, timezone, attributes, "
                    "tracking_consent, created_at, updated_at) VALUES (:n, :e, :e, '', '', '', '{}', :no, :at, :at)"
                ),
                {"n": number, "e": f"p{number}@example.org", "no": False, "at": moment},
            )
            session.execute(
                sa.text(
                    "INSERT INTO consent (subscriber_id, list_id, purpose, act, source_id, at) "
                    "VALUES (:n, 1, 'mail', 'given', 1, :at)"
                ),
                {"n": number, "at": moment},
            )
        session.execute(sa.text("INSERT INTO consent_source (id, wording, source) VALUES (1, 'yes', 'file')"))
    migrate.upgrade(store)
    found = verify.consents_ledger(store)
    assert (found.faults, found.entries, found.links) == ([], 5, 3)
    migrate.upgrade(store)
    assert verify.consents_ledger(store).links == 3


def _old(store: Store) -> Store:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with store.writing() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0001")
    return store


@pytest.fixture
def old_sqlite(tmp_path: Path) -> Store:
    """A database of the first version."""
    return _old(Store(f"sqlite:///{tmp_path / 'old.db'}"))


@pytest.fixture
def old_postgresql(postgresql_store: Store) -> Store:
    """A database of the first version."""
    with postgresql_store.writing() as session:
        session.execute(sa.text("DROP SCHEMA public CASCADE"))
        session.execute(sa.text("CREATE SCHEMA public"))
    return _old(postgresql_store)
