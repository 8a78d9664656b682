"""Parts of one process work side by side, start anew when they fail, and stop together."""

from __future__ import annotations

import asyncio
import threading

import pytest

from outreach.engine import crew
from outreach.engine.crew import Crew, looping
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
