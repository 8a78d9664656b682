"""How is mail queued that one person asked for by an act of their own? As a delivery of a campaign of its kind.

There is one for each day (a message says when it was written), and a person is in it once. So a notice goes the way of
every delivery: claimed, on record, settled, explained, and counted in exactly one state.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import campaigns, deliveries
from outreach.store.campaigns import Campaign
from outreach.store.database import insert, table_of
from outreach.store.deliveries import Delivery, DeliveryState, Tally


def make(session: Session, campaign: Campaign, compiled: bytes) -> int:
    """Write a campaign of notices with nobody in it yet; its number, also where another process made it first."""
    table = table_of(Campaign)
    values = campaign.model_dump(exclude={"id"})
    statement = insert(session, table).values(**values).on_conflict_do_nothing(index_elements=["name"])
    number: int | None = session.execute(statement.returning(table.c.id)).scalar_one_or_none()
    if number is None:
        number = campaigns.by_name(session, campaign.name).id
        assert number is not None
        return number
    campaigns.store_compiled(session, number, compiled)
    session.execute(
        sa.insert(table_of(Tally)), [{"campaign_id": number, "state": state, "n": 0} for state in DeliveryState]
    )
    return number


def queue(session: Session, campaign_id: int, subscriber_id: int) -> bool:
    """Queue the notice to a person; False where it was queued before."""
    facts = {"campaign_id": campaign_id, "subscriber_id": subscriber_id, "state": DeliveryState.QUEUED, "attempts": 0}
    statement = insert(session, _delivery).values(**facts)
    statement = statement.on_conflict_do_nothing(index_elements=["campaign_id", "subscriber_id"])
    if session.execute(statement.returning(_delivery.c.id)).scalar_one_or_none() is None:
        return False
    deliveries.shift(session, {(campaign_id, DeliveryState.QUEUED): 1})
    return True


_delivery = table_of(Delivery)
