"""Who has asked to be on a list and not confirmed it yet, and what did they agree to on the form?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import BigKey, Moment, insert, table_of
from outreach.store.lists import MailingList


class Joining(SQLModel, table=True):
    """One request of one person for one list; a newer one replaces it, a confirmation ends it."""

    __tablename__ = "joining"

    list_id: int = Field(primary_key=True)
    subscriber_id: int = Field(primary_key=True, index=True, sa_type=BigKey)
    #: The wording that they agreed to, and the form that it stood on.
    source_id: int
    #: The wording about clicks that are kept with their name; None where they did not agree to that.
    tracking_source_id: int | None = Field(default=None)
    at: datetime = Field(sa_type=Moment)

    __table_args__ = (sa.Index("ix_joining_at", "at"),)


_joining = table_of(Joining)


def put(
    session: Session, subscriber_id: int, list_id: int, *, source_id: int, tracking_source_id: int | None, now: datetime
) -> None:
    """Write a request down, in place of an earlier one."""
    values = {"source_id": source_id, "tracking_source_id": tracking_source_id, "at": now}
    statement = insert(session, _joining).values(list_id=list_id, subscriber_id=subscriber_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["list_id", "subscriber_id"], set_=values))


def find(session: Session, subscriber_id: int, list_id: int) -> Joining | None:
    """What the person asked for; None where they asked for nothing, or have confirmed it."""
    return session.get(Joining, (list_id, subscriber_id))


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """What a person has asked for and not confirmed: list and moment."""
    group = table_of(MailingList)
    columns = (group.c.name.label("list"), _joining.c.at)
    mine = sa.select(*columns).join(group, group.c.id == _joining.c.list_id)
    return [dict(row) for row in session.execute(mine.where(_joining.c.subscriber_id == subscriber_id)).mappings()]


def end(session: Session, subscriber_id: int, list_id: int) -> None:
    """The request is confirmed."""
    mine = (_joining.c.list_id == list_id, _joining.c.subscriber_id == subscriber_id)
    session.execute(sa.delete(_joining).where(*mine))


def forget(session: Session, subscriber_id: int) -> int:
    """Delete every request of a person who is being erased; how many they were."""
    gone = sa.delete(_joining).where(_joining.c.subscriber_id == subscriber_id).returning(_joining.c.list_id)
    return len(session.execute(gone).all())
