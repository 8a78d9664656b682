"""What is kept of persons longer than it may be? Found and forgotten a slice at a time; sums stay what they are.

Each step takes a position and a number of rows, and answers how far it came; None: there is nothing more.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store import attempts, hits, installation, reports
from outreach.store.campaigns import Campaign
from outreach.store.consents import Act, Consent, Purpose
from outreach.store.database import insert, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event
from outreach.store.hits import Hit
from outreach.store.installation import InstallationFact
from outreach.store.reports import Report
from outreach.store.subscriptions import Subscription

#: The facts that say up to which number hits lost their client, and events their person.
CLIENTS, EVENTS = "clients_forgotten", "events_forgotten"


class Step(NamedTuple):
    """How far a step came, and how many rows it changed."""

    position: int
    changed: int


def mark(session: Session, fact: str) -> int:
    """Up to which number all rows are done; 0 where none is."""
    return int(installation.fact(session, fact) or 0)


def forget_clients(session: Session, after: int, size: int, *, before: datetime) -> Step | None:
    """Take from hits older than `before` the pseudonym of their client."""
    oldest = sa.select(_hit.c.id).where(_hit.c.id > after, _hit.c.at < before).order_by(_hit.c.id).limit(size)
    numbers = list(session.execute(oldest).scalars())
    if not numbers:
        return None
    shown = sa.and_(_hit.c.id.in_(numbers), _hit.c.client.is_not(None))
    forget = sa.update(_hit).where(shown).values(client=None)
    changed: int = session.execute(forget).rowcount  # type: ignore[attr-defined]
    _mark(session, CLIENTS, numbers[-1])
    return Step(numbers[-1], changed)


def forget_events(session: Session, after: int, size: int, *, before: datetime) -> Step | None:
    """Take the person out of events older than `before`; they go on counting."""
    oldest = sa.select(_event.c.id).where(_event.c.id > after, _event.c.at < before).order_by(_event.c.id).limit(size)
    numbers = list(session.execute(oldest).scalars())
    if not numbers:
        return None
    names = sa.or_(_event.c.subscriber_id.is_not(None), _event.c.delivery_id.is_not(None))
    forget = sa.update(_event).where(_event.c.id.in_(numbers), names).values(subscriber_id=None, delivery_id=None)
    changed: int = session.execute(forget).rowcount  # type: ignore[attr-defined]
    _mark(session, EVENTS, numbers[-1])
    return Step(numbers[-1], changed)


def forget_raw(session: Session, after: int, size: int, *, before: datetime) -> Step | None:
    """Take away what nobody has looked at of reports that nobody understood; they count as ignored from then on."""
    mine = sa.and_(_report.c.id > after, reports.IS_UNCLEAR, _report.c.received_at < before)
    numbers = list(session.execute(sa.select(_report.c.id).where(mine).order_by(_report.c.id).limit(size)).scalars())
    return Step(numbers[-1], reports.put_aside(session, numbers)) if numbers else None


def forget_reports(session: Session, after: int, size: int, *, before: datetime) -> Step | None:
    """Delete reports that came before then."""
    old = sa.select(_report.c.id).where(_report.c.received_at < before).order_by(_report.c.received_at).limit(size)
    numbers = list(session.execute(old).scalars())
    if not numbers:
        return None
    session.execute(sa.delete(_report).where(_report.c.id.in_(numbers)))
    return Step(numbers[-1], len(numbers))


def old_campaigns(session: Session, before: datetime) -> list[int]:
    """Campaigns launched before then, of whose readers more than sums is kept."""
    old = sa.and_(_campaign.c.launched_at < before, _campaign.c.forgotten_at.is_(None))
    return list(session.execute(sa.select(_campaign.c.id).where(old).order_by(_campaign.c.id)).scalars())


def untie(session: Session, after: int, size: int, *, campaign_id: int) -> Step | None:
    """Take the deliveries out of the hits of a campaign; each reader stays one reader, whom nobody knows."""
    mine = sa.and_(_hit.c.campaign_id == campaign_id, _hit.c.delivery_id > after)
    named = sa.select(_hit.c.delivery_id).where(mine).distinct().order_by(_hit.c.delivery_id).limit(size)
    numbers = list(session.execute(named).scalars())
    return Step(numbers[-1], hits.untie(session, numbers)) if numbers else None


def forget_words(session: Session, after: int, size: int, *, campaign_id: int) -> Step | None:
    """Take from the deliveries of a campaign what a server said, why something failed, and what proves what was sent.

    The words may quote a person, and the digest is one of what the person was told.
    """
    mine = sa.and_(_delivery.c.campaign_id == campaign_id, _delivery.c.subscriber_id > after)
    people = sa.select(_delivery.c.subscriber_id, _delivery.c.id).where(mine).order_by(_delivery.c.subscriber_id)
    rows = session.execute(people.limit(size)).all()
    if not rows:
        return None
    numbers = [row.subscriber_id for row in rows]
    attempts.forget_words(session, [row.id for row in rows])
    # Why somebody was left out is a figure of the report, and one of a few words.
    counted = sa.case((_delivery.c.state == DeliveryState.EXCLUDED, _delivery.c.reason))
    part = sa.and_(_delivery.c.campaign_id == campaign_id, _delivery.c.subscriber_id.between(numbers[0], numbers[-1]))
    said = sa.or_(
        _delivery.c.reply.is_not(None),
        _delivery.c.digest.is_not(None),
        sa.and_(_delivery.c.reason.is_not(None), _delivery.c.state != DeliveryState.EXCLUDED),
    )
    forget = sa.update(_delivery).where(part, said).values(reply=None, reason=counted, digest=None)
    changed: int = session.execute(forget).rowcount  # type: ignore[attr-defined]
    return Step(numbers[-1], changed)


def forgotten(session: Session, campaign_id: int, now: datetime) -> None:
    """Note that nothing but sums is kept of the readers of a campaign."""
    session.execute(sa.update(_campaign).where(_campaign.c.id == campaign_id).values(forgotten_at=now))


def joiners(session: Session, before: datetime, limit: int) -> list[tuple[int, int]]:
    """Who asked for a list before then and never confirmed it was them: (person, list), some at a time.

    People whom a publisher brought in without a consent asked for nothing; they stay.
    """
    asked = sa.exists().where(
        _consent.c.subscriber_id == _tie.c.subscriber_id,
        _consent.c.list_id == _tie.c.list_id,
        _consent.c.purpose == Purpose.MAIL,
        _consent.c.act == Act.ASKED,
        _consent.c.at >= before,
    )
    ever = sa.exists().where(
        _consent.c.subscriber_id == _tie.c.subscriber_id,
        _consent.c.list_id == _tie.c.list_id,
        _consent.c.act == Act.ASKED,
    )
    waiting = sa.and_(_tie.c.state == SubscriptionState.UNCONFIRMED, _tie.c.created_at < before)
    columns = (_tie.c.subscriber_id, _tie.c.list_id)
    statement = sa.select(*columns).where(waiting, ever, ~asked).order_by(_tie.c.list_id, _tie.c.subscriber_id)
    return [(person, group) for person, group in session.execute(statement.limit(limit))]


def _mark(session: Session, fact: str, number: int) -> None:
    statement = insert(session, _fact).values(key=fact, value=str(number))
    new = {"value": statement.excluded.value}
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=new))


_hit, _event, _campaign, _delivery = table_of(Hit), table_of(Event), table_of(Campaign), table_of(Delivery)
_report = table_of(Report)
_tie, _consent, _fact = table_of(Subscription), table_of(Consent), table_of(InstallationFact)
