"""Which providers asked us to slow down, and what pace are they held to? One row a provider, shared by all senders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.store.database import insert, table_of
from outreach.timing import slowdown
from outreach.timing.slowdown import Seen, Slowdown


class ProviderPace(SQLModel, table=True):
    """A provider whose answers are watched because it put messages off."""

    __tablename__ = "slowdown"

    provider: str = Field(primary_key=True, max_length=255)
    #: Messages a second that it is held to; None while it is only watched.
    rate: float | None = Field(default=None, sa_type=sa.Double)
    #: The pace at which it began to put off.
    before: float | None = Field(default=None, sa_type=sa.Double)
    #: Its answers in the stretch that is looked at now, and when that began (seconds since 1970, database's clock).
    accepted: int = Field(default=0)
    put_off: int = Field(default=0)
    began: float = Field(default=0.0, sa_type=sa.Double)


class Change(NamedTuple):
    """A provider whose pace was changed."""

    provider: str
    #: Messages a second; None: it is at its own pace again.
    rate: float | None
    before: float | None


def rates(session: Session) -> dict[str, float]:
    """The providers that are held to a pace, in messages a second."""
    statement = sa.select(_table.c.provider, _table.c.rate).where(_table.c.rate.is_not(None))
    return {row.provider: row.rate for row in session.execute(statement)}


def watched(session: Session) -> set[str]:
    """The providers whose answers count."""
    return set(session.execute(sa.select(_table.c.provider)).scalars())


def note(session: Session, answers: Mapping[str, tuple[int, int]], at: float) -> list[Change]:
    """Add answers (provider -> accepted, put off) and judge what is enough to judge by; what changed.

    Belongs into a transaction that holds the pace. A provider that is watched and behaves is forgotten.
    """
    wanted = sa.select(*_table.c).where(_table.c.provider.in_(list(answers)))
    known = {row.provider: row for row in session.execute(wanted)}
    changes = []
    for provider, (accepted, put_off) in sorted(answers.items()):
        row = known.get(provider)
        if row is None:
            if put_off:
                session.execute(_added(session, provider, accepted, put_off, at))
            continue
        held = Slowdown(row.rate, row.before)
        seen = Seen(row.accepted + accepted, row.put_off + put_off, at - row.began)
        if not slowdown.is_enough(seen):
            _write(session, provider, held, seen, row.began)
            continue
        after = slowdown.judged(held, seen)
        if after.rate is None and not seen.put_off:
            session.execute(sa.delete(_table).where(_table.c.provider == provider))
        else:
            _write(session, provider, after, Seen(), at)
        if after.rate != held.rate:
            changes.append(Change(provider, after.rate, held.rate))
    return changes


def forget(session: Session, at: float) -> list[Change]:
    """Let go of providers that nothing was heard of for long; those that were held to a pace."""
    quiet = at - slowdown.QUIET
    gone = session.execute(sa.delete(_table).where(_table.c.began < quiet).returning(_table.c.provider, _table.c.rate))
    return [Change(row.provider, None, row.rate) for row in gone if row.rate is not None]


def _added(session: Session, provider: str, accepted: int, put_off: int, at: float) -> sa.Insert:
    values = {"provider": provider, "accepted": accepted, "put_off": put_off, "began": at}
    added: sa.Insert = insert(session, _table).values(**values).on_conflict_do_nothing(index_elements=["provider"])
    return added


def _write(session: Session, provider: str, held: Slowdown, seen: Seen, began: float) -> None:
    values = {"rate": held.rate, "before": held.before, "accepted": seen.accepted, "put_off": seen.put_off}
    session.execute(sa.update(_table).where(_table.c.provider == provider).values(**values, began=began))


_table = table_of(ProviderPace)
