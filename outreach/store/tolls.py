"""What has become of the messages of campaigns so far? From tallies and events, at the same cost for any audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlmodel import Session

from outreach.replies.toll import Toll
from outreach.store import deliveries
from outreach.store.campaigns import Campaign, CampaignKind, CampaignState
from outreach.store.database import table_of
from outreach.store.deliveries import OPEN, DeliveryState
from outreach.store.events import Event, EventKind


@dataclass(frozen=True)
class Standing:
    """How a sending campaign stands."""

    toll: Toll
    #: The toll at which a person said "go on"; None where nobody had to.
    since: Toll | None
    #: Whether something may still be sent.
    is_open: bool


_campaign, _event = table_of(Campaign), table_of(Event)


def of_sending(session: Session, only: int | None = None) -> dict[int, Standing]:
    """Every campaign that is sending now (or only that one), by its number."""
    columns = (_campaign.c.id, _campaign.c.counted_from)
    # Notices go to whoever fills in a form: addresses that do not exist say nothing about them.
    statement = sa.select(*columns).where(
        _campaign.c.state == CampaignState.SENDING, _campaign.c.kind == CampaignKind.NEWSLETTER
    )
    if only is not None:
        statement = statement.where(_campaign.c.id == only)
    since = {row.id: Toll(**row.counted_from) if row.counted_from else None for row in session.execute(statement)}
    counts, complaints = deliveries.tallies_of(session, since), _complaints(session, list(since))
    return {
        number: Standing(
            _toll(counts[number], complaints.get(number, 0)), before, any(counts[number][state] for state in OPEN)
        )
        for number, before in since.items()
    }


def of_campaign(session: Session, campaign_id: int) -> Toll:
    """The toll of one campaign, whatever its state."""
    counts, complaints = deliveries.tallies_of(session, [campaign_id]), _complaints(session, [campaign_id])
    return _toll(counts[campaign_id], complaints.get(campaign_id, 0))


def as_document(toll: Toll) -> dict[str, int]:
    """A toll as `Campaign.counted_from` keeps it."""
    return asdict(toll)


def _toll(counts: dict[DeliveryState, int], complaints: int) -> Toll:
    return Toll(
        sent=counts[DeliveryState.SENT],
        failed=counts[DeliveryState.FAILED],
        bounced=counts[DeliveryState.BOUNCED],
        unknown=counts[DeliveryState.UNKNOWN],
        complaints=complaints,
    )


def _complaints(session: Session, numbers: Sequence[int]) -> dict[int, int]:
    """From the index alone, and few: a campaign stops at three in a thousand."""
    if not numbers:
        return {}
    mine = sa.and_(_event.c.campaign_id.in_(numbers), _event.c.kind == EventKind.COMPLAINT)
    counted = sa.select(_event.c.campaign_id, sa.func.count().label("n")).where(mine).group_by(_event.c.campaign_id)
    return {row.campaign_id: row.n for row in session.execute(counted)}
