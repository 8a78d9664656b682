"""The store's transactions: one view for readers, the whole or nothing for writers, clear refusals."""

from __future__ import annotations

import sqlite3
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from outreach.errors import DatabaseBusy, DatabaseUnavailable, SettingsError
from outreach.store import engines, installation
from outreach.store.database import Moment, Store


def test_a_reader_sees_one_moment_however_many_statements(store: Store) -> None:
    with store.reading() as session:
        assert installation.fact(session, "a") is None
        with store.writing() as other:
            installation.state_once(other, "a", "1")
        session.expire_all()
        assert installation.fact(session, "a") is None
    with store.reading() as session:
        assert installation.fact(session, "a") == "1"


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing() as session:
            installation.state_once(session, "a", "1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as session:
        assert installation.fact(session, "a") is None


def test_a_fact_is_stated_once(store: Store) -> None:
    with store.writing() as session:
        assert installation.state_once(session, "a", "1") == "1"
        assert installation.state_once(session, "a", "2") == "1"


def test_moments_come_back_as_they_went_in_whatever_their_zone(store: Store) -> None:
    at = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    for_sqlite = Moment().process_bind_param(at, store.engine.dialect)
    assert Moment().process_result_value(for_sqlite, store.engine.dialect) == at
    assert Moment().process_result_value(for_sqlite, store.engine.dialect).tzinfo is UTC  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="without zone"):
        Moment().process_bind_param(datetime(2026, 3, 2), store.engine.dialect)  # noqa: DTZ001


def test_commits_on_sqlite_are_durable(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


@pytest.mark.parametrize("url", ["mysql://host/name", "not a url", "sqlite+aiosqlite:///x.db"])
def test_a_database_that_is_not_known_is_refused_by_its_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="OUTREACH_DATABASE_URL"):
        Store(url)


def test_a_password_never_stands_in_a_message() -> None:
    store = Store("postgresql+psycopg://user:hidden-word@127.0.0.1:9/name")
    with pytest.raises(DatabaseUnavailable) as refusal, store.reading() as session:
        installation.fact(session, "a")
    store.close()
    assert "hidden-word" not in str(refusal.value) + store.place


def test_a_file_that_is_no_database_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader, " * 200)
    store = Store(f"sqlite:///{tmp_path / 'letter.txt'}")
    with pytest.raises(DatabaseUnavailable) as refusal, store.reading() as session:
        installation.fact(session, "a")
    store.close()
    assert "something else" in (refusal.value.hint or "")


def test_an_error_quotes_no_address_that_stood_in_the_statement(store: Store) -> None:
    values = {"email": f"{'maria'.upper()}@example.org"}
    with pytest.raises((DatabaseUnavailable, sa.exc.DBAPIError)) as refusal, store.reading() as session:
        session.execute(sa.text("SELECT :email FROM nowhere"), values)
    assert "MARIA" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize("door", ["reading", "writing", "staying"])
def test_a_full_disk_that_the_driver_notices_is_no_fault_of_outreach(sqlite_store: Store, door: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="disk is full") as refusal, getattr(sqlite_store, door)():
        raise sqlite3.OperationalError("database or disk is full")
    assert "make room" in (refusal.value.hint or "")


def test_a_process_that_is_frozen_in_a_transaction_is_not_waited_for(
    postgresql_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines._SESSION, "idle_in_transaction_session_timeout", "200ms")
    frozen = Store(postgresql_store.url.render_as_string(hide_password=False))

    def freeze() -> None:
        with frozen.writing() as session:
            installation.state_once(session, "a", "frozen")
            with postgresql_store.writing() as other:  # waits for the other's row, until PostgreSQL has had enough
                assert installation.state_once(other, "a", "alive") == "alive"
            installation.state_once(session, "b", "awake again")

    with pytest.raises(DatabaseBusy):
        freeze()
    frozen.close()
    with postgresql_store.reading() as session:
        assert (installation.fact(session, "a"), installation.fact(session, "b")) == ("alive", None)
