"""See to it that an address, or everybody at a domain, is never mailed: above every list, consent and campaign."""

from __future__ import annotations

from datetime import datetime

from outreach import address as addresses
from outreach.audience import barred, erasure
from outreach.errors import AddressError
from outreach.store import conflict, deliveries, events, lists, subscribers, subscriptions, suppressions
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.suppressions import SuppressionReason


def entry(store: Store, text: str, *, now: datetime, note: str = "") -> tuple[str, bool]:
    """Suppress an address or (`@example.org`) a domain with all below it, by hand; its key, and whether it is new.

    Raises AddressError.
    """
    key = barred.entry(text)
    if key.startswith(erasure.PREFIX):
        raise AddressError(f"{key!r} is the hash of an erased person's address; `suppression import` takes those")
    if not key.startswith("@"):
        return key, address(store, key, now=now, note=note)
    with store.writing() as session:
        fresh = bool(suppressions.add_domains(session, [(key[1:], note)], now=now))
        if fresh:
            events.append(session, EventKind.SUPPRESSED, now, detail={"domain": key[1:]})
    # Whoever is at that domain is left out when a sender comes to them: there may be a million.
    return key, fresh


@conflict.redone
def address(
    store: Store, email: str, *, now: datetime, reason: SuppressionReason = SuppressionReason.MANUAL, note: str = ""
) -> bool:
    """Suppress an address, whether anybody has it or not; False where it was suppressed already.

    What was not yet sent to it is excluded, in the same transaction. Raises AddressError.
    """
    parsed = addresses.parse(email)
    with store.writing() as session:
        person = subscribers.by_email(session, str(parsed))
        number = person.number if person else None
        if number is not None:
            lists.hold(session, subscriptions.lists_of(session, number))
        if not suppressions.add(session, parsed.key, reason, now=now, note=note):
            return False
        if number is not None:
            deliveries.exclude_person(session, number, None, "suppressed", now)
        events.append(session, EventKind.SUPPRESSED, now, subscriber_id=number, detail={"reason": reason.value})
        return True
