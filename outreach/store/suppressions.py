"""Which addresses and domains are never mailed, and why? Above every list, consent and campaign.

A domain bars its subdomains too: who wants no mail at `example.org` wants none at `news.example.org`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlmodel import Field, Session, SQLModel

from outreach.audience import barred
from outreach.audience.barred import DEPTH
from outreach.store.database import Choice, Moment, insert, table_of


class SuppressionReason(StrEnum):
    """Why an address is never mailed."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"  # too many in a row
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


class SuppressedDomain(SQLModel, table=True):
    """A domain at which nobody is mailed, nor at any below it; always by hand."""

    __tablename__ = "suppressed_domain"

    #: Lower case, in A-labels, without the @.
    domain: str = Field(primary_key=True, max_length=253)
    note: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=Moment)


_suppression, _domain = table_of(Suppression), table_of(SuppressedDomain)
_some_domain = sa.exists(sa.select(_domain.c.domain))


def find(session: Session, email_key: str) -> Suppression | None:
    """Why this address is never mailed; None where it may be. For a barred domain, the key is `@` and the domain."""
    found = session.get(Suppression, email_key)
    if found is not None:
        return found
    among = _domain.c.domain.in_(barred.domains(email_key))
    row = session.execute(sa.select(SuppressedDomain).where(among).order_by(_domain.c.domain)).scalars().first()
    if row is None:
        return None
    return Suppression(email_key=f"@{row.domain}", reason=SuppressionReason.MANUAL, note=row.note, at=row.at)


def is_listed(session: Session, email_key: str) -> bool:
    """Whether the address itself is among them, whatever its domain."""
    return session.get(Suppression, email_key) is not None


def add(session: Session, email_key: str, reason: SuppressionReason, *, now: datetime, note: str = "") -> bool:
    """Suppress an address; False where it was suppressed already, whose reason then stands.

    But what a person or a mailbox said outranks what was done by hand: only that can be taken back by hand.
    """
    return bool(add_all(session, [(email_key, reason, note)], now=now))


def add_all(session: Session, rows: Sequence[tuple[str, SuppressionReason, str]], *, now: datetime) -> int:
    """Suppress addresses (key, reason, note), each once; how many of them were not, or by hand only."""
    if not rows:
        return 0
    values = [{"email_key": key, "reason": reason, "note": note[:500], "at": now} for key, reason, note in rows]
    statement = insert(session, _suppression).values(values)
    new = statement.excluded
    by_hand, manual = _suppression.c.reason == SuppressionReason.MANUAL, SuppressionReason.MANUAL.value
    statement = statement.on_conflict_do_update(
        index_elements=["email_key"],
        set_={"reason": new.reason, "note": sa.func.coalesce(sa.func.nullif(new.note, ""), _suppression.c.note),
              "at": new.at},
        where=sa.and_(by_hand, new.reason != manual),
    )  # fmt: skip
    return len(session.execute(statement.returning(_suppression.c.email_key)).all())


def add_domains(session: Session, rows: Sequence[tuple[str, str]], *, now: datetime) -> int:
    """Bar domains (domain, note), each once; how many of them were not."""
    if not rows:
        return 0
    values = [{"domain": domain, "note": note[:500], "at": now} for domain, note in rows]
    statement = insert(session, _domain).values(values).on_conflict_do_nothing(index_elements=["domain"])
    return len(session.execute(statement.returning(_domain.c.domain)).all())


def lift(session: Session, email_keys: Iterable[str]) -> int:
    """Let these addresses be mailed again: after the person's own confirmed opt-in, and after nothing else."""
    gone = sa.delete(_suppression).where(_suppression.c.email_key.in_(list(email_keys)))
    return len(session.execute(gone.returning(_suppression.c.email_key)).all())


def lift_manual(session: Session, key: str) -> bool:
    """Take back what was done by hand, of an address or (`@` and the domain) of a domain; whether there was any."""
    if key.startswith("@"):
        gone = sa.delete(_domain).where(_domain.c.domain == key[1:]).returning(_domain.c.domain)
    else:
        mine = sa.and_(_suppression.c.email_key == key, _suppression.c.reason == SuppressionReason.MANUAL)
        gone = sa.delete(_suppression).where(mine).returning(_suppression.c.email_key)
    return session.execute(gone).first() is not None


def erased(session: Session) -> frozenset[str]:
    """The keyed hashes of the addresses of people who were erased (`audience.erasure.pseudonym`)."""
    statement = sa.select(_suppression.c.email_key).where(_suppression.c.reason == SuppressionReason.ERASED)
    return frozenset(session.execute(statement).scalars())


def counts(session: Session) -> dict[str, int]:
    """How many entries there are of each reason, every reason named, and of domains."""
    statement = sa.select(_suppression.c.reason, sa.func.count()).group_by(_suppression.c.reason)
    found = {row[0]: row[1] for row in session.execute(statement)}
    domains = session.execute(sa.select(sa.func.count()).select_from(_domain)).scalar_one()
    return {**{each.value: found.get(each, 0) for each in SuppressionReason}, "domain": int(domains)}


def page(
    session: Session, *, after: str = "", reason: SuppressionReason | None = None, limit: int
) -> list[dict[str, Any]]:
    """Entries (entry, reason, note, at) behind a key, by key: domains first, which begin with `@`, then addresses."""
    found: list[dict[str, Any]] = []
    if not after or after.startswith("@"):
        if reason in {None, SuppressionReason.MANUAL}:
            rows = sa.select(SuppressedDomain).where(_domain.c.domain > after[1:]).order_by(_domain.c.domain)
            found = [
                {"entry": f"@{row.domain}", "reason": SuppressionReason.MANUAL.value, "note": row.note, "at": row.at}
                for row in session.execute(rows.limit(limit)).scalars()
            ]
        after = ""
    behind = sa.select(Suppression).where(_suppression.c.email_key > after).order_by(_suppression.c.email_key)
    if reason is not None:
        behind = behind.where(_suppression.c.reason == reason)
    for row in session.execute(behind.limit(limit - len(found))).scalars():
        found.append({"entry": row.email_key, "reason": row.reason.value, "note": row.note, "at": row.at})
    return found


def some_domain(session: Session) -> bool:
    """Whether any domain is barred: where none is, nobody need look at domains."""
    return bool(session.execute(sa.select(_some_domain)).scalar())


def barred_domain(email_key: sa.ColumnElement[str]) -> sa.ColumnElement[str | None]:
    """The barred domain that an address is at; for queries over few people, which look it up for each."""
    mine = sa.select(_domain.c.domain).where(_domain.c.domain.in_(_levels(email_key))).limit(1).scalar_subquery()
    # Asked once a statement: where no domain is barred, a row costs nothing.
    return sa.case((_some_domain, mine))


def at_barred_domain(email_key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether an address is at a barred domain; for queries over everybody, which have few domains among them."""
    used = sa.select(_levels(email_key)[0].label("domain")).distinct().subquery("used")
    hit = sa.select(used.c.domain).where(sa.exists().where(_domain.c.domain.in_(_levels(used.c.domain))))
    return _levels(email_key)[0].in_(hit)


def _levels(column: sa.ColumnElement[str]) -> list[sa.ColumnElement[str]]:
    """The domain of an address (or of a domain) and the ones above it, as `audience.barred.domains` has them."""
    levels: list[sa.ColumnElement[str]] = [_behind(column, "@")]
    while len(levels) < DEPTH:
        levels.append(_behind(levels[-1], "."))
    return levels


def _behind(text: sa.ColumnElement[str], mark: str) -> sa.ColumnElement[str]:
    """What stands behind the first mark; the whole where there is none."""
    return sa.func.substr(text, _Place(text, sa.literal_column(f"'{mark}'")) + 1, type_=sa.Text)


class _Place(sa.sql.functions.FunctionElement[int]):
    """Where a text stands in another one, counted from 1; 0 where it does not."""

    type = sa.Integer()
    inherit_cache = True
    name = "place"


@compiles(_Place, "sqlite")
def _on_sqlite(element: _Place, compiler: Any, **how: Any) -> str:
    return f"instr({compiler.process(element.clauses, **how)})"


@compiles(_Place, "postgresql")
def _on_postgresql(element: _Place, compiler: Any, **how: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **how)})"
