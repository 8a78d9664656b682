"""Whose mailbox turned away too many messages in a row? Reports and refusals together, by `replies.softness`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from outreach.replies import softness
from outreach.replies.kind import Kind
from outreach.replies.softness import Past
from outreach.store import consents, installation
from outreach.store.attempts import Attempt
from outreach.store.campaigns import Campaign
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.reports import Report

#: The fact that says up to which number attempts were weighed.
WEIGHED = "refusals_weighed"

#: Numbers are given before they are committed: what is younger is looked at once more.
_SETTLED = timedelta(minutes=10)

_attempt, _campaign, _delivery, _report = table_of(Attempt), table_of(Campaign), table_of(Delivery), table_of(Report)


def in_a_row(session: Session, subscriber_ids: Collection[int], now: datetime) -> dict[int, int]:
    """How many of the last messages to each of these people were soft bounces, without one that is known good."""
    told = _told(session, subscriber_ids)
    pasts: dict[int, list[Past]] = {number: [] for number in subscriber_ids}
    for row in session.execute(_messages(subscriber_ids)):
        kinds = told.get(row.id, frozenset())
        failed = row.state is DeliveryState.FAILED
        soft = Kind.SOFT in kinds or (failed and softness.is_of_mailbox(row.enhanced))
        taken = row.state is DeliveryState.SENT and not kinds
        pasts[row.subscriber_id].append(Past(row.at, soft, Kind.DELIVERED in kinds, taken))
    confirmed = consents.last_confirmed(session, subscriber_ids)
    return {
        number: softness.in_a_row(found, now=now, confirmed_at=confirmed.get(number)) for number, found in pasts.items()
    }


def refused(session: Session, after: int, limit: int) -> tuple[list[int], int]:
    """Whom the relay refused softly in some attempts behind a number; and up to which number these go."""
    columns = (_attempt.c.id, _attempt.c.state, _attempt.c.enhanced, _attempt.c.delivery_id)
    some = sa.select(*columns).where(_attempt.c.id > after).order_by(_attempt.c.id).limit(limit)
    rows = session.execute(some).all()
    soft = [
        row.delivery_id for row in rows if row.state is DeliveryState.FAILED and softness.is_of_mailbox(row.enhanced)
    ]
    whose = sa.select(_delivery.c.subscriber_id).where(_delivery.c.id.in_(soft)).distinct()
    people = session.execute(whose).scalars() if soft else ()
    return sorted(people), rows[-1].id if rows else after


def weighed(session: Session) -> int:
    """Up to which number attempts were weighed for good."""
    return int(installation.fact(session, WEIGHED) or 0)


def settled(session: Session, upto: int, now: datetime) -> int:
    """Up to which number, at most that one, attempts are so old that nobody is committing any of them any more."""
    old = sa.and_(_attempt.c.id <= upto, _attempt.c.id > weighed(session), _attempt.c.at < now - _SETTLED)
    return int(session.execute(sa.select(sa.func.coalesce(sa.func.max(_attempt.c.id), 0)).where(old)).scalar_one())


def note_weighed(session: Session, upto: int) -> None:
    """Note up to which number attempts were weighed for good."""
    installation.state(session, WEIGHED, str(max(upto, weighed(session))))


def last_refused(session: Session, subscriber_id: int) -> int | None:
    """The last delivery to a person that failed."""
    found = session.execute(_messages([subscriber_id]).where(_delivery.c.state == DeliveryState.FAILED)).first()
    return found.id if found else None


def _messages(subscriber_ids: Collection[int]) -> sa.Select[tuple[int, int, DeliveryState, str | None, datetime]]:
    """What was sent to these people, the newest first; campaigns are named so that (campaign, person) serves."""
    at = sa.func.coalesce(_delivery.c.sent_at, _delivery.c.settled_at, type_=Moment)
    columns = (_delivery.c.id, _delivery.c.subscriber_id, _delivery.c.state, _delivery.c.enhanced, at.label("at"))
    launched = sa.select(_campaign.c.id).where(_campaign.c.launched_at.is_not(None))
    return (
        sa.select(*columns)
        .where(
            _delivery.c.campaign_id.in_(launched),
            _delivery.c.subscriber_id.in_(subscriber_ids),
            _delivery.c.state.in_([DeliveryState.SENT, DeliveryState.FAILED]),
            at.is_not(None),
        )
        .order_by(at.desc(), _delivery.c.id.desc())
    )


def _told(session: Session, subscriber_ids: Collection[int]) -> dict[int, frozenset[Kind]]:
    """The kinds of reports about each message to these people that say whether it arrived."""
    columns = (_report.c.delivery_id, _report.c.kind, _report.c.status, _report.c.words)
    concerned = sa.and_(_report.c.subscriber_id.in_(subscriber_ids), _report.c.kind.in_(_TELLING))
    found: dict[int, frozenset[Kind]] = {}
    for number, kind, status, words in session.execute(sa.select(*columns).where(concerned)):
        # One that does not count says as little as none at all, but not that the message arrived.
        told = kind if kind is not Kind.SOFT or softness.counts(status, words) else Kind.DELAYED
        found[number] = found.get(number, frozenset()) | {told}
    return found


_TELLING = (Kind.HARD, Kind.SOFT, Kind.DELIVERED)
