"""Report what became of a campaign; late judgements are folded back first, so that the figures are true."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from outreach.actions import record
from outreach.store import campaigns, figures
from outreach.store.campaigns import Campaign
from outreach.store.database import Store


def campaign(store: Store, name: str, *, now: datetime) -> tuple[dict[str, Any], Campaign]:
    """The report as `outreach campaign report --json` prints it, and its campaign; raises NotFound."""
    with store.reading() as session:
        campaigns.by_name(session, name)
    record.fold(store, now=now)
    with store.reading() as session:
        found = campaigns.by_name(session, name)
        return figures.report(session, found), found
