"""Which entries of the consent ledger were written together, and what comes before them? One link a transaction.

A link is put on at the very end of its transaction. On PostgreSQL those who do that at once wait for each other, for as
long as a commit takes and no longer: whatever else their transactions did was done before. So the chain never forks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.audience import ledger
from outreach.audience.ledger import Link
from outreach.store.database import BigKey, Moment, table_of

#: The number of PostgreSQL's advisory lock.
_LOCK = 0x636F_6E73_656E_7473


class ConsentLink(SQLModel, table=True):
    """One link; never changed, never deleted."""

    __tablename__ = "consent_link"

    #: Counted from 1, without a gap.
    position: int = Field(primary_key=True, sa_type=BigKey)
    at: datetime = Field(sa_type=Moment)
    #: The entries that are new, and those of persons who were erased: runs of their numbers ("3-9,12").
    entries: str = Field(sa_type=sa.Text)
    erased: str = Field(default="", sa_type=sa.Text)
    #: 32 bytes for each new entry, in the order of their numbers.
    commitments: bytes = Field(default=b"", sa_type=sa.LargeBinary)
    digest: bytes = Field(sa_type=sa.LargeBinary)


_link = table_of(ConsentLink)


def head(session: Session) -> tuple[int, bytes]:
    """Position and digest of the newest link; 0 where there is none yet."""
    newest = sa.select(_link.c.position, _link.c.digest).order_by(_link.c.position.desc()).limit(1)
    row = session.execute(newest).one_or_none()
    return (row.position, row.digest) if row else (0, ledger.GENESIS)


def add(session: Session, *, entries: Iterable[int], erased: Iterable[int], commitments: bytes, now: datetime) -> None:
    """Put a link on, as the last thing of a transaction."""
    written, gone = ledger.runs(entries), ledger.runs(sorted(erased))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    position, previous = head(session)
    link = Link(position + 1, written, gone, commitments)
    digest = ledger.digest(previous, link)
    session.execute(sa.insert(_link).values(**link._asdict(), digest=digest, at=now))


def after(session: Session, position: int, limit: int) -> Sequence[sa.Row[Any]]:
    """The links that follow (position, entries, erased, commitments, digest), in their order."""
    columns = (_link.c.position, _link.c.entries, _link.c.erased, _link.c.commitments, _link.c.digest)
    following = sa.select(*columns).where(_link.c.position > position).order_by(_link.c.position).limit(limit)
    return session.execute(following).all()
