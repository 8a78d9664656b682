"""When may the next message leave? The marks that every sender on every host reads and moves before it claims.

One sender moves them at a time: it holds the pace (`hold`) from the begin of its transaction to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import insert, table_of

#: The mark whose row is locked by who holds the pace.
_HELD = ""


class PaceMark(SQLModel, table=True):
    """How far the sending of one kind has come: everything, one relay, one provider, one sender's domain."""

    __tablename__ = "pace"

    #: `all`, `relay:HOST:PORT`, `to:PROVIDER`, `from:DOMAIN`; a budget adds `/SECONDS` of its window.
    key: str = Field(primary_key=True, max_length=300)
    #: When the next message may leave, in seconds since 1970 by the database's clock.
    next_at: float = Field(default=0.0, sa_type=sa.Double)
    #: Of a budget: when its window began, and how many were given a time in it.
    began: float = Field(default=0.0, sa_type=sa.Double)
    used: int = Field(default=0, sa_type=sa.BigInteger)


def hold(session: Session) -> None:
    """Be the only one who moves marks until this transaction ends; before anything else that it locks.

    SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    mine = sa.select(_pace.c.key).where(_pace.c.key == _HELD).with_for_update()
    if session.execute(mine).first() is None:
        session.execute(insert(session, _pace).values(_mark(_HELD)).on_conflict_do_nothing(index_elements=["key"]))
        session.execute(mine).first()


def clock(session: Session) -> float:
    """Seconds since 1970, the same for every host: the database's own time, or that of the only host there is."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC).timestamp()
    return float(session.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def marks(session: Session, keys: Iterable[str]) -> dict[str, PaceMark]:
    """The marks of these keys; one that is not there yet has never been used."""
    wanted = list(keys)
    found = {key: PaceMark(key=key) for key in wanted}
    rows = session.execute(sa.select(*_pace.c).where(_pace.c.key.in_(wanted)))
    for row in rows:
        found[row.key] = PaceMark(**row._mapping)
    return found


def write(session: Session, moved: Iterable[PaceMark]) -> None:
    """Write marks that were moved."""
    rows = [_mark(mark.key, mark.next_at, mark.began, mark.used) for mark in moved]
    if rows:
        statement = insert(session, _pace)
        fresh = {name: statement.excluded[name] for name in ("next_at", "began", "used")}
        session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=fresh), rows)


def refund(session: Session, unused: Mapping[str, int], at: float) -> None:
    """Give budgets back what was reserved of them and never used, as long as their window lasts."""
    for key, n in sorted(unused.items()):
        seconds = float(key.rpartition("/")[2])
        # A day may have 25 hours.
        lasting = _pace.c.began > at - seconds - 3600
        less = sa.case((_pace.c.used > n, _pace.c.used - n), else_=0)
        session.execute(sa.update(_pace).where(_pace.c.key == key, lasting).values(used=less))


def _mark(key: str, next_at: float = 0.0, began: float = 0.0, used: int = 0) -> dict[str, Any]:
    return {"key": key, "next_at": next_at, "began": began, "used": used}


_pace = table_of(PaceMark)
