"""What do limits hold back today? In words, for status, doctor and a sender that ends."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from outreach.config import Settings
from outreach.house import House
from outreach.store import campaigns, deliveries, holds
from outreach.store.campaigns import CampaignState
from outreach.store.deliveries import DeliveryState
from outreach.store.holds import Hold


def lines(house: House, name: str) -> list[str]:
    """What holds a campaign's mail back today, a line each; none where nothing waits."""
    settings = house.settings
    with house.store.reading() as session:
        campaign = campaigns.by_name(session, name)
        assert campaign.id is not None
        waiting = deliveries.tallies(session, campaign.id)[DeliveryState.QUEUED]
        if campaign.state is not CampaignState.SENDING or not waiting:
            return []
        found = holds.of_domain(session, campaign.from_domain, settings.limits, settings.ways)
    return [words(hold, settings) for hold in found if not hold.left or hold.is_warm_up]


def words(hold: Hold, settings: Settings) -> str:
    """One budget of today."""
    until = hold.until.astimezone(ZoneInfo(settings.timezone))
    left = f"{hold.left:,} still may" if hold.left else f"none is left until {until:%Y-%m-%d %H:%M} {settings.timezone}"
    return f"{hold.what[0].upper()}{hold.what[1:]} lets {hold.most:,} leave today: {left}."
