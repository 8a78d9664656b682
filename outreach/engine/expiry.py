"""Which claims has nobody come back to? Leases are judged by watching them, not by the time of day alone.

A clock that is set forward must not take the rows out of a living sender's hands, and one that is set back must not
leave a dead sender's rows where they are. So a claim is over when its lease has run out and it was not prolonged while
we watched, by the boot clock; or when nothing happened to it for much longer than any lease lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from outreach.log import Log
from outreach.store import claims, settlements
from outreach.store.database import Store

log = Log("outreach.sender")

#: A living sender prolongs what it holds four times in a lease.
_SIGN_OF_LIFE = 1 / 4
#: After so many seconds without a look we have not been watching: the database was away, for senders too.
_BLIND = 30.0
#: Leases that a claim may stand still, whatever the clocks say.
_STANDSTILL = 2


class Expiry:
    """One observer of the claims in a database."""

    def __init__(self, store: Store, lease: timedelta = timedelta(seconds=60)) -> None:
        self._store = store
        self._lease = lease.total_seconds()
        #: token -> until when its lease runs, and since when we know that, by the boot clock.
        self._known: dict[str, tuple[datetime, float]] = {}
        self._looked = 0.0

    def look(self, *, now: datetime, at: float) -> int:
        """Make `unknown` what is held by claims that are over; how many deliveries. `at`: seconds of the boot clock."""
        with self._store.reading() as session:
            seen = claims.leases(session)
        over = self._over(seen, now, at)
        if not over:
            return 0
        with self._store.writing() as session:
            leases = claims.leases(session)
            lost = settlements.expire(session, now, {token for token in over if leases.get(token) == seen[token]})
        log.warning("leases_expired", deliveries=lost, state="unknown")
        return lost

    def _over(self, leases: Mapping[str, datetime], now: datetime, at: float) -> set[str]:
        if at - self._looked > _BLIND:
            self._known.clear()
        self._looked = at
        self._known = {
            token: self._known[token] if self._known.get(token, (None,))[0] == until else (until, at)
            for token, until in leases.items()
        }
        patience = self._lease * _SIGN_OF_LIFE
        return {
            token
            for token, (until, since) in self._known.items()
            if (until < now and at - since >= patience) or at - since >= self._lease * _STANDSTILL
        }
