"""Has somebody asked too often? Counts in a window of time, shared by all processes; keys are never addresses."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import Moment, insert, table_of


class Throttle(SQLModel, table=True):
    """How often something was asked for by one key since the window began."""

    __tablename__ = "throttle"

    #: What is counted and a keyed hash of who asked: ``join client 5f2a...``.
    key: str = Field(primary_key=True, max_length=64)
    begun_at: datetime = Field(sa_type=Moment)
    n: int

    __table_args__ = (sa.Index("ix_throttle_begun", "begun_at"),)


_throttle = table_of(Throttle)


def count(session: Session, key: str, *, window: timedelta, now: datetime) -> int:
    """Count one more request: 1 for the first in its window, which begins with it, and so on."""
    over = _throttle.c.begun_at <= now - window
    statement = insert(session, _throttle).values(key=key, begun_at=now, n=1)
    counted = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "begun_at": sa.case((over, now), else_=_throttle.c.begun_at),
            "n": sa.case((over, 1), else_=_throttle.c.n + 1),
        },
    )
    n: int = session.execute(counted.returning(_throttle.c.n)).scalar_one()
    return n


def forget(session: Session, before: datetime) -> int:
    """Delete windows that began before then; how many."""
    gone = sa.delete(_throttle).where(_throttle.c.begun_at < before).returning(_throttle.c.key)
    return len(session.execute(gone).all())
