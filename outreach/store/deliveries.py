"""What became of each message? The delivery queue: one row for one message to one subscriber."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.errors import NotFound
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import BigKey, Choice, Moment, table_of


class DeliveryState(StrEnum):
    """Where a delivery stands; every person of an audience is in exactly one."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    EXCLUDED = "excluded"


#: States from which a sender may still take the delivery up.
OPEN = (DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED)


def _partial_index(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


class Delivery(SQLModel, table=True):
    """One message to one subscriber: the queue row and, once settled, the record of what happened."""

    __tablename__ = "delivery"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    #: Not a foreign key: a launched campaign is never deleted, and a check for each row of a launch would take longer
    #: than the launch.
    campaign_id: int
    #: Not a foreign key: an erased person's number stays behind, so that the sums stay true.
    subscriber_id: int = Field(sa_type=BigKey)
    state: DeliveryState = Field(sa_type=Choice(DeliveryState))
    #: Why it is excluded, failed or unknown.
    reason: str | None = Field(default=None, max_length=200)
    attempts: int = Field(default=0)
    #: When a deferred delivery may be tried again; a queued one may at once.
    due_at: datetime | None = Field(default=None, sa_type=Moment)
    #: When it was first tried: the deadline for retries counts from there.
    first_at: datetime | None = Field(default=None, sa_type=Moment)
    #: The token of the sender's claim that holds the row, and until when.
    claim: str | None = Field(default=None, max_length=32)
    lease_until: datetime | None = Field(default=None, sa_type=Moment)
    #: When the relay accepted it.
    sent_at: datetime | None = Field(default=None, sa_type=Moment)
    #: When the row reached the state that it is in.
    settled_at: datetime | None = Field(default=None, sa_type=Moment)
    #: The relay's last words: basic code, enhanced code, text.
    code: int | None = Field(default=None)
    enhanced: str | None = Field(default=None, max_length=16)
    reply: str | None = Field(default=None, sa_type=sa.Text)
    #: Which relay said them.
    relay: str | None = Field(default=None, max_length=255)
    #: The provider whose limit it waits for: set once, where a claim met it while that provider had enough.
    lane: str | None = Field(default=None, max_length=255)

    # The partial indexes hold only what is still to do, and what a person asks about: a delivery that was sent stands
    # in none of them, so a claim costs the same at the end of a campaign as at its start.
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "subscriber_id", name="uq_delivery_person"),
        _partial_index("ix_delivery_queued", "campaign_id", "id", where="state = 'queued' AND lane IS NULL"),
        _partial_index("ix_delivery_deferred", "campaign_id", "due_at", where="state = 'deferred' AND lane IS NULL"),
        _partial_index(
            "ix_delivery_lane_queued", "campaign_id", "lane", "id", where="state = 'queued' AND lane IS NOT NULL"
        ),
        _partial_index(
            "ix_delivery_lane_deferred",
            "campaign_id",
            "lane",
            "due_at",
            where="state = 'deferred' AND lane IS NOT NULL",
        ),
        _partial_index("ix_delivery_claimed", "lease_until", where="state = 'claimed'"),
        _partial_index(
            "ix_delivery_told",
            "campaign_id",
            "state",
            "reason",
            where="state IN ('failed', 'bounced', 'unknown', 'excluded')",
        ),
    )


class Tally(SQLModel, table=True):
    """How many deliveries of a campaign are in a state; kept in the transaction that moves them."""

    __tablename__ = "tally"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id")
    state: DeliveryState = Field(primary_key=True, sa_type=Choice(DeliveryState))
    n: int = Field(default=0, sa_type=sa.BigInteger)


def tallies(session: Session, campaign_id: int) -> dict[DeliveryState, int]:
    """How many deliveries of a campaign are in each state, every state named; costs the same for any audience."""
    return tallies_of(session, [campaign_id])[campaign_id]


def tallies_of(session: Session, campaign_ids: Collection[int]) -> dict[int, dict[DeliveryState, int]]:
    """The tallies of several campaigns, by their numbers."""
    _write_tallies(session)
    found = {number: dict.fromkeys(DeliveryState, 0) for number in campaign_ids}
    columns = (_tally.c.campaign_id, _tally.c.state, _tally.c.n)
    for row in session.execute(sa.select(*columns).where(_tally.c.campaign_id.in_(campaign_ids))) if found else ():
        found[row.campaign_id][row.state] = row.n
    return found


def open_count(session: Session, campaign_id: int) -> int:
    """How many deliveries of a campaign may still be taken up by a sender."""
    found = tallies(session, campaign_id)
    return sum(found[state] for state in OPEN)


def by_id(session: Session, delivery_id: int) -> Delivery:
    """The delivery with that number; raises NotFound."""
    found = session.get(Delivery, delivery_id)
    if found is None:
        raise NotFound("delivery", str(delivery_id))
    return found


def exclude_person(
    session: Session, subscriber_id: int, list_id: int | None, reason: str, now: datetime | None = None
) -> int:
    """Exclude what has not left to a person who leaves a list (None: every list); how many deliveries that were.

    What a sender holds already is not among them: it leaves within a second or two, or is looked at again when the
    sender gives it back.
    """
    return exclude_people(session, hold_waiting(session, [subscriber_id], list_id), [subscriber_id], reason, now)


def hold_waiting(session: Session, subscriber_ids: Collection[int], list_id: int | None = None) -> list[int]:
    """The live campaigns (of a list) in which something waits for these people; they stay as they are until the end.

    Campaigns before deliveries, here as everywhere: a cancel takes all deliveries of its own, in an order of its own.
    """
    live = sa.select(_campaign.c.id).where(_campaign.c.state.in_([CampaignState.SENDING, CampaignState.PAUSED]))
    if list_id is not None:
        live = live.where(_campaign.c.list_id == list_id)
    concerned = sorted(set(session.execute(_waiting(live, subscriber_ids, _delivery.c.campaign_id)).scalars()))
    if concerned:
        held = sa.select(_campaign.c.id).where(_campaign.c.id.in_(concerned)).order_by(_campaign.c.id)
        session.execute(held.with_for_update(read=True)).all()
    return concerned


def exclude_people(
    session: Session,
    campaign_ids: Collection[int],
    subscriber_ids: Collection[int],
    reason: str,
    now: datetime | None = None,
) -> int:
    """Exclude what waits for these people in these campaigns, which are held; how many deliveries that were."""
    if not campaign_ids:
        return 0
    wanted = _waiting(campaign_ids, subscriber_ids, _delivery.c.id, _delivery.c.campaign_id, _delivery.c.state)
    rows = session.execute(wanted.order_by(_delivery.c.id).with_for_update()).all()
    if not rows:
        return 0
    statement = sa.update(_delivery).where(_delivery.c.id.in_([row.id for row in rows]))
    session.execute(
        statement.values(state=DeliveryState.EXCLUDED, reason=reason, settled_at=now or sa.null(), due_at=None)
    )
    moved: Counter[tuple[int, DeliveryState]] = Counter()
    for row in rows:
        moved[row.campaign_id, row.state] -= 1
        moved[row.campaign_id, DeliveryState.EXCLUDED] += 1
    shift(session, moved)
    return len(rows)


def _waiting(
    campaigns: Collection[int] | sa.Select[Any], subscriber_ids: Collection[int], *columns: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    """What is queued or deferred for these people; the campaigns are named so that (campaign, person) serves."""
    return sa.select(*columns).where(
        _delivery.c.campaign_id.in_(campaigns),
        _delivery.c.subscriber_id.in_(subscriber_ids),
        _delivery.c.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED]),
    )


def cancel_open(session: Session, campaign_id: int, now: datetime | None = None) -> int:
    """Cancel what is queued or deferred; how many deliveries that were.

    What a sender holds is not among them: where its body has not begun, it becomes cancelled when the sender gives it
    back.
    """
    moved: Counter[tuple[int, DeliveryState]] = Counter()
    lanes = (_delivery.c.lane.is_(None), _delivery.c.lane.is_not(None))  # an index for each
    for state, lane in product((DeliveryState.QUEUED, DeliveryState.DEFERRED), lanes):
        statement = sa.update(_delivery).where(_delivery.c.campaign_id == campaign_id, is_in(state), lane)
        values = {"state": DeliveryState.CANCELLED, "settled_at": now, "due_at": None}
        n: int = session.execute(statement.values(**values)).rowcount  # type: ignore[attr-defined]
        moved[campaign_id, state] -= n
        moved[campaign_id, DeliveryState.CANCELLED] += n
    shift(session, moved)
    return moved[campaign_id, DeliveryState.CANCELLED]


def shift(session: Session, moved: Mapping[tuple[int, DeliveryState], int]) -> None:
    """Add to the tallies, by campaign and state; belongs into the transaction that moves the rows.

    Written once, right before the commit, in a fixed order. Every sender wants these few rows: so they are held for
    the time of a commit, and nobody who holds one of them waits for anything else.
    """
    if _MOVED not in session.info:
        session.info[_MOVED] = Counter()
        sa.event.listen(session, "before_commit", _write_tallies)
    pending: Counter[tuple[int, DeliveryState]] = session.info[_MOVED]
    for what, n in moved.items():
        pending[what] += n


def _write_tallies(session: Session) -> None:
    pending = session.info.get(_MOVED) or {}
    rows = [{"campaign": number, "of": state, "more": n} for (number, state), n in sorted(pending.items()) if n]
    if rows:
        pending.clear()
        session.connection().execute(_SHIFT, rows)


def is_in(state: DeliveryState) -> sa.ColumnElement[bool]:
    """The condition that a delivery is in a state, for queries that want the partial index of that state.

    Spelt out, not bound: SQLite takes such an index only where the query says literally what the index says.
    """
    return _delivery.c.state == sa.literal_column(f"'{state.value}'", sa.String())


#: Where a session keeps what it has moved until its commit.
_MOVED = "outreach_moved"
_campaign, _delivery = table_of(Campaign), table_of(Delivery)
_tally = table_of(Tally)
#: The order of the numbers, for few rows that a partial index finds: by the plain number SQLite would go through the
#: whole table instead, and save the sorting.
SORTED = _delivery.c.id + 0
_SHIFT = (
    sa.update(_tally)
    .where(_tally.c.campaign_id == sa.bindparam("campaign"), _tally.c.state == sa.bindparam("of"))
    .values(n=_tally.c.n + sa.bindparam("more"))
)
