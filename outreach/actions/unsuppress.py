"""Take back a suppression that somebody made by hand, and say why; what a mailbox or a person said stays."""

from __future__ import annotations

from datetime import datetime

from outreach.audience import barred
from outreach.errors import NotFound, OutreachError, StateError
from outreach.store import events, subscribers, suppressions
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.suppressions import SuppressionReason

_WHY = {
    SuppressionReason.HARD_BOUNCE: "its mailbox does not exist",
    SuppressionReason.SOFT_BOUNCES: "its mailbox turned away too many messages in a row",
    SuppressionReason.COMPLAINT: "the person complained",
    SuppressionReason.ERASED: "the person was erased",
}


def entry(store: Store, text: str, *, reason: str, now: datetime) -> str:
    """Let an address or (`@example.org`) a domain be mailed again where it was suppressed by hand; its key.

    Raises AddressError, NotFound, OutreachError without a reason, and StateError where it was not done by hand: only
    the person's own confirmed opt-in lifts that.
    """
    key, why = barred.entry(text), " ".join(reason.split())
    if not why:
        raise OutreachError("A suppression is not taken back without a reason.", hint="Say why with --reason.")
    with store.writing() as session:
        found = suppressions.find(session, key)
        if found is None or found.email_key != key:
            hint = f"It is barred by {found.email_key}, of which it is a part." if found is not None else None
            raise NotFound("suppression", key, hint=hint)
        if found.reason is not SuppressionReason.MANUAL:
            raise StateError(
                f"{key} was not suppressed by hand: {_WHY[found.reason]}.",
                hint="Only their own confirmed opt-in brings them back.",
            )
        suppressions.lift_manual(session, key)
        person = None if key.startswith("@") else subscribers.by_email(session, key)
        # Whose address nobody has is not written down: an erasure would not find it.
        detail = {"reason": why[:500], **({"domain": key[1:]} if key.startswith("@") else {})}
        events.append(
            session, EventKind.UNSUPPRESSED, now, subscriber_id=person.number if person else None, detail=detail
        )
    return key
