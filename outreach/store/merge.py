"""By which statements do staged rows come into the tables? Built once for each kind of database, bound for each slice.

They take these values: `first` and `end` (the positions of the slice, that of the end left out), `the_list`,
`the_state` (of who is new on it), `the_source` (of their consent), `now`, `newest` (the highest number of a person
before the slice). Every one is safe to repeat: who was brought in before is found to be known, and unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite

from outreach.audience.consent import SubscriptionState
from outreach.store.consents import Act, Consent, Purpose
from outreach.store.database import Backend, BigKey, Choice, Document, Moment, table_of
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription

#: What a row says of a person, in this order.
FIELDS = ("email_key", "email", "name", "language", "timezone", "attributes")

#: Those among them that are plain text and may be empty.
TEXTS = ("name", "language", "timezone")

#: The temporary tables, of one connection.
TEMPORARY = sa.MetaData()

#: The rows of a file, checked, each address once.
STAGED = sa.Table(
    "staged",
    TEMPORARY,
    sa.Column("pos", BigKey, primary_key=True),
    *(sa.Column(name, sa.Text) for name in FIELDS[:-1]),
    sa.Column("attributes", Document),
    prefixes=["TEMPORARY"],
)

#: Who of a slice is here already, how they stand to the list, and whether the file says something new of them.
KNOWN = sa.Table(
    "known",
    TEMPORARY,
    sa.Column("pos", BigKey, primary_key=True, autoincrement=False),
    sa.Column("subscriber_id", BigKey),
    sa.Column("state", Choice(SubscriptionState)),
    sa.Column("differs", sa.Boolean),
    prefixes=["TEMPORARY"],
)

_person, _tie, _consent = table_of(Subscriber), table_of(Subscription), table_of(Consent)
_first, _end = sa.bindparam("first", type_=sa.Integer), sa.bindparam("end", type_=sa.Integer)
_list_id = sa.bindparam("the_list", type_=sa.Integer)
_now = sa.bindparam("now", type_=Moment())

#: For the WHERE of a statement over `STAGED`.
IN_SLICE = sa.and_(STAGED.c.pos >= _first, STAGED.c.pos < _end)


@dataclass(frozen=True)
class Statements:
    """What is executed for a slice."""

    #: The first and the last address of the slice; whether anybody stands between `low` and `high`.
    span: sa.Select[Any]
    anybody: sa.Select[Any]
    #: Fill `KNOWN` anew; count it by state and difference.
    forget: sa.Executable
    look_up: sa.Insert
    kinds: sa.Select[Any]
    #: New people: all of the slice, or those who are not in `KNOWN`; then their ties and consents.
    newest: sa.Select[Any]
    bring_all: sa.Insert
    bring_rest: sa.Insert
    tie_new: sa.Insert
    consent_new: sa.Insert
    #: People who were known: on other lists only; with something new; waiting for the consent that comes now.
    tie_known: sa.Insert
    consent_known: sa.Insert
    update: sa.Update
    confirm: sa.Update
    consent_waiting: sa.Insert


@cache
def statements(backend: Backend) -> Statements:
    """The statements for a kind of database."""
    sqlite = backend == "sqlite"
    new = sa.select(_person.c.id).where(_person.c.id > sa.bindparam("newest", type_=BigKey))
    elsewhere = sa.select(KNOWN.c.subscriber_id).where(KNOWN.c.state.is_(None))
    waiting = sa.select(KNOWN.c.subscriber_id).where(KNOWN.c.state == SubscriptionState.UNCONFIRMED)
    unknown = ~sa.exists().where(KNOWN.c.pos == STAGED.c.pos)
    low, high = sa.bindparam("low", type_=sa.Text), sa.bindparam("high", type_=sa.Text)
    return Statements(
        span=sa.select(sa.func.min(STAGED.c.email_key), sa.func.max(STAGED.c.email_key)).where(IN_SLICE),
        anybody=sa.select(_person.c.id).where(_person.c.email_key.between(low, high)).limit(1),
        forget=sa.delete(KNOWN) if sqlite else sa.text("TRUNCATE known"),
        look_up=_look_up(sqlite=sqlite),
        kinds=sa.select(KNOWN.c.state, KNOWN.c.differs, sa.func.count()).group_by(KNOWN.c.state, KNOWN.c.differs),
        newest=sa.select(sa.func.coalesce(sa.func.max(_person.c.id), 0)),
        bring_all=_bring(IN_SLICE),
        bring_rest=_bring(sa.and_(IN_SLICE, unknown)),
        tie_new=_ties(new, _person.c.id, sa.insert(_tie)),
        consent_new=_consents(new, _person.c.id, sqlite=sqlite),
        tie_known=_ties(elsewhere, KNOWN.c.subscriber_id, _unless_tied(sqlite=sqlite)),
        consent_known=_consents(elsewhere, KNOWN.c.subscriber_id, sqlite=sqlite),
        update=_update(sqlite=sqlite),
        confirm=_confirm(waiting),
        consent_waiting=_consents(waiting, KNOWN.c.subscriber_id, sqlite=sqlite),
    )


@cache
def wanted(statement: sa.Executable) -> frozenset[str]:
    """The values that a statement takes: it refuses any other."""
    parts = sa.sql.visitors.iterate(statement)  # type: ignore[arg-type]
    return frozenset(part.key for part in parts if isinstance(part, sa.BindParameter) and part.required)


def _look_up(*, sqlite: bool) -> sa.Insert:
    said = (sa.and_(STAGED.c[name] != "", STAGED.c[name] != _person.c[name]) for name in TEXTS)
    differs = sa.or_(*said, _attributes_differ(sqlite=sqlite))
    here = (
        sa.select(STAGED.c.pos, _person.c.id, _tie.c.state, differs)
        .select_from(STAGED)
        .join(_person, _person.c.email_key == STAGED.c.email_key)
        .outerjoin(_tie, sa.and_(_tie.c.subscriber_id == _person.c.id, _tie.c.list_id == _list_id))
        .where(IN_SLICE)
    )
    return sa.insert(KNOWN).inline().from_select(["pos", "subscriber_id", "state", "differs"], here)


def _bring(which: sa.ColumnElement[bool]) -> sa.Insert:
    rows = sa.select(*(STAGED.c[name] for name in FIELDS), sa.false(), _now, _now).where(which)
    into = [*FIELDS, "tracking_consent", "created_at", "updated_at"]
    return sa.insert(_person).inline().from_select(into, rows)


def _ties(people: sa.Select[Any], number: sa.Column[Any], insert: sa.Insert) -> sa.Insert:
    state = sa.bindparam("the_state", type_=Choice(SubscriptionState))
    rows = people.with_only_columns(_list_id, number, state, _now, _now)
    into = ["list_id", "subscriber_id", "state", "created_at", "changed_at"]
    return insert.inline().from_select(into, rows)


def _unless_tied(*, sqlite: bool) -> sa.Insert:
    """For people who are known: one of them may come onto the list by another door just now, and stays as they are."""
    if sqlite:
        return sa.dialects.sqlite.insert(_tie).on_conflict_do_nothing()
    return sa.dialects.postgresql.insert(_tie).on_conflict_do_nothing()


def _consents(people: sa.Select[Any], number: sa.Column[Any], *, sqlite: bool) -> sa.Insert:
    facts = (sa.literal(Purpose.MAIL.value), sa.literal(Act.GIVEN.value), sa.bindparam("the_source", type_=sa.Integer))
    # PostgreSQL has no random bytes of its own; 122 of these 128 bits are random.
    salt = sa.text("randomblob(16)" if sqlite else "uuid_send(gen_random_uuid())")
    rows = people.with_only_columns(number, _list_id, *facts, _now, sa.literal(""), salt)
    into = ["subscriber_id", "list_id", "purpose", "act", "source_id", "at", "confirmation", "salt"]
    return sa.insert(_consent).inline().from_select(into, rows)


def _update(*, sqlite: bool) -> sa.Update:
    """An empty cell of the file erases nothing."""
    filled = {name: sa.case((STAGED.c[name] != "", STAGED.c[name]), else_=_person.c[name]) for name in TEXTS}
    changed = sa.update(_person).values(**filled, attributes=_merged(sqlite=sqlite), updated_at=_now)
    return changed.where(KNOWN.c.subscriber_id == _person.c.id, KNOWN.c.pos == STAGED.c.pos, KNOWN.c.differs)


def _confirm(waiting: sa.Select[Any]) -> sa.Update:
    """Who waits is confirmed by the consent that comes now; who left in the meantime is not."""
    mine = sa.and_(_tie.c.list_id == _list_id, _tie.c.subscriber_id.in_(waiting))
    confirm = sa.update(_tie).where(mine, _tie.c.state == SubscriptionState.UNCONFIRMED)
    return confirm.values(state=SubscriptionState.CONFIRMED, changed_at=_now)


def _merged(*, sqlite: bool) -> sa.ColumnElement[Any]:
    """The attributes of the file over those that are kept."""
    if sqlite:
        return sa.func.json_patch(_person.c.attributes, STAGED.c.attributes, type_=sa.Text)
    return _person.c.attributes.op("||")(STAGED.c.attributes)


def _attributes_differ(*, sqlite: bool) -> sa.ColumnElement[bool]:
    kept, given = _person.c.attributes, STAGED.c.attributes
    if not sqlite:
        return _merged(sqlite=False).op("<>", is_comparison=True)(kept)
    unlike = sa.type_coerce(given, sa.Text) != sa.type_coerce(kept, sa.Text)
    return sa.and_(unlike, _merged(sqlite=True) != sa.func.json(kept, type_=sa.Text))
