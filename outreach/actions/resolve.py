"""Decide what became of deliveries that SMTP left open: they wait for a person, since a guess loses or doubles mail."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from outreach.actions import retry
from outreach.store import campaigns, conflict, decisions
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState


class Resolution(StrEnum):
    """What is done with unknown deliveries."""

    #: They arrived, as far as a person can tell.
    SENT = "sent"
    #: They are sent once more, at the risk that somebody gets the mail twice.
    RESEND = "resend"


@conflict.redone
def unknown(store: Store, campaign_id: int, resolution: Resolution, *, now: datetime) -> int:
    """Resolve the unknown deliveries of a campaign; how many. Safe to repeat.

    Raises StateError where they are to be sent again and the campaign was cancelled or never launched.
    """
    if resolution is Resolution.RESEND:
        return retry.again(store, campaign_id, DeliveryState.UNKNOWN, now=now)
    with store.writing() as session:
        campaigns.locked(session, campaign_id)
        return decisions.take_as_sent(session, campaign_id, now)
