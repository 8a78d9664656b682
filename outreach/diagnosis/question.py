"""How does pure code ask the DNS? It yields questions and is sent answers; somebody else carries them.

An `Inquiry` is a generator. `probes.dns` drives it with a resolver, a test with a table; the code between two
questions is the same. Where nobody can tell (a resolver that is away, a server that fails) the driver throws
`Unanswered` into it, so that "could not look" never passes for "is not there".
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """The types of records that are asked for."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"
    TXT = "TXT"


class Question(NamedTuple):
    """A name and the type of its records."""

    #: In A-labels, without a dot at its end.
    name: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.name} {self.kind}"


@dataclass(frozen=True)
class Answer:
    """What the DNS holds."""

    #: TXT: the strings of a record put together; MX: ``10 mail.example.org``; names without a dot at their end, and
    #: the root, which stands for "none", as "".
    records: tuple[str, ...] = ()
    #: False where the name itself does not exist (NXDOMAIN).
    exists: bool = True


class Unanswered(Exception):
    """Nobody could tell: no answer in time, or a failure."""

    def __init__(self, question: Question, why: str) -> None:
        super().__init__(f"{question}: {why}")
        self.question = question
        self.why = why


Inquiry = Generator[Question, Answer, T]


def ask(name: str, kind: Kind) -> Inquiry[Answer]:
    """One question and its answer."""
    answer = yield Question(name.rstrip(".").lower(), kind)
    return answer


def addresses(name: str) -> Inquiry[tuple[str, ...]]:
    """Every IP address of a name, of both families."""
    four = yield from ask(name, Kind.A)
    if not four.exists:
        return ()
    six = yield from ask(name, Kind.AAAA)
    return four.records + six.records
