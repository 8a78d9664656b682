"""Parts of one process work side by side, start anew when they fail, and stop together."""

from __future__ import annotations

import asyncio
import threading

import pytest

from outreach.engine import crew
from outreach.engine.crew import Crew, looping
from outreach.engine.pulse import Pulse
from outreach.errors import TransportError

LONG = 30.0


def test_all_parts_stop_when_told() -> None:
    parts = Crew()
    begun = threading.Barrier(3)

    def work(stop: threading.Event) -> None:
        begun.wait(LONG)
        stop.wait(LONG)

    parts.add("one", work)
    parts.add("two", work)
    begun.wait(LONG)
    assert parts.leave(LONG) == []


def test_a_part_that_fails_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PAUSE", 0.0)
    monkeypatch.setattr(crew, "LONGEST_PAUSE", 0.0)
    parts, third = Crew(), threading.Event()
    faults: list[Exception] = [TransportError("the relay is away"), RuntimeError("a mistake")]

    def work(stop: threading.Event) -> None:
        if faults:
            raise faults.pop(0)
        third.set()
        stop.wait(LONG)

    parts.add("part", work)
    assert third.wait(LONG)
    assert parts.leave(LONG) == []


def test_a_part_that_does_not_stop_is_named() -> None:
    parts, release, begun = Crew(), threading.Event(), threading.Event()

    def work(_: threading.Event) -> None:
        begun.set()
        release.wait(LONG)

    parts.add("stubborn", work)
    begun.wait(LONG)
    assert parts.leave(0.0) == ["stubborn"]
    release.set()
    assert parts.leave(LONG) == []


def test_a_coroutine_hears_that_the_crew_stops() -> None:
    parts, begun, ended = Crew(), threading.Event(), threading.Event()

    async def run(stop: asyncio.Event) -> None:
        begun.set()
        await stop.wait()
        ended.set()

    parts.add("sender", looping(run))
    assert begun.wait(LONG)
    assert parts.leave(LONG) == []
    assert ended.is_set()


def test_a_coroutine_that_fails_lets_go_of_its_thread() -> None:
    async def run(_: asyncio.Event) -> None:
        raise TransportError("the relay is away")

    with pytest.raises(TransportError):
        looping(run)(threading.Event())


def test_parts_at_work_are_well_and_so_is_a_crew_that_was_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Crew()
    parts.add("one", lambda stop: stop.wait(LONG))
    parts.add("two", lambda stop: stop.wait(LONG), pulse=Pulse())
    assert parts.ailments() == {}
    assert parts.leave(LONG) == []
    assert parts.ailments() == {}


def test_a_part_that_fails_again_and_again_ails_and_one_that_came_back_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "PAUSE", 0.0)
    monkeypatch.setattr(crew, "LONGEST_PAUSE", 0.0)
    parts, tried = Crew(), threading.Semaphore(0)
    go_on = threading.Semaphore(0)

    def work(_: threading.Event) -> None:
        tried.release()
        go_on.acquire(timeout=LONG)
        raise RuntimeError("a mistake")

    parts.add("part", work)
    for failures in range(crew.TOO_OFTEN):
        assert tried.acquire(timeout=LONG)
        assert parts.parts[0].failures == failures
        assert parts.ailments() == {}
        go_on.release()
    assert tried.acquire(timeout=LONG)
    assert parts.ailments() == {"part": "it has failed 4 times in a row"}
    monkeypatch.setattr(crew, "RECOVERED", -1.0)  # it has worked for long enough now
    assert parts.ailments() == {}
    parts.stop.set()
    go_on.release()
    assert parts.leave(LONG) == []


def test_a_part_that_hangs_ails_until_it_gives_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, pulse = Crew(), Pulse()
    parts.add("sender-1", lambda stop: stop.wait(LONG), pulse=pulse)
    pulse._at -= 61
    assert parts.ailments() == {"sender-1": "it has given no sign of life for 61 seconds"}
    pulse.beat()
    assert parts.ailments() == {}
    parts.leave(LONG)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_part_whose_thread_has_died_ails() -> None:
    parts = Crew()

    def work(_: threading.Event) -> None:
        raise SystemExit

    parts.add("clock", work)
    thread = parts.parts[0].thread
    assert thread is not None
    thread.join(LONG)
    assert parts.ailments() == {"clock": "it has died"}
