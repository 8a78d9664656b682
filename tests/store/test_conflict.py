"""Two transactions that stand in each other's way: PostgreSQL takes one back, and it is done again."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
import sqlalchemy as sa

from outreach.errors import DatabaseBusy, DatabaseUnavailable
from outreach.store import conflict
from outreach.store.database import Store
from tests.store import crowd

RENAME = sa.text("UPDATE campaign SET reason = coalesce(reason, '') || :word WHERE id = :id")


def test_two_that_lock_crosswise_are_both_done(postgresql_store: Store, now: datetime) -> None:
    store = postgresql_store
    group = crowd.made_list(store, now, 1)
    numbers = [crowd.made_campaign(store, now, group, name=name) for name in "ab"]
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    @conflict.redone
    def crosswise(word: str, first: int, second: int) -> None:
        tries.append(word)
        with store.writing() as session:
            session.execute(RENAME, {"word": word, "id": first})
            if len(tries) < 3:
                both_hold_one.wait(30)
            session.execute(RENAME, {"word": word, "id": second})

    threads = [
        threading.Thread(target=crosswise, args=("x", *numbers)),
        threading.Thread(target=crosswise, args=("y", *reversed(numbers))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.reading() as session:
        reasons = session.execute(sa.text("SELECT reason FROM campaign ORDER BY id")).scalars().all()
    assert [sorted(reason) for reason in reasons] == [["x", "y"], ["x", "y"]]
    assert len(tries) == 3


def test_what_always_stands_in_the_way_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conflict, "LONGEST_PAUSE", 0.0)
    tries = []

    @conflict.redone
    def action() -> None:
        tries.append(1)
        raise DatabaseBusy("deadlock")

    with pytest.raises(DatabaseBusy):
        action()
    assert len(tries) == conflict.TRIES


def test_a_database_that_is_away_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    @conflict.redone
    def action() -> None:
        tries.append(1)
        raise DatabaseUnavailable("away")

    with pytest.raises(DatabaseUnavailable):
        action()
    assert len(tries) == 1
