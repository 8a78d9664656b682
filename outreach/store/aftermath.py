"""What follows from a report whose token proves which delivery it is about? One function for each kind that has any.

Each holds lists, campaigns and then the delivery, in this order as everywhere; the report itself is written down
before, in the same transaction. Whatever comes back about a delivery that was `unknown` proves that it was accepted.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from outreach.audience.consent import Mover
from outreach.store import bounces, consents, deliveries, departures, events, lists, reports, softbounces, subscriptions
from outreach.store.bounces import Returned
from outreach.store.events import EventKind
from outreach.store.reports import About
from outreach.store.suppressions import SuppressionReason

#: Where a withdrawal is recorded to have come from.
SOURCE = "complaint"


class Done(NamedTuple):
    """What followed."""

    #: Whether the delivery came to another state.
    moved: bool = False
    #: Whether the address is suppressed now that was not before.
    suppressed: bool = False


NOTHING = Done()


def of_hard_bounce(session: Session, about: About, now: datetime) -> Done:
    """The address is dead: it is suppressed, the delivery bounced, and nothing that waits is sent.

    But not where the person confirmed, after this mail was sent, that they want mail: that confirmation came from their
    mailbox, so it is alive, and the report is late.
    """
    held, found = _held(session, about)
    if found is None:
        return NOTHING
    moved = bounces.move(session, about.delivery_id, found, hard=True, reason=about.reason, now=now)
    if _has_confirmed_since(session, about, found):
        return Done(moved)
    whom, note = {about.subscriber_id: about.delivery_id}, about.reason or ""
    return Done(moved, bool(bounces.suppress(session, whom, held, now, note=note)))


def of_soft_bounce(session: Session, about: About, now: datetime, *, most: int) -> Done:
    """The mailbox turned it away; after so many in a row (`replies.softness`) the address is suppressed."""
    held, found = _held(session, about)
    if found is None:
        return NOTHING
    moved = bounces.move(session, about.delivery_id, found, hard=False, reason=None, now=now)
    n = softbounces.in_a_row(session, [about.subscriber_id], now)[about.subscriber_id]
    if n < most:
        return Done(moved)
    return Done(moved, suppress_soft(session, {about.subscriber_id: about.delivery_id}, held, n, now))


def suppress_soft(session: Session, whom: dict[int, int], held: list[int], n: int, now: datetime) -> bool:
    """Suppress a person (number -> the last delivery) whose mailbox turned away so many messages in a row."""
    reason, note = SuppressionReason.SOFT_BOUNCES, f"{n} messages in a row were turned away"
    return bool(bounces.suppress(session, whom, held, now, reason=reason, note=note))


def of_complaint(session: Session, about: About, now: datetime, *, report_id: int) -> Done:
    """The person called it spam: they leave every list and are never mailed again; the complaint is counted once.

    Also where they confirmed since: nobody can tell which came first, and who leaves is right.
    """
    departures.leave(session, about.subscriber_id, None, source=SOURCE, now=now, mover=Mover.SYSTEM)
    held, found = _held(session, about)
    if found is None:
        return NOTHING
    moved = bounces.move(session, about.delivery_id, found, hard=False, reason=None, now=now)
    if not reports.complained(session, about.subscriber_id, about.delivery_id, before=report_id):
        events.append(
            session,
            EventKind.COMPLAINT,
            now,
            campaign_id=about.campaign_id,
            subscriber_id=about.subscriber_id,
            delivery_id=about.delivery_id,
        )
    whom = {about.subscriber_id: about.delivery_id}
    return Done(moved, bool(bounces.suppress(session, whom, held, now, reason=SuppressionReason.COMPLAINT)))


def of_anything_else(session: Session, about: About, now: datetime) -> Done:
    """Nothing, but that a delivery in doubt was accepted."""
    found = bounces.returned(session, about.delivery_id)
    if found is None:
        return NOTHING
    return Done(bounces.move(session, about.delivery_id, found, hard=False, reason=None, now=now))


def _held(session: Session, about: About) -> tuple[list[int], Returned | None]:
    lists.hold(session, subscriptions.lists_of(session, about.subscriber_id))
    waiting = deliveries.hold_waiting(session, [about.subscriber_id])
    return waiting, bounces.returned(session, about.delivery_id)


def _has_confirmed_since(session: Session, about: About, found: Returned) -> bool:
    confirmed_at = consents.last_confirmed(session, [about.subscriber_id]).get(about.subscriber_id)
    return confirmed_at is not None and found.sent_at is not None and confirmed_at > found.sent_at
