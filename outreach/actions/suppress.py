"""See to it that an address is never mailed, by whatever list and whoever imports it."""

from __future__ import annotations

from datetime import datetime

from outreach import address as addresses
from outreach.store import conflict, deliveries, events, lists, subscribers, subscriptions, suppressions
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.suppressions import SuppressionReason


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
