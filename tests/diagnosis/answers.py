"""A DNS in a table: it answers inquiries without a network, and counts what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from outreach.diagnosis.question import Answer, Inquiry, Kind, Question, Unanswered

T = TypeVar("T")

#: What stands in a zone for a question that nobody answers.
SILENT = "(silent)"


def told(inquiry: Inquiry[T], zone: Mapping[str, Iterable[str]], asked: list[Question] | None = None) -> T:
    """What an inquiry concludes from a zone: ``{"example.org TXT": ["v=spf1 -all"]}``.

    A name of which the zone says nothing does not exist.
    """
    names = {key.split()[0] for key in zone}
    try:
        question = next(inquiry)
        while True:
            assert question.name == question.name.lower().rstrip(".")
            if asked is not None:
                asked.append(question)
            records = tuple(zone.get(f"{question.name} {question.kind}", ()))
            if records == (SILENT,):
                question = inquiry.throw(Unanswered(question, "silent"))
            else:
                question = inquiry.send(Answer(records, exists=question.name in names))
    except StopIteration as end:
        return end.value


def asks(asked: Iterable[Question], kind: Kind = Kind.TXT) -> list[str]:
    """The names that were asked for, of one kind."""
    return [question.name for question in asked if question.kind is kind]
