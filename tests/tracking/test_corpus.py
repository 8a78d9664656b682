"""How well are people and machines told apart? Held by figures over a corpus of hits whose truth is known."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from outreach.tracking import robot
from outreach.tracking.robot import BURST, Judgement
from tests.tracking.corpus import CORPUS, Seen

ACCEPTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def judged() -> list[tuple[Seen, Judgement]]:
    """Every hit of the corpus with what it is taken for in the end, bursts folded back."""
    times = [ACCEPTED + timedelta(seconds=seen.at) for seen in CORPUS]
    alone = [robot.judge(seen.signs, at=at, accepted_at=ACCEPTED) for seen, at in zip(CORPUS, times, strict=True)]
    rows = [(at, seen.reader, seen.client, seen.link) for seen, at in zip(CORPUS, times, strict=True)]
    verdicts = [BURST if burst else verdict for verdict, burst in zip(alone, robot.sweep(rows), strict=True)]
    return [(seen, verdict.judgement) for seen, verdict in zip(CORPUS, verdicts, strict=True)]


def share(of: int, among: int) -> float:
    return of / among


def test_nearly_all_that_count_as_human_are_and_nearly_all_people_count() -> None:
    table = Counter((seen.person, judgement) for seen, judgement in judged())
    human = table[True, Judgement.HUMAN] + table[False, Judgement.HUMAN]
    people = sum(n for (person, _), n in table.items() if person)
    assert share(table[True, Judgement.HUMAN], human) >= 0.94  # precision
    assert share(table[True, Judgement.HUMAN], people) >= 0.95  # recall


def test_what_is_called_a_machine_is_one_and_most_machines_are_found() -> None:
    table = Counter((seen.person, judgement) for seen, judgement in judged())
    called = table[True, Judgement.MACHINE] + table[False, Judgement.MACHINE]
    machines = sum(n for (person, _), n in table.items() if not person)
    assert share(table[False, Judgement.MACHINE], called) >= 0.97  # precision
    assert share(table[False, Judgement.MACHINE], machines) >= 0.88  # recall
    # What is not called a machine is at least suspect, but for a few that nobody could tell.
    assert share(table[False, Judgement.HUMAN], machines) <= 0.06


def test_the_mistakes_are_those_that_are_known() -> None:
    """Each is a price that was weighed: to catch the patient scanner would cost the person who reads on."""
    wrong = Counter(seen.scene for seen, judgement in judged() if (judgement is Judgement.HUMAN) != seen.person)
    assert wrong == {
        "three colleagues in two seconds": 3,
        "a browser that hides its name": 2,
        "has the mail open when it comes": 1,
        "two links are no burst": 4,
        "takes its time": 3,
    }


def test_who_may_be_either_is_told_apart_from_both() -> None:
    suspects = Counter(seen.scene for seen, judgement in judged() if judgement is Judgement.SUSPECT)
    assert suspects == {
        "a browser that hides its name": 2,
        "has the mail open when it comes": 1,
        "no name at all": 3,
        "looks before the mail is shown": 4,
    }
