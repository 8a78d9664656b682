"""At which moments does a sender die? Each point wraps functions of outreach from outside; the product has no hooks.

A name that is not there any more fails at once: a point that nobody passes would show nothing.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from outreach.engine import journal, replay
from outreach.engine.desk import Desk
from outreach.engine.ledger import Ledger
from outreach.errors import DatabaseUnavailable
from outreach.replies.smtp import Stage
from outreach.store import claims, settlements
from outreach.transport import envelope
from outreach.transport.base import Outgoing
from outreach.transport.wire import Wire

#: What is done around a function: it gets the function, then what that was called with.
Around = Callable[..., Any]


class Fuse:
    """Kills this process at the n-th passage, or freezes it."""

    def __init__(self, passage: int, signal_: signal.Signals = signal.SIGKILL) -> None:
        self._left = passage
        self._signal = signal_

    def pass_by(self) -> bool:
        """Count a passage; whether it is the one."""
        self._left -= 1
        return self._left == 0

    def burn(self) -> None:
        """Count a passage, and die if it is the one."""
        if self.pass_by():
            self.go_off()

    def go_off(self) -> None:
        """Die; or freeze here until somebody wakes us."""
        os.kill(os.getpid(), self._signal)


class Per(Enum):
    """What passes a point."""

    MESSAGE = "message"
    #: A transaction of the store.
    TURN = "turn"
    #: Once in a life, where somebody died before.
    REPLAY = "replay"
    #: A new file of the journal; the first is made at the start.
    FILE = "file"


@dataclass(frozen=True)
class Point:
    """One moment."""

    #: What has happened when the sender dies, and what has not.
    words: str
    per: Per
    arm: Callable[[Fuse], None]
    #: Whether the process dies of it; else something happens to it that it has to survive.
    is_death: bool = True


def wrap(owner: Any, name: str, around: Around) -> None:
    """Replace a function by one that calls `around(original, ...)`."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*facts: Any, **more: Any) -> Any:
        return around(original, *facts, **more)

    setattr(owner, name, wrapped)


def before(owner: Any, name: str, fuse: Fuse) -> None:
    """Burn before the function does anything."""

    def around(original: Around, *facts: Any, **more: Any) -> Any:
        fuse.burn()
        return original(*facts, **more)

    wrap(owner, name, around)


def after(owner: Any, name: str, fuse: Fuse, when: Callable[[Any], bool] = bool) -> None:
    """Burn when the function has done its work, and `when` says so of what it returned."""

    def around(original: Around, *facts: Any, **more: Any) -> Any:
        result = original(*facts, **more)
        if when(result):
            fuse.burn()
        return result

    wrap(owner, name, around)


def _always(_: object) -> bool:
    return True


# -- where settling belongs to a turn, and where to a replay

_here = threading.local()


def _tell_replays_apart() -> None:
    def around(original: Around, *facts: Any, **more: Any) -> Any:
        _here.replaying = True
        try:
            return original(*facts, **more)
        finally:
            _here.replaying = False

    wrap(replay, "dead_senders", around)


def _settling(fuse: Fuse, *, replaying: bool) -> None:
    _tell_replays_apart()
    after(
        settlements,
        "settle",
        fuse,
        lambda settled: bool(settled) and getattr(_here, "replaying", False) is replaying,
    )


# -- on the wire

_body: list[int] = []


def _at_body(fuse: Fuse, share: float) -> None:
    """Die when this share of a body has been handed to the system."""

    def remember(original: Around, outgoing: Outgoing, following: bytes = b"") -> bytes:
        data: bytes = original(outgoing, following)
        _body[:] = [len(data) - len(following)]
        return data

    def send(original: Around, wire: Wire, data: bytes) -> None:
        if _body and fuse.pass_by():
            original(wire, data[: int(_body[0] * share)])
            fuse.go_off()
        _body.clear()
        original(wire, data)

    wrap(envelope, "body", remember)
    wrap(Wire, "send", send)


def _reply(fuse: Fuse, *, recorded: bool) -> None:
    def report(original: Around, desk: Desk, outcome: Any) -> None:
        accepted = outcome.reply is not None and outcome.reply.is_positive and outcome.stage is Stage.BODY
        if accepted and not recorded:
            fuse.burn()
        original(desk, outcome)
        if accepted and recorded:
            fuse.burn()

    wrap(Desk, "report", report)


# -- what is no death


#: How a line of the log begins that tells of it.
BEFALLEN = "befallen "


def _befallen(what: str) -> None:
    sys.stdout.write(f"{BEFALLEN}{what}\n")
    sys.stdout.flush()


def _backend_ended(fuse: Fuse) -> None:
    """PostgreSQL ends the session in the middle of a settling transaction."""
    import psycopg

    def around(original: Around, session: Any, *facts: Any, **more: Any) -> Any:
        settled = original(session, *facts, **more)
        connection = session.connection()
        if settled and connection.dialect.name == "postgresql" and fuse.pass_by():
            driver = connection.connection.driver_connection
            url = session.get_bind().engine.url.set(drivername="postgresql")
            with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (driver.info.backend_pid,))
            _befallen("backend-ended")
        return settled

    wrap(settlements, "settle", around)


def _commit_unanswered(fuse: Fuse) -> None:
    """A turn is committed, and the answer to the COMMIT is lost."""

    def around(original: Around, *facts: Any, **more: Any) -> Any:
        rows = original(*facts, **more)
        if rows and fuse.pass_by():
            _befallen("commit-unanswered")
            raise DatabaseUnavailable("The connection was lost after COMMIT was sent.")
        return rows

    wrap(Ledger, "_prepared", around)


POINTS = {
    "claim-uncommitted": Point(
        "rows are claimed, and the claim is not committed", Per.TURN, lambda fuse: after(claims, "claim", fuse)
    ),
    "claim-committed": Point(
        "the claim is committed, and nothing of it is in the sender's hands",
        Per.TURN,
        lambda fuse: after(Ledger, "turn", fuse, lambda turn: bool(turn.claimed)),
    ),
    "before-begin": Point("the server wants the body", Per.MESSAGE, lambda fuse: before(Desk, "begin", fuse)),
    "begun": Point(
        "the body is on record as begun, and no byte of it has left",
        Per.MESSAGE,
        lambda fuse: after(Desk, "begin", fuse),
    ),
    "in-body": Point("half of the body has left", Per.MESSAGE, lambda fuse: _at_body(fuse, 0.5)),
    "body-sent": Point(
        "the body has left to its end, and no reply was read", Per.MESSAGE, lambda fuse: _at_body(fuse, 1)
    ),
    "reply-unrecorded": Point(
        "the 250 was read, and is on no record", Per.MESSAGE, lambda fuse: _reply(fuse, recorded=False)
    ),
    "reply-recorded": Point(
        "the 250 is in the journal, and not in the database", Per.MESSAGE, lambda fuse: _reply(fuse, recorded=True)
    ),
    "settle-uncommitted": Point(
        "outcomes are written down, and not committed", Per.TURN, lambda fuse: _settling(fuse, replaying=False)
    ),
    "settle-committed": Point(
        "outcomes are committed, and the journal does not know",
        Per.TURN,
        lambda fuse: after(Ledger, "turn", fuse, lambda turn: turn.settled > 0),
    ),
    "replay-begun": Point(
        "a dead sender's journal is locked, and not read", Per.REPLAY, lambda fuse: before(replay, "_replayed", fuse)
    ),
    "replay-uncommitted": Point(
        "a dead sender's outcomes are written down, and not committed",
        Per.REPLAY,
        lambda fuse: _settling(fuse, replaying=True),
    ),
    "replay-committed": Point(
        "a dead sender's outcomes are committed, and its journal is still there",
        Per.REPLAY,
        lambda fuse: after(replay, "_settled", fuse, _always),
    ),
    "rotate-unfinished": Point(
        "a new file of the journal is half made", Per.FILE, lambda fuse: after(journal, "_allocate", fuse, _always)
    ),
    "rotate-made": Point(
        "a new file of the journal is there, and nothing in it",
        Per.FILE,
        lambda fuse: after(journal, "_made", fuse, _always),
    ),
    "rotate-dropped": Point(
        "the older files of the journal were looked through, and those that are settled removed",
        Per.FILE,
        lambda fuse: after(journal.Journal, "_drop_settled", fuse, _always),
    ),
    "backend-ended": Point(
        "PostgreSQL ends the session before a settling commit", Per.TURN, _backend_ended, is_death=False
    ),
    "commit-unanswered": Point(
        "a turn is committed, and its answer is lost", Per.TURN, _commit_unanswered, is_death=False
    ),
}

#: Points at which a sender may also freeze, with something in its hands.
FREEZES = ("claim-uncommitted", "claim-committed", "before-begin", "begun", "reply-recorded", "settle-uncommitted")
DEATHS = tuple(name for name, point in POINTS.items() if point.is_death)
MISHAPS = tuple(name for name, point in POINTS.items() if not point.is_death)
