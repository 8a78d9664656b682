"""Since when does a sender's domain send from here? Its warm-up counts from that day."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import Moment, insert, table_of


class SenderIdentity(SQLModel, table=True):
    """A domain that mail was from."""

    __tablename__ = "identity"

    domain: str = Field(primary_key=True, max_length=255)
    #: When its first campaign was launched.
    first_at: datetime = Field(sa_type=Moment)


def meet(session: Session, domain: str, now: datetime) -> None:
    """Remember that mail is from this domain; the first time counts."""
    statement = insert(session, _identity).values(domain=domain, first_at=now)
    session.execute(statement.on_conflict_do_nothing(index_elements=["domain"]))


def first_times(session: Session) -> dict[str, datetime]:
    """Every domain, with when it first sent: a handful."""
    return {row.domain: row.first_at for row in session.execute(sa.select(_identity.c.domain, _identity.c.first_at))}


_identity = table_of(SenderIdentity)
