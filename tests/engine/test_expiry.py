"""Whose claims are over: those that nobody prolongs while somebody watches, whatever the time of day says."""

from __future__ import annotations

from datetime import datetime, timedelta

from outreach.engine.expiry import Expiry
from outreach.store import claims
from outreach.store.database import Store
from tests.store import crowd

LEASE = timedelta(seconds=60)


def claimed(store: Store, now: datetime) -> int:
    """A campaign with three deliveries, two of which are held."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, 3))
    with store.writing() as session:
        claims.claim(session, limit=2, token="a" * 32, lease_until=now + LEASE, now=now)
    return number


def test_a_claim_that_nobody_prolongs_becomes_a_doubt(store: Store, now: datetime) -> None:
    number, expiry = claimed(store, now), Expiry(store, LEASE)
    looks = [expiry.look(now=now + timedelta(seconds=at), at=1000.0 + at) for at in (0, 15, 30, 45, 60, 75)]
    assert looks == [0, 0, 0, 0, 0, 2]
    assert crowd.told(store, number) == {"queued": 1, "unknown": 2}


def test_a_clock_that_is_set_forward_takes_nothing_away(store: Store, now: datetime) -> None:
    number, expiry = claimed(store, now), Expiry(store, LEASE)
    for at in range(0, 120, 10):
        assert expiry.look(now=now + timedelta(days=1, seconds=at), at=1000.0 + at) == 0
        if at < 110:  # a living sender prolongs what it holds
            with store.writing() as session:
                held = {row.delivery_id: row.claim for row in claims.held(session, {"a" * 32})}
                claims.renew(session, held, now + LEASE + timedelta(seconds=at))
    assert crowd.told(store, number) == {"claimed": 2, "queued": 1}


def test_a_clock_that_is_set_back_leaves_nothing_lying(store: Store, now: datetime) -> None:
    number, expiry = claimed(store, now), Expiry(store, LEASE)
    lost = sum(expiry.look(now=now - timedelta(days=1), at=1000.0 + at) for at in range(0, 130, 10))
    assert lost == 2
    assert crowd.told(store, number) == {"queued": 1, "unknown": 2}


def test_who_could_not_look_begins_to_watch_anew(store: Store, now: datetime) -> None:
    """The database was away: senders could not prolong anything either."""
    number, expiry = claimed(store, now), Expiry(store, LEASE)
    later = now + timedelta(hours=1)
    assert expiry.look(now=now, at=1000.0) == 0
    assert expiry.look(now=later, at=4600.0) == 0
    assert expiry.look(now=later + timedelta(seconds=15), at=4615.0) == 2
    assert crowd.told(store, number) == {"queued": 1, "unknown": 2}
