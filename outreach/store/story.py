"""What is known of one person in one campaign? Delivery, attempts, and what was decided about it, in one view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.replies.smtp import Stage
from outreach.store import attempts, campaigns, decisions, lists, reports, subscriptions, suppressions
from outreach.store.campaigns import Campaign
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event, EventKind
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import Suppression


@dataclass(frozen=True)
class Story:
    """One person in one campaign."""

    campaign: Campaign
    #: The name of the campaign's list.
    list_name: str
    email: str
    #: None: the person was not in the audience, or nothing was launched yet.
    delivery: Delivery | None
    #: How the person stands to the list now (`subscriptions.of_person`); None: was never on it.
    tie: dict[str, Any] | None
    suppression: Suppression | None
    #: Every attempt, the acceptance too, in the order in which they were made (`attempts.FACTS`).
    attempts: list[dict[str, Any]]
    #: What came back about the person's mail of this campaign: `reports.FACTS`.
    reports: list[dict[str, Any]]
    #: What else happened to the person that concerns this: at, kind, detail.
    events: list[dict[str, Any]]
    #: The runs of a recurring campaign, the newest first.
    runs: list[str]


#: What concerns a person in every campaign.
_EVERYWHERE = (EventKind.SUPPRESSED, EventKind.UNSUBSCRIBED)
_event = table_of(Event)


def of_person(session: Session, campaign: Campaign, person: Subscriber) -> Story:
    """The story of a person in a campaign, also of one who is not in it."""
    assert campaign.id is not None
    delivery = decisions.of_person(session, campaign.id, person.number)
    ties = {tie["list_id"]: tie for tie in subscriptions.of_person(session, person.number)}
    return Story(
        campaign=campaign,
        list_name=lists.by_id(session, campaign.list_id).name,
        email=person.email,
        delivery=delivery,
        tie=ties.get(campaign.list_id),
        suppression=suppressions.find(session, person.email_key),
        attempts=_attempts(session, delivery) if delivery else [],
        reports=_reports(session, person.number, delivery) if delivery else [],
        events=_events(session, campaign.id, person.number, delivery),
        runs=[run.name for run in campaigns.runs(session, campaign.id)] if campaign.cron else [],
    )


def _attempts(session: Session, delivery: Delivery) -> list[dict[str, Any]]:
    assert delivery.id is not None
    made = [{name: row[name] for name in attempts.FACTS} for row in attempts.of_deliveries(session, [delivery.id])]
    if delivery.sent_at is not None and delivery.code is not None and 200 <= delivery.code < 300:
        # Also of one that bounced later. What was taken as sent has no word of a server that says so.
        accepted = {name: getattr(delivery, name) for name in ("code", "enhanced", "reply", "relay")}
        made.append(
            {"at": delivery.sent_at, "stage": Stage.BODY, "state": DeliveryState.SENT, "reason": None, **accepted}
        )
    return made


def _reports(session: Session, subscriber_id: int, delivery: Delivery) -> list[dict[str, Any]]:
    found = reports.of_person(session, subscriber_id)
    return [{name: row[name] for name in reports.FACTS} for row in found if row["delivery_id"] == delivery.id]


def _events(session: Session, campaign_id: int, subscriber_id: int, delivery: Delivery | None) -> list[dict[str, Any]]:
    columns = (_event.c.at, _event.c.kind, _event.c.detail)
    ours = sa.or_(
        _event.c.campaign_id == campaign_id,
        _event.c.delivery_id == (delivery.id if delivery else None),
        sa.and_(_event.c.campaign_id.is_(None), _event.c.kind.in_(_EVERYWHERE)),
    )
    statement = sa.select(*columns).where(_event.c.subscriber_id == subscriber_id, ours).order_by(_event.c.id)
    return [dict(row) for row in session.execute(statement).mappings()]
