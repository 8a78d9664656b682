"""Forget a person: what is known about them goes, the sums that they are part of stay (GDPR, Art. 17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from outreach import address
from outreach.audience import erasure
from outreach.store import (
    conflict,
    consents,
    deliveries,
    events,
    lists,
    subscribers,
    subscriptions,
    suppressions,
    traces,
)
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.suppressions import SuppressionReason


@dataclass(frozen=True)
class Erased:
    """What was forgotten, in rows."""

    subscriptions: int
    consents: int
    deliveries: int
    hits: int
    events: int
    reports: int


@conflict.redone
def person(store: Store, email: str, *, key: bytes, now: datetime) -> Erased:
    """Erase the person with this address; raises NotFound where there is none, AddressError.

    The deliveries stay as a number that nobody carries any more. Of the address a hash under `key`
    (`KeyRing.derive("erasure")`) stays among the suppressions, so that an import cannot bring it back. Somebody who
    stands among the suppressions alone is erased, too: the hash bars them from then on.
    """
    with store.writing() as session:
        found = subscribers.by_email(session, email)
        email_key = address.parse(email).key
        traces.prepare(session)
        if found is None and not suppressions.is_listed(session, email_key):
            subscribers.require(session, email)  # which says who may be meant
        rows = Erased(0, 0, 0, 0, 0, 0)
        if found is not None:
            number = found.number
            # The person first: an import that runs holds other writers of people off, and must not wait for us then.
            subscribers.blank(session, number, now=now)
            lists.hold(session, subscriptions.lists_of(session, number))
            deliveries.exclude_person(session, number, None, "erased", now)
            rows = Erased(
                subscriptions=subscriptions.forget(session, number),
                consents=consents.forget(session, number, now=now),
                **traces.forget(session, number),
            )
            subscribers.remove(session, number)
        suppressions.lift(session, [email_key])
        suppressions.add(session, erasure.pseudonym(key, email_key), SuppressionReason.ERASED, now=now)
        events.append(session, EventKind.ERASED, now)
    with store.staying() as stay:
        traces.scrub(stay)
    return rows
