"""One leads, the others stand by; whatever becomes of the one, another takes over within ten seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from outreach.errors import DatabaseUnavailable
from outreach.store import leader
from outreach.store.database import Store
from outreach.store.leader import PATIENCE, Leadership


class Clockwork:
    """A steady clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork()


@pytest.fixture
def pair(store: Store, clock: Clockwork) -> Iterator[tuple[Leadership, Leadership]]:
    """Two processes' shares; the first leads."""
    shares = Leadership(store, clock=clock), Leadership(store, clock=clock)
    assert shares[0].leads()
    assert not shares[1].leads()
    yield shares
    for share in shares:
        share.resign()


def test_one_leads_as_long_as_it_lives(pair: tuple[Leadership, Leadership], clock: Clockwork) -> None:
    first, second = pair
    for _ in range(30):
        clock.now += 1.0
        assert (first.leads(), second.leads()) == (True, False)
    assert first.leader == second.leader == first.me


def test_who_resigns_is_followed_at_the_next_look(pair: tuple[Leadership, Leadership], clock: Clockwork) -> None:
    first, second = pair
    first.resign()
    clock.now += 1.0
    assert second.leads()
    assert not first.leads()
    assert first.leader == second.me


def test_a_frozen_leader_is_followed_within_ten_seconds(pair: tuple[Leadership, Leadership], clock: Clockwork) -> None:
    first, second = pair
    frozen_at = clock.now
    while not second.leads():
        clock.now += 1.0
    assert PATIENCE <= clock.now - frozen_at < 9.0
    # it wakes up, sees that it was followed, and takes nothing back
    clock.now += 0.5
    assert not first.leads()
    for _ in range(20):
        clock.now += 1.0
        assert (second.leads(), first.leads()) == (True, False)


def test_of_several_that_see_a_frozen_leader_one_follows(
    store: Store, pair: tuple[Leadership, Leadership], clock: Clockwork
) -> None:
    others = [pair[1], *(Leadership(store, clock=clock) for _ in range(2))]
    assert not any(share.leads() for share in others)
    clock.now += PATIENCE + 0.1
    assert [share.leads() for share in others].count(True) == 1
    clock.now += 1.0
    assert [share.leads() for share in others].count(True) == 1
    for share in others:
        share.resign()


def test_a_killed_leader_is_followed_at_the_next_look(store: Store, clock: Clockwork) -> None:
    program = (
        "import sys, time\n"
        "from outreach.store.database import Store\n"
        "from outreach.store.leader import Leadership\n"
        "share = Leadership(Store(sys.argv[1]))\n"
        "print(share.leads(), flush=True)\n"
        "time.sleep(120)\n"
    )
    url = store.url.render_as_string(hide_password=False)
    other = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    share = Leadership(store, clock=clock)
    try:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "True"
        assert not share.leads()
    finally:
        other.kill()
        other.wait(30)
        assert other.stdout is not None
        other.stdout.close()
    while not share.leads():  # PostgreSQL notices within milliseconds that a connection has ended
        clock.now += 0.001
        assert clock.now < 100.0 + PATIENCE - 1
    share.resign()


def test_a_leader_that_loses_its_connection_is_followed(postgresql_store: Store, clock: Clockwork) -> None:
    first, second = Leadership(postgresql_store, clock=clock), Leadership(postgresql_store, clock=clock)
    assert first.leads()
    with postgresql_store.writing() as session:
        holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"
        session.execute(sa.text(f"SELECT pg_terminate_backend(pid, 10000) FROM ({holders}) AS held"))
    with pytest.raises(DatabaseUnavailable):
        first.leads()
    assert second.leads()
    for _ in range(12):
        clock.now += 1
        assert (second.leads(), first.leads()) == (True, False)
    for share in (first, second):
        share.resign()


def test_a_database_that_is_away_is_told_and_led_again_afterwards(
    store: Store, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = Leadership(store, clock=clock)
    assert share.leads()

    def away(*_: object) -> None:
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(leader, "standing", away)
        with pytest.raises(DatabaseUnavailable):
            share.leads()
    clock.now += 1.0
    assert share.leads()
    share.resign()
