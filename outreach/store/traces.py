"""What else is known about a person, in the tables of other nouns? To hand it out to them, and to forget it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import attempts, consents, hits, joinings, reports, subscriptions, suppressions
from outreach.store.campaigns import Campaign
from outreach.store.database import Stay, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import Event
from outreach.store.hits import Hit
from outreach.store.links import Link
from outreach.store.subscribers import Subscriber
from outreach.store.suppressions import Suppression

_campaign, _delivery, _event = table_of(Campaign), table_of(Delivery), table_of(Event)
_hit, _link = table_of(Hit), table_of(Link)


#: What a person is told of themselves, in this order.
FIELDS = ("email", "name", "language", "timezone", "attributes", "tracking_consent", "created_at", "updated_at")


def dossier(session: Session, person: Subscriber) -> dict[str, Any]:
    """Everything that is known about a person, readable for them and for machines (GDPR, Art. 15 and 20)."""
    barred = suppressions.find(session, person.email_key)
    return {
        "subscriber": {name: getattr(person, name) for name in FIELDS},
        "subscriptions": [_without(row, "list_id") for row in subscriptions.of_person(session, person.number)],
        "consents": [_without(row, "list_id") for row in consents.of_person(session, person.number)],
        "requests": joinings.of_person(session, person.number),
        "suppression": _barred(barred) if barred else None,
        "deliveries": _deliveries(session, person.number),
        "attempts": _attempts(session, person.number),
        "reports": [_without(row, "delivery_id") for row in reports.of_person(session, person.number)],
        "clicks": _clicks(session, person.number),
        "events": _events(session, person.number),
    }


def prepare(session: Session) -> None:
    """Before anything is erased: what SQLite deletes it overwrites from now on, on this connection."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sa.text("PRAGMA secure_delete = ON"))


def scrub(stay: Stay) -> None:
    """After something was erased: let no file keep it while servers run on (SQLite's log does, for a good while).

    Where somebody reads for long, this is left to the next time that the log is written back.
    """
    if stay.store.backend == "sqlite":
        stay.driver().execute("PRAGMA busy_timeout = 1000")
        stay.driver().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def forget(session: Session, subscriber_id: int) -> dict[str, int]:
    """Take the person out of deliveries, hits, events and reports, whose rows stay and count; how many rows each."""
    all_mine = sa.select(_delivery.c.id).where(*_of(subscriber_id)).order_by(_delivery.c.id)
    mine = list(session.execute(all_mine.with_for_update()).scalars())  # in the order that senders take theirs
    # Why somebody was left out is a figure of the report; any other reason may quote a value of the person's.
    counted = sa.case((_delivery.c.state == DeliveryState.EXCLUDED, _delivery.c.reason))
    said = sa.update(_delivery).where(*_of(subscriber_id)).values(reply=None, reason=counted, digest=None)
    told = sa.update(_event).where(_event.c.subscriber_id == subscriber_id)
    told = told.values(subscriber_id=None, delivery_id=None)
    session.execute(said)
    attempts.forget_words(session, mine)
    joinings.forget(session, subscriber_id)
    return {
        "deliveries": len(mine),
        "hits": hits.untie(session, hits.named_of(session, subscriber_id)),
        "events": len(session.execute(told.returning(_event.c.id)).all()),
        "reports": reports.forget(session, subscriber_id),
    }


def _of(subscriber_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """The deliveries of a person; the campaigns are named so that the index (campaign, person) serves."""
    return (_delivery.c.campaign_id.in_(sa.select(_campaign.c.id)), _delivery.c.subscriber_id == subscriber_id)


def _deliveries(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    columns = (
        "state",
        "reason",
        "attempts",
        "first_at",
        "sent_at",
        "settled_at",
        "code",
        "enhanced",
        "reply",
        "digest",
    )
    statement = (
        sa.select(_campaign.c.name.label("campaign"), *(_delivery.c[name] for name in columns))
        .join(_campaign, _campaign.c.id == _delivery.c.campaign_id)
        .where(*_of(subscriber_id))
        .order_by(_delivery.c.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def _attempts(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    mine = sa.select(_delivery.c.id, _campaign.c.name).join(_campaign, _campaign.c.id == _delivery.c.campaign_id)
    names = {row.id: row.name for row in session.execute(mine.where(*_of(subscriber_id)))}
    made = attempts.of_deliveries(session, list(names))
    return [{"campaign": names[row["delivery_id"]], **{name: row[name] for name in attempts.FACTS}} for row in made]


def _clicks(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    mine = sa.select(_delivery.c.id).where(*_of(subscriber_id))
    statement = (
        sa.select(
            *(_hit.c.at, _campaign.c.name.label("campaign"), _link.c.label, _link.c.url),
            *(_hit.c.judgement, _hit.c.rule),
        )
        .join(_campaign, _campaign.c.id == _hit.c.campaign_id)
        .outerjoin(_link, sa.and_(_link.c.campaign_id == _hit.c.campaign_id, _link.c.number == _hit.c.link_number))
        .where(_hit.c.delivery_id.in_(mine))
        .order_by(_hit.c.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def _events(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    columns = (_event.c.at, _event.c.kind, _event.c.detail)
    statement = sa.select(*columns).where(_event.c.subscriber_id == subscriber_id).order_by(_event.c.id)
    return [dict(row) for row in session.execute(statement).mappings()]


def _barred(found: Suppression) -> dict[str, Any]:
    return {"entry": found.email_key, "reason": found.reason, "note": found.note, "at": found.at}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
