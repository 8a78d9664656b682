"""How do all campaigns stand together? What a watcher asks for every few seconds, whatever goes on meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import candidates, reports
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState, Tally, is_in


@dataclass(frozen=True)
class Overview:
    """What is to be seen of all campaigns together, at one moment."""

    #: Deliveries of all campaigns, by the campaign's state and their own.
    deliveries: Mapping[tuple[CampaignState, DeliveryState], int]
    #: Those of the campaigns that are sending or paused, by the campaign's number and their state.
    live: Mapping[tuple[int, DeliveryState], int]
    #: How many campaigns are in each state.
    campaigns: Mapping[CampaignState, int]
    #: When the first of the scheduled campaigns whose time has come was due.
    due_since: datetime | None
    #: When the first of those campaigns was launched that have something queued.
    queued_since: datetime | None
    #: When the first of the deferred deliveries whose time has come was due.
    retry_since: datetime | None
    #: When the first of all claims runs out, or has run out.
    lease_until: datetime | None
    #: Reports that wait for a person to look at them.
    unclear_reports: int = 0


def read(session: Session, now: datetime) -> Overview:
    """How all campaigns stand together; what it costs grows with the campaigns, never with the deliveries."""
    campaign, tally = table_of(Campaign), table_of(Tally)
    counted = sa.select(campaign.c.state, sa.func.count()).group_by(campaign.c.state)
    rows = session.execute(
        sa.select(campaign.c.state, campaign.c.id, tally.c.state.label("of"), tally.c.n)
        .select_from(campaign.join(tally, tally.c.campaign_id == campaign.c.id))
        .where(tally.c.n > 0)
    ).all()
    summed: dict[tuple[CampaignState, DeliveryState], int] = {}
    for row in rows:
        summed[row.state, row.of] = summed.get((row.state, row.of), 0) + row.n
    live = {(row.id, row.of): row.n for row in rows if row.state in _LIVE}
    sending = [row.id for row in rows if row.state is CampaignState.SENDING and row.of is DeliveryState.QUEUED]
    retrying = [row.id for row in rows if row.state is CampaignState.SENDING and row.of is DeliveryState.DEFERRED]
    due = sa.select(sa.func.min(campaign.c.due_at, type_=Moment))
    return Overview(
        deliveries=summed,
        live=live,
        campaigns=dict(session.execute(counted).all()),
        due_since=session.execute(
            due.where(campaign.c.state == CampaignState.SCHEDULED, campaign.c.due_at <= now)
        ).scalar_one(),
        queued_since=session.execute(
            sa.select(sa.func.min(campaign.c.launched_at, type_=Moment)).where(campaign.c.id.in_(sending))
        ).scalar_one(),
        retry_since=min((at for each in retrying if (at := next_retry(session, each)) and at <= now), default=None),
        lease_until=session.execute(_FIRST_LEASE).scalar_one(),
        unclear_reports=reports.unclear(session),
    )


def next_retry(session: Session, campaign_id: int) -> datetime | None:
    """When the first deferred delivery of a campaign may be tried again; one look into an index for each lane."""
    facts = {"campaign": campaign_id}
    found = [session.execute(_NEXT_RETRY, facts).scalar_one()]
    for lane in candidates.lanes(session, campaign_id):
        found.append(session.execute(_NEXT_RETRY_OF_LANE, {**facts, "lane": lane}).scalar_one())
    return min((at for at in found if at is not None), default=None)


_LIVE = {CampaignState.SENDING, CampaignState.PAUSED}
_delivery = table_of(Delivery)
_FIRST_DUE = sa.select(sa.func.min(_delivery.c.due_at, type_=Moment)).where(
    _delivery.c.campaign_id == sa.bindparam("campaign"), is_in(DeliveryState.DEFERRED)
)
_NEXT_RETRY = _FIRST_DUE.where(_delivery.c.lane.is_(None))
_NEXT_RETRY_OF_LANE = _FIRST_DUE.where(_delivery.c.lane.is_not(None), _delivery.c.lane == sa.bindparam("lane"))
_FIRST_LEASE = sa.select(sa.func.min(_delivery.c.lease_until, type_=Moment)).where(is_in(DeliveryState.CLAIMED))
