"""Which mailing lists are there, and what is agreed for each?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.errors import NameTaken, NotFound
from outreach.store.database import Choice, Moment, insert, table_of


class Tracking(StrEnum):
    """How the links of a list's mail are counted."""

    INDIVIDUAL = "individual"  # per person where that person consented to it, else as aggregate
    AGGREGATE = "aggregate"  # links count, no person stands in the row
    OFF = "off"  # plain links, nothing is counted


class MailingList(SQLModel, table=True):
    """A group of subscribers that campaigns are sent to."""

    __tablename__ = "mailing_list"

    id: int | None = Field(default=None, primary_key=True)
    #: The name in commands and in List-ID: lower case letters, digits, hyphens.
    name: str = Field(max_length=64, unique=True)
    #: What readers see ("You receive this because you are on the list ...").
    title: str = Field(max_length=200)
    tracking: Tracking = Field(default=Tracking.INDIVIDUAL, sa_type=Choice(Tracking))
    created_at: datetime = Field(sa_type=Moment)
    #: Whether anybody may know of the list, join it by themselves, and read those of its campaigns that are public.
    public: bool = Field(default=False)
    #: Digest of the file of an import that has begun and not ended; launches of this list wait until it has.
    importing: str | None = Field(default=None, max_length=64)
    importing_since: datetime | None = Field(default=None, sa_type=Moment)

    @property
    def number(self) -> int:
        """The id of a list that is stored."""
        assert self.id is not None, "the list is not stored yet"
        return self.id


_list = table_of(MailingList)


def by_name(session: Session, name: str) -> MailingList:
    """The list of that name; raises NotFound, which suggests the nearest."""
    found = find(session, name)
    if found is None:
        known = names(session)
        hint = (
            None if known else "There is no list yet; `outreach list create` or `outreach subscriber import` makes one."
        )
        raise NotFound("list", name, known, hint=hint)
    return found


def find(session: Session, name: str) -> MailingList | None:
    """The list of that name, or None."""
    found: MailingList | None = session.execute(sa.select(MailingList).where(_list.c.name == name)).scalar_one_or_none()
    return found


def by_id(session: Session, list_id: int) -> MailingList:
    """The list with that number; raises NotFound."""
    found = session.get(MailingList, list_id)
    if found is None:
        raise NotFound("list", str(list_id))
    return found


def locked(session: Session, list_id: int) -> MailingList:
    """The list as it is now, held against other writers until the transaction ends; raises NotFound."""
    found = session.get(MailingList, list_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("list", str(list_id))
    return found


def hold(session: Session, list_ids: Iterable[int]) -> None:
    """Keep launches of these lists waiting until the transaction ends, and wait for those that are under way.

    Who takes a person off a list does so before anything else: else a launch that began earlier would not know that
    they left, and they who leave would not find the deliveries that it makes.
    """
    mine = sa.select(_list.c.id).where(_list.c.id.in_(sorted(list_ids))).order_by(_list.c.id)
    session.execute(mine.with_for_update(read=True)).all()


def names(session: Session) -> list[str]:
    """Every list's name, in order."""
    return list(session.execute(sa.select(_list.c.name).order_by(_list.c.name)).scalars())


def all(session: Session) -> list[MailingList]:
    """Every list, by name."""
    return list(session.execute(sa.select(MailingList).order_by(_list.c.name)).scalars())


def add(session: Session, mailing_list: MailingList) -> MailingList:
    """Write a new list; returns it with its number. Raises NameTaken."""
    values = mailing_list.model_dump(exclude={"id"})
    statement = insert(session, _list).values(**values).on_conflict_do_nothing(index_elements=["name"])
    number = session.execute(statement.returning(_list.c.id)).scalar_one_or_none()
    if number is None:
        raise NameTaken("list", mailing_list.name)
    return by_id(session, number)


def change(session: Session, list_id: int, **changes: Any) -> None:
    """Change what a list is called by readers, or whether it is public."""
    session.execute(sa.update(_list).where(_list.c.id == list_id).values(**changes))
    session.expire_all()


def begin_import(session: Session, list_id: int, digest: str, now: datetime) -> None:
    """Mark an import as begun: launches of the list wait until `end_import`."""
    session.execute(sa.update(_list).where(_list.c.id == list_id).values(importing=digest, importing_since=now))


def end_import(session: Session, list_id: int) -> None:
    """Take the mark of an import away: everything of its file is in the list."""
    session.execute(sa.update(_list).where(_list.c.id == list_id).values(importing=None, importing_since=None))
