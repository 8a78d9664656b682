"""Who of a file's people is new here, who is known, and what changes? Taken over slice by slice, INSERT ... SELECT.

The rows and what is found out about them stand in temporary tables of one connection (`staging` fills them). Every
statement is safe to repeat: a slice that was taken over before is found to be known, and unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store.consents import Act, Consent, Purpose
from outreach.store.database import BigKey, Choice, Document, Moment, insert, table_of
from outreach.store.subscribers import Subscriber
from outreach.store.subscriptions import Subscription

#: What a row says of a person, in this order.
FIELDS = ("email_key", "email", "name", "language", "timezone", "attributes")

#: The temporary tables.
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

_known = sa.Table(
    "known",
    TEMPORARY,
    sa.Column("pos", BigKey, primary_key=True, autoincrement=False),
    sa.Column("subscriber_id", BigKey),
    sa.Column("state", Choice(SubscriptionState)),
    sa.Column("differs", sa.Boolean),
    prefixes=["TEMPORARY"],
)
_person, _tie, _consent = table_of(Subscriber), table_of(Subscription), table_of(Consent)


@dataclass(frozen=True)
class Terms:
    """On what terms people come onto the list."""

    list_id: int
    #: The wording and source of their consent (`consents.source`); None: they stay unconfirmed.
    source_id: int | None
    now: datetime

    @property
    def state(self) -> SubscriptionState:
        """The state of who is new on the list."""
        return SubscriptionState.UNCONFIRMED if self.source_id is None else SubscriptionState.CONFIRMED


@dataclass(frozen=True)
class Slice:
    """The staged rows from a position to another one, that one left out."""

    first: int
    end: int

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return self.end - self.first

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """For the WHERE of a statement over `STAGED`."""
        return sa.and_(STAGED.c.pos >= self.first, STAGED.c.pos < self.end)


@dataclass(frozen=True)
class Tally:
    """What a slice came to, in people."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    #: Among them: who left the list before, and stays so; who is on it unconfirmed, and stays so.
    left: int = 0
    waiting: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.left + other.left,
            self.waiting + other.waiting,
        )


def judge(session: Session, part: Slice, list_id: int | None, *, confirms: bool) -> Tally:
    """What taking over a slice would come to; nothing but temporary tables is written."""
    _, tally = _looked_up(session, part, list_id, confirms=confirms)
    return tally


def apply(session: Session, part: Slice, terms: Terms) -> Tally:
    """Take a slice over: who is new comes in, who is here is completed; nobody who left is brought back."""
    if session.get_bind().dialect.name == "postgresql":
        # As on SQLite, one writer of people at a time; senders, clicks and unsubscribes go on.
        session.execute(sa.text("LOCK TABLE subscriber IN SHARE ROW EXCLUSIVE MODE"))
    known, tally = _looked_up(session, part, terms.list_id, confirms=terms.source_id is not None)
    if known < part.rows:
        _bring_in(session, part, terms, everybody=known == 0)
    if known:
        _complete(session, terms)
    return tally


def _looked_up(session: Session, part: Slice, list_id: int | None, *, confirms: bool) -> tuple[int, Tally]:
    """Write to `known` who of the slice is here already, and how; how many they are, and what all of it comes to."""
    truncate = session.get_bind().dialect.name == "postgresql"
    session.execute(sa.text("TRUNCATE known") if truncate else sa.delete(_known))
    here = (
        sa.select(STAGED.c.pos, _person.c.id, _tie.c.state, _differs(sqlite=not truncate))
        .select_from(STAGED)
        .join(_person, _person.c.email_key == STAGED.c.email_key)
        .outerjoin(_tie, sa.and_(_tie.c.subscriber_id == _person.c.id, _tie.c.list_id == (list_id or 0)))
        .where(part.condition)
    )
    session.execute(sa.insert(_known).inline().from_select(["pos", "subscriber_id", "state", "differs"], here))
    kinds = (_known.c.state, _known.c.differs)
    known, tally = 0, Tally()
    for state, differs, people in session.execute(sa.select(*kinds, sa.func.count()).group_by(*kinds)):
        known += people
        tally += _told(state, people, differs=differs, confirms=confirms)
    return known, tally + _told(None, part.rows - known, differs=False, confirms=confirms)


def _bring_in(session: Session, part: Slice, terms: Terms, *, everybody: bool) -> None:
    """New people, their ties to the list and their consents."""
    names = ["email", "email_key", "name", "language", "timezone", "attributes"]
    stamps = [sa.false(), _moment(terms.now), _moment(terms.now)]
    new = sa.select(*(STAGED.c[name] for name in names), *stamps).where(part.condition)
    if not everybody:
        new = new.where(~sa.exists().where(_known.c.pos == STAGED.c.pos))
    newest = session.execute(sa.select(sa.func.coalesce(sa.func.max(_person.c.id), 0))).scalar_one()
    into = [*names, "tracking_consent", "created_at", "updated_at"]
    session.execute(sa.insert(_person).inline().from_select(into, new))
    _tie_up(session, terms, _person.c.id, sa.select(_person.c.id).where(_person.c.id > newest))


def _complete(session: Session, terms: Terms) -> None:
    """People who are here already: missing ties, changed values, confirmations."""
    _tie_up(session, terms, _known.c.subscriber_id, sa.select(_known.c.subscriber_id).where(_known.c.state.is_(None)))
    sqlite = session.get_bind().dialect.name == "sqlite"
    filled = {
        name: sa.case((STAGED.c[name] != "", STAGED.c[name]), else_=_person.c[name])
        for name in ("name", "language", "timezone")
    }
    changed = (
        sa.update(_person)
        .values(**filled, attributes=_merged(sqlite=sqlite), updated_at=_moment(terms.now))
        .where(_known.c.subscriber_id == _person.c.id, _known.c.pos == STAGED.c.pos, _known.c.differs)
    )
    session.execute(changed, execution_options={"synchronize_session": False})
    if terms.source_id is None:
        return
    waiting = sa.select(_known.c.subscriber_id).where(_known.c.state == SubscriptionState.UNCONFIRMED)
    confirm = sa.update(_tie).where(
        _tie.c.list_id == terms.list_id,
        _tie.c.subscriber_id.in_(waiting),
        _tie.c.state == SubscriptionState.UNCONFIRMED,
    )
    session.execute(confirm.values(state=SubscriptionState.CONFIRMED, changed_at=terms.now))
    _write_consents(session, terms, _known.c.subscriber_id, waiting)


def _tie_up(session: Session, terms: Terms, number: sa.Column[Any], people: sa.Select[Any]) -> None:
    """Ties of some people (a select of their numbers alone) to the list, with their consents."""
    state = sa.literal(terms.state.value)
    rows = people.with_only_columns(sa.literal(terms.list_id), number, state, _moment(terms.now), _moment(terms.now))
    into = ["list_id", "subscriber_id", "state", "created_at", "changed_at"]
    ties = insert(session, _tie).from_select(into, rows.where(sa.true()))
    session.execute(ties.on_conflict_do_nothing(index_elements=["list_id", "subscriber_id"]))
    if terms.source_id is not None:
        _write_consents(session, terms, number, people)


def _write_consents(session: Session, terms: Terms, number: sa.Column[Any], people: sa.Select[Any]) -> None:
    facts = [sa.literal(value) for value in (terms.list_id, Purpose.MAIL.value, Act.GIVEN.value, terms.source_id)]
    rows = people.with_only_columns(number, *facts, _moment(terms.now))
    into = ["subscriber_id", "list_id", "purpose", "act", "source_id", "at"]
    session.execute(sa.insert(_consent).inline().from_select(into, rows))


def _told(state: SubscriptionState | None, people: int, *, differs: bool, confirms: bool) -> Tally:
    """What becomes of people who stand so (None: not on the list)."""
    waits = state in {None, SubscriptionState.UNCONFIRMED}
    waiting = people if waits and not confirms else 0
    left = people if state == SubscriptionState.UNSUBSCRIBED else 0
    if state is None:
        return Tally(added=people, waiting=waiting)
    if differs or (waits and confirms):
        return Tally(updated=people, left=left, waiting=waiting)
    return Tally(unchanged=people, left=left, waiting=waiting)


def _merged(*, sqlite: bool) -> sa.ColumnElement[Any]:
    """The attributes with the file's over those that are kept."""
    if sqlite:
        return sa.func.json_patch(_person.c.attributes, STAGED.c.attributes, type_=sa.Text)
    return _person.c.attributes.op("||")(STAGED.c.attributes)


def _differs(*, sqlite: bool) -> sa.ColumnElement[bool]:
    """Whether the file says something of a person that is not kept yet."""
    texts = ("name", "language", "timezone")
    said = (sa.and_(STAGED.c[name] != "", STAGED.c[name] != _person.c[name]) for name in texts)
    return sa.or_(*said, _attributes_differ(sqlite=sqlite))


def _attributes_differ(*, sqlite: bool) -> sa.ColumnElement[bool]:
    kept, given = _person.c.attributes, STAGED.c.attributes
    if not sqlite:
        return _merged(sqlite=False).op("<>", is_comparison=True)(kept)
    as_text = sa.type_coerce(kept, sa.Text)
    return sa.and_(
        sa.type_coerce(given, sa.Text) != as_text,
        _merged(sqlite=True) != sa.func.json(kept, type_=sa.Text),
    )


def _moment(now: datetime) -> sa.ColumnElement[Any]:
    return sa.literal(now, Moment())
