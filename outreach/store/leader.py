"""Which of several processes does what one of them is enough for? Who holds the lock, and gives signs of life.

The lock (`turn`) ends with its process and with its connection, so that another takes over at its next look. One that
is frozen keeps it: therefore who leads also counts a row up, and where that stands still for `PATIENCE` seconds another
leads without the lock. Seconds are told by each process's own steady clock, so no two clocks need to agree. For a
moment two may think that they lead: what is led this way must bear that.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.errors import StoreError
from outreach.store import turn
from outreach.store.database import Stay, Store, insert, table_of
from outreach.store.turn import Turn

#: Seconds between two signs of life, and how long one is waited for.
SIGN_SECONDS = 2.0
PATIENCE = 6.0


class Leader(SQLModel, table=True):
    """Who leads, and how many signs of life there were."""

    __tablename__ = "leader"

    role: str = Field(primary_key=True, max_length=32)
    #: Host, process, and a few random letters.
    holder: str = Field(max_length=200)
    beats: int = Field(default=0, sa_type=sa.BigInteger)


class Leadership:
    """One process's share in it: asks again and again whether it leads. Belongs to one thread at a time."""

    def __init__(
        self, store: Store, role: str = "clock", lock: Turn = turn.CLOCK, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.me = f"{socket.gethostname()[:150]}:{os.getpid()}:{secrets.token_hex(3)}"
        #: Who leads, as far as is known.
        self.leader = ""
        self._store, self._role, self._lock, self._clock = store, role, lock, clock
        #: Our own connection, and the lock where we have it.
        self._stay: Stay | None = None
        self._open = ExitStack()
        self._locked = False
        self._leads = False
        self._seen: tuple[str, int] | None = None
        self._seen_at = self._not_before = clock()
        self._sign_at = 0.0

    def leads(self) -> bool:
        """Whether this process leads now; to be asked about every second. Raises StoreError where nobody can tell."""
        now = self._clock()
        try:
            stay = self._connection()
            self._look(stay, now)
            if self._leads:
                self._go_on(stay, now)
            elif (now >= self._not_before and self._asked(stay)) or now - self._seen_at > PATIENCE:
                self._leads = self._signed(stay, now)
        except StoreError:
            self.resign()
            raise
        self.leader = self._seen[0] if self._seen else ""
        return self._leads

    def resign(self) -> None:
        """Let another lead."""
        self._leads, self._locked, self._stay = False, False, None
        with suppress(StoreError):  # a connection that is gone has given back its lock
            self._open.close()

    def _connection(self) -> Stay:
        if self._stay is None:
            self._stay = self._open.enter_context(self._store.staying())
            self._stay.hurry()
        return self._stay

    def _look(self, stay: Stay, now: float) -> None:
        with stay.reading() as session:
            seen = standing(session, self._role)
        if seen != self._seen:
            self._seen, self._seen_at = seen, now

    def _go_on(self, stay: Stay, now: float) -> None:
        ours = self._seen is not None and self._seen[0] == self.me
        if ours and now >= self._sign_at:
            self._asked(stay)  # it may have been left with a leader that was frozen
            ours = self._signed(stay, now)
        if not ours:
            # Another found us as good as dead. It has the time to get the lock.
            self.resign()
            self._not_before = now + PATIENCE

    def _signed(self, stay: Stay, now: float) -> bool:
        """Give a sign of life, or take over from who stood there; False where another was quicker."""
        with stay.writing() as session:
            ours = _sign(session, self._role, self.me, self._seen)
            self._seen, self._seen_at = standing(session, self._role), now
        self._sign_at = now + SIGN_SECONDS
        return ours

    def _asked(self, stay: Stay) -> bool:
        """Whether the lock is ours, after asking for it."""
        if not self._locked:
            with ExitStack() as stack:
                self._locked = stack.enter_context(turn.asked(stay, self._lock))
                if self._locked:
                    self._open.push(stack.pop_all())
        return self._locked


def standing(session: Session, role: str) -> tuple[str, int] | None:
    """Who leads by the row, and its signs of life so far; None where nobody ever led."""
    row = session.execute(sa.select(_leader.c.holder, _leader.c.beats).where(_leader.c.role == role)).one_or_none()
    return (row.holder, row.beats) if row else None


def _sign(session: Session, role: str, me: str, seen: tuple[str, int] | None) -> bool:
    """Compare-and-swap of the row; whether it was as seen."""
    if seen is None:
        first = insert(session, _leader).values(role=role, holder=me, beats=1)
        first = first.on_conflict_do_nothing(index_elements=["role"])
        return session.execute(first.returning(_leader.c.role)).first() is not None
    same = sa.and_(_leader.c.role == role, _leader.c.holder == seen[0], _leader.c.beats == seen[1])
    statement = sa.update(_leader).where(same).values(holder=me, beats=seen[1] + 1)
    return session.execute(statement.returning(_leader.c.role)).first() is not None


_leader = table_of(Leader)
