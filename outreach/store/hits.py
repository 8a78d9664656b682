"""Who asked for a tracked link, when, and was it a person?

The user agent is judged and not kept; of the client's address a pseudonym is, for a while (`store.retention`).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.campaigns import Campaign
from outreach.store.database import BigKey, Choice, Moment, insert, table_of
from outreach.store.deliveries import OPEN, Delivery
from outreach.store.lists import MailingList, Tracking
from outreach.store.subscribers import Subscriber
from outreach.tracking.robot import BURST, Judgement, Verdict


class Hit(SQLModel, table=True):
    """One request for a tracked link."""

    __tablename__ = "hit"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    campaign_id: int = Field(foreign_key="campaign.id")
    link_number: int
    at: datetime = Field(sa_type=Moment)
    #: The delivery, only where the person agreed to that; None where clicks count without the person.
    delivery_id: int | None = Field(default=None, sa_type=BigKey)
    #: Pseudonym of the message under the key of the day: enough for bursts and distinct readers, worthless a day later.
    reader: str = Field(max_length=32)
    #: Pseudonym of the client address under the key of the day; None where there was none, or after a while.
    client: str | None = Field(default=None, max_length=32)
    #: Milliseconds from when the relay took the message; None where that was not settled then.
    waited_ms: int | None = Field(default=None, sa_type=sa.BigInteger)
    #: The rule that judged the hit by itself, before bursts were seen; None where that was not written down yet.
    own_rule: str | None = Field(default=None, max_length=32)
    judgement: Judgement = Field(sa_type=Choice(Judgement))
    #: The rule that judged it: "head", "prefetch", "robot", "burst", "no-agent", "too-soon", "".
    rule: str = Field(default="", max_length=32)
    #: Whether the bursts around it have been folded back onto it.
    folded: bool = Field(default=False)

    __table_args__ = (
        sa.Index("ix_hit_campaign", "campaign_id", "link_number", "judgement"),
        sa.Index(
            "ix_hit_delivery",
            "delivery_id",
            sqlite_where=sa.text("delivery_id IS NOT NULL"),
            postgresql_where=sa.text("delivery_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_hit_unfolded",
            "at",
            "id",
            sqlite_where=sa.text("folded = 0"),
            postgresql_where=sa.text("NOT folded"),
        ),
    )


class DayKey(SQLModel, table=True):
    """The random key that makes the pseudonyms of one day; deleted when the day after has ended."""

    __tablename__ = "day_key"

    #: ISO date, UTC.
    day: str = Field(primary_key=True, max_length=10)
    key: bytes = Field(sa_type=sa.LargeBinary)


class Target(NamedTuple):
    """What must be known of a delivery to store a hit on one of its links."""

    campaign_id: int
    #: When the relay took the message; None where that is not settled yet.
    accepted_at: datetime | None
    #: How links of the list are counted now.
    tracking: Tracking
    #: Whether the person agreed that clicks are kept with their name.
    consented: bool

    def named(self, at: datetime, keep: timedelta | None = None) -> bool:
        """Whether a hit may name the delivery: not where older ones of the message lost its name already."""
        old = keep is not None and self.accepted_at is not None and at - self.accepted_at >= keep
        return self.tracking is Tracking.INDIVIDUAL and self.consented and not old


def targets(session: Session, delivery_ids: Collection[int]) -> dict[int, Target]:
    """What is to be known of each delivery; those that do not exist are left out."""
    # A message whose fate is unknown may well have arrived: it counts from when that was settled.
    settled = sa.case((_delivery.c.state.not_in(OPEN), _delivery.c.settled_at))
    columns = (
        _delivery.c.id,
        _delivery.c.campaign_id,
        sa.func.coalesce(_delivery.c.sent_at, settled, type_=Moment),
        _list.c.tracking,
        sa.func.coalesce(_subscriber.c.tracking_consent, sa.false()),
    )
    joined = (
        _delivery.join(_campaign, _campaign.c.id == _delivery.c.campaign_id)
        .join(_list, _list.c.id == _campaign.c.list_id)
        .outerjoin(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
    )
    statement = sa.select(*columns).select_from(joined).where(_delivery.c.id.in_(delivery_ids))
    return {row[0]: Target._make(row[1:]) for row in session.execute(statement)}


def add_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store hits, in one statement."""
    session.connection().execute(sa.insert(_hit), rows)


def fold_back(session: Session, earlier: Iterable[tuple[str, datetime]]) -> None:
    """Judge hits of the last seconds, by reader and time, as part of a burst, unless they are a machine's already."""
    judged = [{"of_reader": reader, "of_at": at} for reader, at in earlier]
    if judged:
        place = (_hit.c.at == sa.bindparam("of_at", type_=Moment), _hit.c.reader == sa.bindparam("of_reader"))
        session.connection().execute(_burst.where(~_hit.c.folded, *place), judged)


def unfolded(session: Session, *, after: tuple[datetime, int] | None, limit: int) -> Sequence[sa.Row[Any]]:
    """Hits whose bursts may not all be known yet (id, at, reader, client, link_number, judgement), by time."""
    columns = (_hit.c.id, _hit.c.at, _hit.c.reader, _hit.c.client, _hit.c.link_number, _hit.c.judgement)
    statement = sa.select(*columns).where(~_hit.c.folded).order_by(_hit.c.at, _hit.c.id).limit(limit)
    if after is not None:
        statement = statement.where(sa.tuple_(_hit.c.at, _hit.c.id) > sa.tuple_(*after))
    return session.execute(statement).all()


def fold(session: Session, burst: Collection[int], done: Collection[int]) -> None:
    """Judge hits as part of a burst; those that are `done` are folded for good."""
    if burst:
        session.execute(_burst.where(_hit.c.id.in_(burst)))
    if done:
        session.execute(sa.update(_hit).where(_hit.c.id.in_(done)).values(folded=True))


def around(session: Session, campaign_id: int, *, margin: int) -> Iterator[sa.Row[Any]]:
    """Every hit of a campaign, and of others that came meanwhile, by time: a client's burst may run across campaigns.

    Meanwhile is told by the numbers, `margin` more on either side. Streamed; belongs to one transaction that reads.
    """
    span = sa.select(sa.func.min(_hit.c.id), sa.func.max(_hit.c.id)).where(_hit.c.campaign_id == campaign_id)
    first, last = session.execute(span).one()
    if first is None:
        return
    statement = sa.select(_hit).where(_hit.c.id.between(first - margin, last + margin)).order_by(_hit.c.at, _hit.c.id)
    yield from session.execute(statement.execution_options(yield_per=2_000))


def judge(session: Session, verdicts: Sequence[tuple[int, Verdict]]) -> None:
    """Judge hits (by number) anew."""
    rows = [{"of_hit": number, "to": verdict.judgement, "by": verdict.rule} for number, verdict in verdicts]
    anew = sa.update(_hit).values(judgement=sa.bindparam("to"), rule=sa.bindparam("by"))
    session.connection().execute(anew.where(_hit.c.id == sa.bindparam("of_hit")), rows)


def named_of(session: Session, subscriber_id: int) -> list[int]:
    """The deliveries of a person that hits name."""
    # The campaigns are named so that the index (campaign, person) serves.
    person = (_delivery.c.campaign_id.in_(sa.select(_campaign.c.id)), _delivery.c.subscriber_id == subscriber_id)
    mine = sa.select(_delivery.c.id).where(*person)
    return list(session.execute(sa.select(_hit.c.delivery_id).where(_hit.c.delivery_id.in_(mine)).distinct()).scalars())


def untie(session: Session, delivery_ids: Collection[int]) -> int:
    """Take the names of these deliveries from their hits; how many hits that were.

    Each reader stays one reader, under a random pseudonym that nobody keeps: the sums of reports do not change.
    """
    if not delivery_ids:
        return 0
    count = sa.select(sa.func.count()).where(_hit.c.delivery_id.in_(delivery_ids))
    n = int(session.execute(count).scalar_one())
    session.connection().execute(
        sa.update(_hit)
        .where(_hit.c.delivery_id == sa.bindparam("of_delivery"))
        .values(delivery_id=None, reader=sa.bindparam("of_nobody")),
        [{"of_delivery": number, "of_nobody": secrets.token_hex(16)} for number in delivery_ids],
    )
    return n


def day_key(session: Session, day: str) -> bytes | None:
    """The key of a day (ISO date, UTC), or None where it has none (yet, or any more)."""
    key: bytes | None = session.execute(sa.select(_day.c.key).where(_day.c.day == day)).scalar_one_or_none()
    return key


def keep_day_key(session: Session, day: str, key: bytes) -> bytes:
    """Keep a key for a day unless another process was first; the one that holds."""
    session.execute(insert(session, _day).values(day=day, key=key).on_conflict_do_nothing(index_elements=["day"]))
    return bytes(session.execute(sa.select(_day.c.key).where(_day.c.day == day)).scalar_one())


def forget_day_keys(session: Session, before: str) -> int:
    """Delete the keys of every day before the given one; how many there were."""
    gone = session.execute(sa.delete(_day).where(_day.c.day < before).returning(_day.c.day))
    return len(gone.all())


_hit = table_of(Hit)
_day = table_of(DayKey)
_delivery = table_of(Delivery)
_campaign = table_of(Campaign)
_list = table_of(MailingList)
_subscriber = table_of(Subscriber)
_burst = sa.update(_hit).where(_hit.c.judgement != Judgement.MACHINE).values(judgement=BURST.judgement, rule=BURST.rule)
