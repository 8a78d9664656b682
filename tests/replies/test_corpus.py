"""Every message of the labelled corpus is judged as a person judged it. A failure prints the confusion table."""

from __future__ import annotations

from collections import Counter

import pytest

from outreach.replies import report
from outreach.replies.report import Kind, Report
from tests.replies import corpus

CASES = corpus.cases()

#: What changes something for a person; to be wrong here is worse than not to understand.
GRAVE = {Kind.HARD, Kind.COMPLAINT}


def _told(said: Report) -> tuple[str, str, str]:
    return said.kind.value, said.status or "-", said.by or "-"


def _confusion() -> str:
    """How often what a person says (down) was read as what (across)."""
    counted = Counter((case.truth[0], report.read(case.message).kind.value) for case in CASES)
    kinds = [kind.value for kind in Kind]
    head = f"{'':>10} " + " ".join(f"{kind[:9]:>9}" for kind in kinds)
    rows = [f"{true:>10} " + " ".join(f"{counted[true, read] or '.':>9}" for read in kinds) for true in kinds]
    return "\n".join([f"truth down, read across, {len(CASES)} messages", head, *rows])


@pytest.mark.parametrize("ends", ["lf", "crlf"])
def test_every_message_of_the_corpus_is_read_as_a_person_reads_it(ends: str) -> None:
    wrong = []
    for case in CASES:
        said = report.read(case.message if ends == "lf" else case.crlf)
        if _told(said) != case.truth:
            wrong.append(f"{case.name}: is {case.truth}, was read as {_told(said)}: {said.reason} / {said.words}")
        for fact, told in (("of", said.recipient), ("from", said.reporter)):
            if fact in case.facts and told != case.facts[fact]:
                wrong.append(f"{case.name}: {fact} {case.facts[fact]}, was read as {told}")
    assert not wrong, "\n".join([*wrong, "", _confusion()])


def test_the_corpus_has_every_kind_and_no_name_twice() -> None:
    assert len(CASES) >= 60
    assert {case.truth[0] for case in CASES} == {kind.value for kind in Kind}
    assert len({case.name for case in CASES}) == len(CASES)
