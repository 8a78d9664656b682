"""What does this database know about itself? A handful of named facts, the fingerprint of the secret key among them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import insert, table_of

#: The fact that tells one installation from another; stated by `outreach init`, kept for ever.
ID = "installation_id"
#: The fact that only grows while senders work: a database whose height is less than a host remembers is an older copy.
HEIGHT = "height"


class InstallationFact(SQLModel, table=True):
    """One named fact about this installation."""

    __tablename__ = "installation"

    key: str = Field(primary_key=True, max_length=64)
    value: str = Field(sa_type=sa.Text)


def fact(session: Session, key: str) -> str | None:
    """The value of a fact, or None where it was never stated."""
    row = session.get(InstallationFact, key)
    return row.value if row else None


def state(session: Session, key: str, value: str) -> None:
    """State a fact, in place of what was stated before."""
    statement = insert(session, table_of(InstallationFact)).values(key=key, value=value)
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def state_once(session: Session, key: str, value: str) -> str:
    """State a fact unless it is stated already; the value that holds now."""
    statement = insert(session, table_of(InstallationFact)).values(key=key, value=value)
    session.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
    return session.get_one(InstallationFact, key).value


def height(session: Session) -> int:
    """How high the installation stands; 0 where no sender has worked yet."""
    return int(fact(session, HEIGHT) or 0)


def rise(session: Session, by: int = 1) -> int:
    """Raise the height; what it is now."""
    state_once(session, HEIGHT, "0")
    table = table_of(InstallationFact)
    higher = sa.cast(sa.cast(table.c.value, sa.BigInteger) + by, sa.Text)
    statement = sa.update(table).where(table.c.key == HEIGHT).values(value=higher).returning(table.c.value)
    return int(session.execute(statement).scalar_one())
