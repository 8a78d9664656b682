"""What did each person agree to, when, by which wording, and from which source? Append-only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import BigKey, Choice, Moment, table_of
from outreach.store.lists import MailingList


class Purpose(StrEnum):
    """What the consent is for."""

    MAIL = "mail"
    TRACKING = "tracking"


class Act(StrEnum):
    """What was done."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class ConsentSource(SQLModel, table=True):
    """One wording from one source (a file, a form, a command): many people share it, so it is written once."""

    __tablename__ = "consent_source"

    id: int | None = Field(default=None, primary_key=True)
    #: The words that the person agreed to, as shown to them; empty where a person withdrew.
    wording: str = Field(sa_type=sa.Text)
    #: Where it came from: "import subscribers.csv", "one-click unsubscribe", "command".
    source: str = Field(max_length=500)


class Consent(SQLModel, table=True):
    """One act of one person; never changed, never deleted but by erasure. Without foreign keys, as a subscription."""

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    subscriber_id: int = Field(index=True, sa_type=BigKey)
    list_id: int | None = Field(default=None)
    purpose: Purpose = Field(sa_type=Choice(Purpose))
    act: Act = Field(sa_type=Choice(Act))
    source_id: int
    at: datetime = Field(sa_type=Moment)


_source, _consent, _list = table_of(ConsentSource), table_of(Consent), table_of(MailingList)


def source(session: Session, wording: str, source: str) -> int:
    """The number of a wording from a source; written down the first time."""
    same = sa.and_(_source.c.wording == wording, _source.c.source == source)
    found: int | None = session.execute(sa.select(sa.func.min(_source.c.id)).where(same)).scalar_one()
    if found is not None:
        return found
    statement = sa.insert(_source).values(wording=wording, source=source).returning(_source.c.id)
    added: int = session.execute(statement).scalar_one()
    return added


def append(
    session: Session,
    subscriber_id: int,
    list_id: int | None,
    act: Act,
    *,
    source_id: int,
    now: datetime,
    purpose: Purpose = Purpose.MAIL,
) -> None:
    """Write down one act of one person, for ever."""
    facts = {"list_id": list_id, "purpose": purpose, "act": act, "source_id": source_id, "at": now}
    session.execute(sa.insert(_consent).values(subscriber_id=subscriber_id, **facts))


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """Every act of a person with its wording and source, the oldest first."""
    columns = (_consent.c.list_id, _list.c.name.label("list"), _consent.c.purpose, _consent.c.act, _consent.c.at)
    statement = (
        sa.select(*columns, _source.c.wording, _source.c.source)
        .join(_source, _source.c.id == _consent.c.source_id)
        .outerjoin(_list, _list.c.id == _consent.c.list_id)
        .where(_consent.c.subscriber_id == subscriber_id)
        .order_by(_consent.c.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def forget(session: Session, subscriber_id: int) -> int:
    """Delete every act of a person who is being erased; how many they were."""
    gone = sa.delete(_consent).where(_consent.c.subscriber_id == subscriber_id).returning(_consent.c.id)
    return len(session.execute(gone).all())
