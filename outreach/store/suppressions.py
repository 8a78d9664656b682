"""Which addresses are never mailed, and why?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import Choice, Moment, insert, table_of


class SuppressionReason(StrEnum):
    """Why an address is never mailed."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    ERASED = "erased"


class Suppression(SQLModel, table=True):
    """An address that is never mailed; it outlives the subscriber."""

    __tablename__ = "suppression"

    #: `address.Address.key`, or its keyed hash where the person was erased.
    email_key: str = Field(primary_key=True, max_length=320)
    reason: SuppressionReason = Field(sa_type=Choice(SuppressionReason))
    note: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=Moment)


_suppression = table_of(Suppression)


def find(session: Session, email_key: str) -> Suppression | None:
    """Why this address is never mailed; None where it may be."""
    return session.get(Suppression, email_key)


def add(session: Session, email_key: str, reason: SuppressionReason, *, now: datetime, note: str = "") -> bool:
    """Suppress an address; False where it was suppressed already, whose reason then stands."""
    statement = insert(session, _suppression).values(email_key=email_key, reason=reason, note=note[:500], at=now)
    statement = statement.on_conflict_do_nothing(index_elements=["email_key"]).returning(_suppression.c.email_key)
    return session.execute(statement).first() is not None


def lift(session: Session, email_keys: Iterable[str]) -> int:
    """Let these addresses be mailed again: after the person's own confirmed opt-in, and after nothing else."""
    gone = sa.delete(_suppression).where(_suppression.c.email_key.in_(list(email_keys)))
    return len(session.execute(gone.returning(_suppression.c.email_key)).all())


def erased(session: Session) -> frozenset[str]:
    """The keyed hashes of the addresses of people who were erased (`audience.erasure.pseudonym`)."""
    statement = sa.select(_suppression.c.email_key).where(_suppression.c.reason == SuppressionReason.ERASED)
    return frozenset(session.execute(statement).scalars())
