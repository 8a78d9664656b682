"""What has come back about mail that was sent? Bounces, complaints, and what nobody can make out: each kept once.

A report is written down in the transaction that draws its consequences, and only then is it acknowledged or deleted
where it came from. So one that is seen twice (by two hosts, or again after a crash) is found here and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.errors import NotFound
from outreach.replies.kind import Kind
from outreach.store.campaigns import Campaign
from outreach.store.database import BigKey, Choice, Moment, insert, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.subscribers import Subscriber


class ReportState(StrEnum):
    """What became of a report."""

    #: Its token proved which delivery it is about, and what follows from it was done (which may be nothing).
    HANDLED = "handled"
    #: No token of ours proved anything: nothing follows.
    IGNORED = "ignored"
    #: It waits for a person to look at it.
    UNCLEAR = "unclear"
    #: A person has looked at it.
    LOOKED_AT = "looked-at"


class Report(SQLModel, table=True):
    """One report. Numbers without foreign keys, as those of an event: people are erased, sums stay."""

    __tablename__ = "report"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    #: What makes it the same report, whichever way it comes (`replies.identity`).
    digest: str = Field(max_length=64, unique=True)
    received_at: datetime = Field(sa_type=Moment)
    #: Which way it came: listener, maildir, imap, file, or the provider whose webhook told it.
    source: str = Field(max_length=32)
    kind: Kind = Field(sa_type=Choice(Kind))
    state: ReportState = Field(sa_type=Choice(ReportState))
    #: What was read in it, in a few words, and its enhanced status code.
    reason: str | None = Field(default=None, max_length=200)
    status: str | None = Field(default=None, max_length=16)
    #: What the server said. It may quote the person, so it is kept only where the person is known, or asked for.
    words: str | None = Field(default=None, sa_type=sa.Text)
    #: The server that reports.
    reporter: str | None = Field(default=None, max_length=255)
    #: What it was read by: the standard that it keeps to, or whose habit it shows.
    by: str = Field(default="", max_length=64)
    #: What the token proves; None where there was none, or where the person is gone.
    delivery_id: int | None = Field(default=None, sa_type=BigKey)
    campaign_id: int | None = Field(default=None)
    subscriber_id: int | None = Field(default=None, sa_type=BigKey)
    #: The message as it came, cut to a size: only as long as a person has to look at it.
    raw: bytes | None = Field(default=None, sa_type=sa.LargeBinary)

    __table_args__ = (
        sa.Index("ix_report_received", "received_at"),
        sa.Index(
            "ix_report_unclear",
            "received_at",
            sqlite_where=sa.text("state = 'unclear'"),
            postgresql_where=sa.text("state = 'unclear'"),
        ),
        sa.Index(
            "ix_report_person",
            "subscriber_id",
            "kind",
            sqlite_where=sa.text("subscriber_id IS NOT NULL"),
            postgresql_where=sa.text("subscriber_id IS NOT NULL"),
        ),
        # Who noted the number of a report finds that one, or none.
        {"sqlite_autoincrement": True},
    )


class About(NamedTuple):
    """Whom and what a report is about."""

    delivery_id: int
    campaign_id: int
    subscriber_id: int
    #: In a few words why it came.
    reason: str | None = None


#: What is told of a report, in this order.
FACTS = ("received_at", "source", "kind", "state", "reason", "status", "words", "reporter", "by")

_report, _campaign, _delivery = table_of(Report), table_of(Campaign), table_of(Delivery)
_subscriber = table_of(Subscriber)
#: The condition that a report waits for a person, spelt as its index is.
IS_UNCLEAR = _report.c.state == sa.literal_column("'unclear'", sa.String())


def put(session: Session, report: Report) -> int | None:
    """Write a report down; its number, or None where it was written down before.

    Where another transaction is writing the same one down, it is waited for.
    """
    values = report.model_dump(exclude={"id"})
    statement = insert(session, _report).values(**values).on_conflict_do_nothing(index_elements=["digest"])
    number: int | None = session.execute(statement.returning(_report.c.id)).scalar_one_or_none()
    return number


def is_known(session: Session, digest: str) -> bool:
    """Whether a report was written down before."""
    return session.execute(sa.select(_report.c.id).where(_report.c.digest == digest)).first() is not None


def about(session: Session, delivery_id: int) -> About | None:
    """Whom and what a delivery is; None where there is none, or its person was erased.

    The person is held until the end: nobody erases them while something is written that names them.
    """
    columns = (_delivery.c.id, _delivery.c.campaign_id, _delivery.c.subscriber_id)
    joined = _delivery.join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
    mine = sa.select(*columns).select_from(joined).where(_delivery.c.id == delivery_id)
    row = session.execute(mine.with_for_update(read=True, of=_subscriber)).one_or_none()
    return About(*row) if row else None


def where_delivered_tells(session: Session, delivery_ids: Collection[int]) -> frozenset[int]:
    """Those of these deliveries of which it says something new that they arrived: they are in doubt, or the mailbox
    of their person turned others away."""
    soft = sa.exists().where(_report.c.subscriber_id == _delivery.c.subscriber_id, _report.c.kind == Kind.SOFT)
    telling = sa.or_(_delivery.c.state == DeliveryState.UNKNOWN, soft)
    found = session.execute(sa.select(_delivery.c.id).where(_delivery.c.id.in_(delivery_ids), telling))
    return frozenset(found.scalars())


def by_id(session: Session, number: int) -> Report:
    """The report with that number; raises NotFound."""
    found = session.get(Report, number)
    if found is None:
        raise NotFound("report", str(number), hint="`outreach reports ls` tells their numbers.")
    return found


def campaign_of(session: Session, number: int) -> str | None:
    """The name of the campaign that a report is about."""
    joined = _report.join(_campaign, _campaign.c.id == _report.c.campaign_id)
    name: str | None = session.execute(
        sa.select(_campaign.c.name).select_from(joined).where(_report.c.id == number)
    ).scalar_one_or_none()
    return name


def page(session: Session, *, unclear: bool = False, limit: int) -> list[dict[str, Any]]:
    """The newest reports (that wait for a person), without their raw text: id, campaign and `FACTS`."""
    columns = (_report.c.id, _campaign.c.name.label("campaign"), *(_report.c[name] for name in FACTS))
    joined = _report.outerjoin(_campaign, _campaign.c.id == _report.c.campaign_id)
    statement = sa.select(*columns).select_from(joined)
    if unclear:  # these have an index by their time, and all of them one by their number
        statement = statement.where(IS_UNCLEAR).order_by(_report.c.received_at.desc(), _report.c.id.desc())
    else:
        statement = statement.order_by(_report.c.id.desc())
    return [dict(row) for row in session.execute(statement.limit(limit)).mappings()]


def counts(session: Session) -> dict[str, dict[str, int]]:
    """How many reports there are of each kind and in each state, all of them named; reads the whole table."""
    found: dict[str, dict[str, int]] = {}
    for name, choices in (("kinds", Kind), ("states", ReportState)):
        column = _report.c.kind if choices is Kind else _report.c.state
        rows = session.execute(sa.select(column, sa.func.count()).group_by(column))
        counted = {row[0]: row[1] for row in rows}
        found[name] = {each.value: counted.get(each, 0) for each in choices}
    return found


def unclear(session: Session) -> int:
    """How many reports wait for a person; from an index of these alone."""
    return int(session.execute(sa.select(sa.func.count()).where(IS_UNCLEAR)).scalar_one())


def unproved_since(session: Session, since: datetime) -> int:
    """How many bounces and complaints came since then that no token tied to a delivery."""
    mine = (_report.c.received_at >= since, _report.c.state == ReportState.IGNORED, _report.c.kind.in_(_FAILURES))
    return int(session.execute(sa.select(sa.func.count()).where(*mine)).scalar_one())


def latest(session: Session) -> datetime | None:
    """When the last report came; None where none ever did."""
    found: datetime | None = session.execute(sa.select(sa.func.max(_report.c.received_at, type_=Moment))).scalar_one()
    return found


def looked_at(session: Session, number: int) -> bool:
    """A person has looked at a report: its raw text goes; False where it did not wait for one. Raises NotFound."""
    by_id(session, number)
    mine = sa.and_(_report.c.id == number, _report.c.state == ReportState.UNCLEAR)
    done = sa.update(_report).where(mine).values(state=ReportState.LOOKED_AT, raw=None)
    return session.execute(done.returning(_report.c.id)).first() is not None


def put_aside(session: Session, numbers: Collection[int]) -> int:
    """Nobody has looked at these reports for too long: their raw text and words go, and they wait no more; how many."""
    mine = sa.and_(_report.c.id.in_(numbers), IS_UNCLEAR)
    gone = sa.update(_report).where(mine).values(state=ReportState.IGNORED, raw=None, words=None)
    return len(session.execute(gone.returning(_report.c.id)).all())


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """The reports about a person's mail, the oldest first: campaign, delivery_id, `FACTS` and, while kept, raw."""
    columns = (_campaign.c.name.label("campaign"), _report.c.delivery_id, *(_report.c[name] for name in FACTS))
    joined = _report.outerjoin(_campaign, _campaign.c.id == _report.c.campaign_id)
    statement = sa.select(*columns, _report.c.raw).select_from(joined).where(_report.c.subscriber_id == subscriber_id)
    rows = session.execute(statement.order_by(_report.c.received_at, _report.c.id)).mappings()
    return [{**row, "raw": row["raw"] and row["raw"].decode("utf-8", "replace")} for row in rows]


def complained(session: Session, subscriber_id: int, delivery_id: int, *, before: int) -> bool:
    """Whether there is an earlier report than that number by which the person complained about a delivery."""
    mine = sa.and_(_report.c.subscriber_id == subscriber_id, _report.c.kind == Kind.COMPLAINT, _report.c.id != before)
    return (
        session.execute(sa.select(_report.c.id).where(mine, _report.c.delivery_id == delivery_id)).first() is not None
    )


def forget(session: Session, subscriber_id: int) -> int:
    """Take a person who is being erased out of the reports about them, words and all; how many they were.

    The rows stay: a report that comes a second time is still known.
    """
    state = sa.case((IS_UNCLEAR, ReportState.HANDLED.value), else_=sa.cast(_report.c.state, sa.String()))
    nobody = {"delivery_id": None, "subscriber_id": None, "words": None, "reason": None, "raw": None}
    gone = sa.update(_report).where(_report.c.subscriber_id == subscriber_id).values(**nobody, state=state)
    return len(session.execute(gone.returning(_report.c.id)).all())


_FAILURES = (Kind.HARD, Kind.SOFT, Kind.COMPLAINT)
