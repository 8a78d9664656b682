"""What does the relay do wrong? Some people are refused, some connections end where they should not; all by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a connection fails."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    #: In the middle of a body.
    BODY = "body"
    #: At the end of a body, which is not accepted.
    END = "end"
    #: At the end of a body, which is accepted: only the answer is never given.
    ANSWER = "answer"


class Manner(StrEnum):
    """How it fails."""

    #: The connection is reset.
    RESET = "reset"
    #: The connection is closed after what was to be said is said.
    CLOSE = "close"
    #: Only the server's half is closed: it goes on to read, and says nothing more.
    HALF = "half"
    #: 421, then closed.
    GOODBYE = "421"


#: Where 421 can be said. Not in place of an answer to what was accepted: that would be a lie.
_SAYABLE = frozenset(Stage) - {Stage.CONNECT, Stage.BODY, Stage.ANSWER}
KINDS = tuple(
    (stage, manner) for stage in Stage for manner in Manner if manner is not Manner.GOODBYE or stage in _SAYABLE
)


@dataclass(frozen=True)
class Fault:
    """What befalls one connection."""

    stage: Stage
    manner: Manner
    #: At which message of the connection.
    message: int = 1


@dataclass(frozen=True)
class Refusal:
    """What befalls one person."""

    #: At ``rcpt`` or at the ``end`` of the body.
    stage: Stage
    answer: str
    #: Only the first time.
    once: bool


#: The last digits of a person's number -> what the relay thinks of them.
PEOPLE = {
    7: Refusal(Stage.RCPT, "450 4.2.1 not now", once=True),
    13: Refusal(Stage.END, "451 4.3.0 busy", once=True),
    21: Refusal(Stage.RCPT, "550 5.1.1 no such user", once=False),
    33: Refusal(Stage.END, "554 5.7.1 not wanted", once=False),
}
_LAST_DIGITS = 50


def refusal(recipient: str) -> Refusal | None:
    """What the relay thinks of a person, who is called p17@example.org."""
    number = recipient.partition("@")[0].lstrip("p")
    return PEOPLE.get(int(number) % _LAST_DIGITS) if number.isdigit() else None


class Plan:
    """The faults of connections, one after another."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = random.Random(seed)
        #: How many of all connections fail, from 0 to 1. Each kind is tried in its turn.
        self._share = share
        self._turn = 0

    def next(self) -> Fault | None:
        """What befalls the next connection."""
        if self._random.random() >= self._share:
            return None
        stage, manner = KINDS[self._turn % len(KINDS)]
        self._turn += 1
        return Fault(stage, manner, self._random.choice((1, 1, 2, 5, 20)))
