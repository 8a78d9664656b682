"""Who waits for something that may hang goes away in time, and nobody asks twice at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from outreach.web.patience import Look

LONG = 30.0


def test_all_who_ask_meanwhile_get_the_same_answer() -> None:
    go_on, asked = threading.Event(), []

    def slow() -> int:
        asked.append(1)
        go_on.wait(LONG)
        return len(asked)

    look = Look(slow, name="look")
    waiting = [look.ask() for _ in range(5)]
    go_on.set()
    assert [each.result(LONG) for each in waiting] == [1] * 5
    assert look.ask().result(LONG) == 2


def test_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    go_on = threading.Event()
    look: Look[bool] = Look(lambda: go_on.wait(LONG), name="look")
    first = look.ask()
    with pytest.raises(TimeoutError):
        first.result(0.01)
    assert not first.cancel()
    go_on.set()
    assert look.ask().result(LONG) is True


def test_a_good_answer_is_kept_for_a_while_and_a_bad_one_is_not() -> None:
    answers = iter([False, True, False])
    look = Look(lambda: next(answers), name="look", keep=LONG, good=bool)
    assert [look.ask().result(LONG) for _ in range(4)] == [False, True, True, True]


def test_what_the_look_raises_everybody_gets_and_the_next_looks_anew() -> None:
    faults: list[Exception] = [RuntimeError("a mistake")]

    def look_() -> str:
        if faults:
            raise faults.pop()
        return "well"

    look: Look[str] = Look(look_, name="look")
    found: Future[str] = look.ask()
    with pytest.raises(RuntimeError):
        found.result(LONG)
    assert look.ask().result(LONG) == "well"
