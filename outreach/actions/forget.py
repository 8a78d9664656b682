"""Forget what was kept of persons for long enough: what clients showed, who clicked, what servers said, who never came.

Sums stay what they are. It goes in slices that hold the writer for some milliseconds, and lets others have it for as
long in between; whatever is cut off goes on where it was the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

from outreach.actions.record import FOLD_MARGIN, fold
from outreach.log import Log
from outreach.store import consents, lists, retention, subscribers, subscriptions, traces
from outreach.store.database import Store
from outreach.store.retention import CLIENTS, EVENTS, Step

log = Log("outreach.retention")

#: How long a slice should hold the writer, in seconds: half of the 50 ms that it may.
HOLD = 0.025

#: Rows of the first slice; of the smallest and the largest one.
FIRST, FEWEST, MOST = 500, 50, 10_000


@dataclass(frozen=True)
class Plan:
    """How long what is kept."""

    #: The pseudonym of a client's address.
    clients: timedelta
    #: Who clicked, what a server said of whom, whom an event was about: from the launch of the campaign on.
    personal: timedelta
    #: Who asked for a list and never confirmed that it was them.
    unconfirmed: timedelta
    #: What nobody could make out of what came back, and nobody has looked at.
    reports: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class Forgotten:
    """What was forgotten, in rows."""

    clients: int
    clicks: int
    replies: int
    events: int
    joiners: int
    campaigns: int
    #: Reports that lost their raw text, and reports that are gone.
    raw: int = 0
    reports: int = 0


@dataclass
class _Pace:
    """How a slice becomes as large as the writer may be held."""

    store: Store
    clock: Callable[[], float]
    rest: Callable[[float], object]

    def all(self, step: Callable[..., Step | None], after: int = 0) -> int:
        """Take steps until there is nothing more; how many rows were changed."""
        size, changed = FIRST, 0
        while True:
            with self.store.writing() as session:
                begun = self.clock()
                done = step(session, after, size)
            held = self.clock() - begun
            if done is None:
                return changed
            after, changed = done.position, changed + done.changed
            size = max(FEWEST, min(MOST, size * 2, int(size * HOLD / max(held, 1e-6))))
            self.rest(held)


def old(
    store: Store,
    plan: Plan,
    *,
    now: datetime,
    clock: Callable[[], float] = time.perf_counter,
    rest: Callable[[float], object] = time.sleep,
) -> Forgotten:
    """Forget everything that was kept for longer than the plan says; safe to repeat, and to run twice at once."""
    pace = _Pace(store, clock, rest)
    fold(store, now=now)  # bursts that are known only now are judged while their clients are
    with store.reading() as session:
        seen, told = retention.mark(session, CLIENTS), retention.mark(session, EVENTS)
        campaigns = retention.old_campaigns(session, now - plan.personal)
    judged = now - max(plan.clients, FOLD_MARGIN)
    clients = pace.all(partial(retention.forget_clients, before=judged), seen)
    clicks = replies = 0
    for number in campaigns:
        clicks += pace.all(partial(retention.untie, campaign_id=number))
        replies += pace.all(partial(retention.forget_words, campaign_id=number))
        with store.writing() as session:
            retention.forgotten(session, number, now)
    events = pace.all(partial(retention.forget_events, before=now - plan.personal), told)
    raw = pace.all(partial(retention.forget_raw, before=now - plan.reports))
    gone = pace.all(partial(retention.forget_reports, before=now - plan.personal))
    joiners = _joiners(store, now - plan.unconfirmed, now, rest)
    done = Forgotten(clients, clicks, replies, events, joiners, len(campaigns), raw, gone)
    log.info("retention_done", **asdict(done))
    return done


def _joiners(store: Store, before: datetime, now: datetime, rest: Callable[[float], object]) -> int:
    """Forget people who never confirmed, with all that nothing else holds; each is a transaction of its own."""
    n = 0
    while True:
        with store.reading() as session:
            found = retention.joiners(session, before, FEWEST)
        if not found:
            return n
        for subscriber_id, list_id in found:
            with store.writing() as session:
                traces.prepare(session)
                lists.hold(session, [list_id])
                if not subscriptions.forget_unconfirmed(session, subscriber_id, list_id):
                    continue  # they confirmed just now
                consents.forget(session, subscriber_id, list_id=list_id, now=now)
                if not subscriptions.lists_of(session, subscriber_id):
                    consents.forget(session, subscriber_id, now=now)
                    traces.forget(session, subscriber_id)
                    subscribers.remove(session, subscriber_id)
                n += 1
        rest(HOLD)
