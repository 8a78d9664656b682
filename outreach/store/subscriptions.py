"""Who is on which list, and in which state?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.audience.consent import MOVES, Mover, SubscriptionState
from outreach.audience.rhythm import Rhythm
from outreach.store.database import BigKey, Choice, Moment, insert, table_of
from outreach.store.lists import MailingList


class Subscription(SQLModel, table=True):
    """The tie between one subscriber and one mailing list.

    Without foreign keys: PostgreSQL would look up and lock a row for each of them, which takes longer than everything
    else of an import. Who writes a number here has read it in the same transaction; `actions.erase` clears up.
    """

    __tablename__ = "subscription"

    list_id: int = Field(primary_key=True)
    subscriber_id: int = Field(primary_key=True, index=True, sa_type=BigKey)
    state: SubscriptionState = Field(sa_type=Choice(SubscriptionState))
    created_at: datetime = Field(sa_type=Moment)
    changed_at: datetime = Field(sa_type=Moment)
    #: The person wants nothing of this list before that moment ...
    paused_until: datetime | None = Field(default=None, sa_type=Moment)
    #: ... and not more than one message in that time.
    at_most: Rhythm | None = Field(default=None, sa_type=Choice(Rhythm))

    __table_args__ = (
        # The few who want less: a launch looks only at these when it asks who had a message lately.
        sa.Index(
            "ix_subscription_capped",
            "list_id",
            "at_most",
            sqlite_where=sa.text("at_most IS NOT NULL"),
            postgresql_where=sa.text("at_most IS NOT NULL"),
        ),
        # One tree instead of two on SQLite: the key is the row.
        {"sqlite_with_rowid": False},
    )


_tie, _list = table_of(Subscription), table_of(MailingList)


def state(session: Session, subscriber_id: int, list_id: int) -> SubscriptionState | None:
    """How a person stands to a list; None where they were never on it."""
    mine = sa.and_(_tie.c.list_id == list_id, _tie.c.subscriber_id == subscriber_id)
    found: SubscriptionState | None = session.execute(sa.select(_tie.c.state).where(mine)).scalar_one_or_none()
    return found


def counts(session: Session, list_id: int) -> dict[SubscriptionState, int]:
    """How many people of a list are in each state, every state named; reads the list from end to end."""
    statement = sa.select(_tie.c.state, sa.func.count()).where(_tie.c.list_id == list_id).group_by(_tie.c.state)
    found = {row[0]: row[1] for row in session.execute(statement)}
    return {each: found.get(each, 0) for each in SubscriptionState}


def lists_of(session: Session, subscriber_id: int) -> list[int]:
    """The lists that a person has a tie to, in whatever state."""
    mine = sa.select(_tie.c.list_id).where(_tie.c.subscriber_id == subscriber_id).order_by(_tie.c.list_id)
    return list(session.execute(mine).scalars())


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """A person's ties by the name of the list: list_id, list, title, state, created_at, changed_at,
    paused_until, at_most."""
    columns = (
        _tie.c.list_id,
        _list.c.name.label("list"),
        _list.c.title,
        _tie.c.state,
        _tie.c.created_at,
        _tie.c.changed_at,
        _tie.c.paused_until,
        _tie.c.at_most,
    )
    statement = sa.select(*columns).join(_list, _list.c.id == _tie.c.list_id)
    rows = session.execute(statement.where(_tie.c.subscriber_id == subscriber_id).order_by(_list.c.name))
    return [dict(row) for row in rows.mappings()]


def add(session: Session, subscriber_id: int, list_id: int, state: SubscriptionState, *, now: datetime) -> bool:
    """Tie a person to a list; False where they are tied to it already, in whatever state."""
    values = {"list_id": list_id, "subscriber_id": subscriber_id, "state": state, "created_at": now, "changed_at": now}
    statement = insert(session, _tie).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["list_id", "subscriber_id"])
    return session.execute(statement.returning(_tie.c.list_id)).first() is not None


def move(
    session: Session, subscriber_id: int, list_id: int, to: SubscriptionState, mover: Mover, *, now: datetime
) -> bool:
    """Compare-and-swap: bring a tie to a state from any state from which `mover` may; whether it moved.

    A tie that is in that state already does not move. Who leaves wants nothing else any more: whoever comes back begins
    without pause and limit.
    """
    froms = [begin for (begin, end), movers in MOVES.items() if end == to and mover in movers]
    statement = sa.update(_tie).where(
        _tie.c.list_id == list_id, _tie.c.subscriber_id == subscriber_id, _tie.c.state.in_(froms)
    )
    values: dict[str, Any] = {"state": to, "changed_at": now}
    if to is SubscriptionState.UNSUBSCRIBED:
        values |= {"paused_until": None, "at_most": None}
    return session.execute(statement.values(**values).returning(_tie.c.list_id)).first() is not None


def choose(session: Session, subscriber_id: int, list_id: int, **choice: Any) -> bool:
    """Note what a person chose (`paused_until`, `at_most`); False where they are not on the list, or had chosen so."""
    mine = (_tie.c.list_id == list_id, _tie.c.subscriber_id == subscriber_id)
    other = sa.or_(*(_tie.c[name].is_distinct_from(value) for name, value in choice.items()))
    here = _tie.c.state != SubscriptionState.UNSUBSCRIBED
    statement = sa.update(_tie).where(*mine, here, other).values(**choice)
    return session.execute(statement.returning(_tie.c.list_id)).first() is not None


def forget(session: Session, subscriber_id: int) -> int:
    """Delete every tie of a person who is being erased; how many they were."""
    gone = sa.delete(_tie).where(_tie.c.subscriber_id == subscriber_id).returning(_tie.c.list_id)
    return len(session.execute(gone).all())


def forget_unconfirmed(session: Session, subscriber_id: int, list_id: int) -> bool:
    """Delete a tie that was never confirmed; False where it is another one by now."""
    mine = sa.and_(_tie.c.list_id == list_id, _tie.c.subscriber_id == subscriber_id)
    gone = sa.delete(_tie).where(mine, _tie.c.state == SubscriptionState.UNCONFIRMED).returning(_tie.c.list_id)
    return session.execute(gone).first() is not None
