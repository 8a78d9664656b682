"""Who of a file's people is new here, who is known, and what changes? Taken over a slice of staged rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.audience.consent import SubscriptionState
from outreach.store import consents, merge
from outreach.store.merge import Statements

#: What PostgreSQL is told of a slice: it is looked up by index, row by row. The planner knows nothing of slices that
#: come before and after and would read the whole table for each of them.
_PLANS = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off")

#: As on SQLite, one writer of people at a time; senders, clicks and unsubscribes go on.
_LOCKS = ("LOCK TABLE subscriber IN SHARE ROW EXCLUSIVE MODE",)


@dataclass(frozen=True)
class Terms:
    """On what terms people come onto the list."""

    list_id: int
    #: The wording and source of their consent (`consents.source`); None: they stay unconfirmed.
    source_id: int | None
    now: datetime

    @property
    def confirms(self) -> bool:
        """Whether these people are known to have agreed."""
        return self.source_id is not None


@dataclass(frozen=True)
class Slice:
    """The staged rows from a position to another one, that one left out."""

    first: int
    end: int

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return self.end - self.first


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
    """What taking over a slice would come to (None: onto a new list); nothing but temporary tables is written."""
    values = {"first": part.first, "end": part.end, "the_list": list_id or 0}
    _settle(session)
    _, tally = _looked_up(session, _statements(session), values, confirms=confirms)
    return tally


class Intake:
    """One file's way into the tables."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        #: The newest person, as long as this import has brought in everybody who is there; it need look nobody up then,
        #: since no address comes twice in a file. That is the first import into a new installation.
        self._ours: int | None = 0

    def apply(self, session: Session, part: Slice) -> Tally:
        """Take a slice over: who is new comes in, who is here is completed; nobody who left is brought back."""
        _settle(session, *_LOCKS)
        sql, values, confirms = _statements(session), self._values(part), self._terms.confirms
        values["newest"] = session.execute(sql.newest).scalar_one()
        if confirms:
            consents.begin(session, self._terms.now, alike=True)
        if self._ours == values["newest"]:
            known, tally = 0, _told(None, part.rows, differs=False, confirms=confirms)
        else:
            self._ours = None
            known, tally = _looked_up(session, sql, values, confirms=confirms)
        if known < part.rows:
            _execute(session, values, sql.bring_rest if known else sql.bring_all, sql.tie_new)
            _execute(session, values, *([sql.consent_new] if confirms else []))
        if known:
            _execute(session, values, sql.tie_known, sql.update)
            confirmed = (sql.consent_known, sql.confirm, sql.consent_waiting)
            _execute(session, values, *(confirmed if confirms else ()))
        if self._ours is not None:
            self._ours = session.execute(sql.newest).scalar_one()
        return tally

    def _values(self, part: Slice) -> dict[str, Any]:
        terms = self._terms
        state = SubscriptionState.CONFIRMED if terms.confirms else SubscriptionState.UNCONFIRMED
        values = {"first": part.first, "end": part.end, "now": terms.now}
        return {**values, "the_list": terms.list_id, "the_state": state, "the_source": terms.source_id}


def _looked_up(session: Session, sql: Statements, values: dict[str, Any], *, confirms: bool) -> tuple[int, Tally]:
    """Note who of the slice is here already, and how; how many they are, and what all of it comes to."""
    rows = values["end"] - values["first"]
    low, high = session.execute(sql.span, {"first": values["first"], "end": values["end"]}).one()
    if session.execute(sql.anybody, {"low": low, "high": high}).first() is None:
        return 0, _told(None, rows, differs=False, confirms=confirms)
    _execute(session, values, sql.forget, sql.look_up)
    known, tally = 0, Tally()
    for state, differs, people in session.execute(sql.kinds):
        known += people
        tally += _told(state, people, differs=differs, confirms=confirms)
    return known, tally + _told(None, rows - known, differs=False, confirms=confirms)


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


def _settle(session: Session, *more: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        for words in (*_PLANS, *more):
            session.execute(sa.text(words))


def _statements(session: Session) -> Statements:
    return merge.statements("sqlite" if session.get_bind().dialect.name == "sqlite" else "postgresql")


def _execute(session: Session, values: dict[str, Any], *statements: sa.Executable) -> None:
    # On the connection: the session has no objects here that it would have to keep in step.
    connection = session.connection()
    for statement in statements:
        connection.execute(statement, {name: values[name] for name in merge.wanted(statement)})
