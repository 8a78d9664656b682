"""Signing ahead: every message is the one that would be written when it is taken, whoever signs it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from outreach.engine.bench import AHEAD, Bench
from outreach.engine.letters import Letters
from outreach.errors import CompileError
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.transport.memory import MemoryTransport
from tests.engine import sending
from tests.store import crowd


def letters(sign: Callable[[bytes], bytes] | None) -> Letters:
    made = Letters(sending.TOKENS, "https://clinic.example", sign=sign)
    made.learn(1, sending.compiled())
    return made


def people(*names: str) -> deque[Claimed]:
    return deque(
        Claimed(number, 1, 0, None, f"p{number}@example.org", name, "", "", {}, "c")
        for number, name in enumerate(names)
    )


def signed(message: bytes) -> bytes:
    return b"X-Signed: yes\r\n" + message


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds threads up until it is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_each_message_is_written_once_and_as_if_nothing_were_ahead(threads: int) -> None:
    waiting = people(*(f"Person {number}" for number in range(5 * AHEAD)))
    expected = {claimed.delivery_id: letters(signed).write(claimed) for claimed in waiting}
    bench, found = Bench(letters(signed), threads), {}
    while waiting:
        claimed = bench.pick(waiting)
        found[claimed.delivery_id] = bench.written(claimed)
    bench.close()
    assert found == expected


def test_without_a_signature_each_is_written_when_it_is_taken_and_in_its_turn() -> None:
    waiting = people("Ann", "Bea", "Cid")
    bench = Bench(letters(None), 2)
    picked = [bench.pick(waiting) for _ in range(3)]
    assert [claimed.name for claimed in picked] == ["Ann", "Bea", "Cid"]
    assert b"Bea" in bench.written(picked[1]).message


def test_where_no_thread_is_done_the_wire_signs_itself_and_what_is_signed_goes_first(gate: threading.Event) -> None:
    here, held = threading.get_ident(), threading.Event()

    def slow(message: bytes) -> bytes:
        if threading.get_ident() != here:
            held.set()
            assert gate.wait(10)
        return signed(message)

    waiting = people("Ann", "Bea", "Cid")
    bench = Bench(letters(slow), 1)
    bench._write_ahead(waiting)
    assert held.wait(10)  # a thread has Ann
    first = bench.pick(waiting)
    assert first.name == "Bea"
    assert bench.written(first).message.startswith(b"X-Signed")
    gate.set()
    second, third = bench.pick(waiting), bench.pick(waiting)
    assert {b"Ann" in bench.written(one).message for one in (second, third)} == {True, False}


def test_a_later_claim_of_the_same_delivery_gets_its_own_values() -> None:
    waiting = people("Ann")
    bench = Bench(letters(signed), 1)
    bench._write_ahead(waiting)
    waiting[0] = waiting[0]._replace(name="Anna", claim="d")
    assert b"Anna" in bench.written(bench.pick(waiting)).message
    waiting = people("Ann")
    bench._write_ahead(waiting)
    waiting.clear()
    bench.keep(waiting)
    assert bench._jobs == {}


def test_a_message_that_cannot_be_written_is_told_when_it_is_taken() -> None:
    waiting = people("Ann", "Bea")
    waiting[0] = waiting[0]._replace(email="no address")
    bench = Bench(letters(signed), 1)
    broken = bench.pick(waiting)
    with pytest.raises(CompileError, match="no address"):
        bench.written(broken)
    assert b"Bea" in bench.written(bench.pick(waiting)).message


def test_a_signed_campaign_goes_to_everybody_once(sqlite_store: Store, now: datetime) -> None:
    number = sending.campaign(sqlite_store, now, 300)
    transport = MemoryTransport()
    assert sending.drained(sqlite_store, number, transport, sign=signed) == {"sent": 300}
    assert len({outgoing.recipient for outgoing in transport.accepted}) == 300
    assert all(outgoing.message.startswith(b"X-Signed") for outgoing in transport.accepted)
    digests = {outgoing.delivery_id: outgoing.digest.hex() for outgoing in transport.accepted}
    assert {row.id: row.digest for row in crowd.rows_of(sqlite_store, number)} == digests
