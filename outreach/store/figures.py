"""What do the sums say? Read-only figures for status, report and dashboard."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store.campaigns import Campaign
from outreach.store.database import table_of
from outreach.store.deliveries import DeliveryState, Tally


def status(session: Session, campaign: Campaign) -> dict[str, Any]:
    """Where a campaign and its deliveries stand; `audience` is the sum of the states.

    Read from the tallies, which are kept in the transactions that move deliveries: no row of the queue is counted.
    """
    tally = table_of(Tally)
    rows = session.execute(sa.select(tally.c.state, tally.c.n).where(tally.c.campaign_id == campaign.id))
    counted: dict[DeliveryState, int] = {row.state: row.n for row in rows}
    states = {state.value: counted.get(state, 0) for state in DeliveryState}
    return {"name": campaign.name, "state": campaign.state.value, "audience": sum(states.values()), **states}
