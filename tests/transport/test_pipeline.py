"""The machine of one connection, without a network: whatever a server answers, the rules and the books hold."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies.smtp import Reply
from outreach.replies.verdict import Decision, judge
from outreach.transport.base import Outcome, Outgoing
from outreach.transport.handshake import Abilities, Timeouts
from outreach.transport.pipeline import Pipeline
from tests.transport.relays import Stock, letters

GROUP = [Reply(250, None, "ok"), Reply(250, None, "ok"), Reply(354, None, "go")]


class FakeWire:
    """Keeps what is sent; replies are put into the listener by hand."""

    def __init__(self) -> None:
        self.listener: Pipeline | None = None
        self.sent: list[bytes] = []
        self.dropped: str | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, data: bytes) -> None:
        assert self.dropped is None, "something was sent on a connection that was given up"
        self.sent.append(data)

    def expect(self, seconds: float | None) -> None:
        assert seconds is None or seconds > 0

    def drop(self, why: str) -> None:
        if self.dropped is None:
            self.dropped = why
            self.ended.set_result(None)


async def played(stock: Stock, replies: list[Reply], pipelining: bool) -> FakeWire:
    """One connection that hears these replies and then ends."""
    wire = FakeWire()
    machine = Pipeline(
        wire,  # type: ignore[arg-type]
        Abilities(pipelining=pipelining, eight_bit=True, size=0),
        stock,
        stock.begin,
        stock.outcomes.append,
        timeouts=Timeouts(quit=0.001),
        most=100,
    )
    first = stock.take()
    assert first is not None
    running = asyncio.create_task(machine.run(first, idle=0.001))
    await asyncio.sleep(0)
    for reply in replies:
        if running.done() or wire.dropped:
            break
        machine.heard(reply)
    machine.lost("the server hung up")
    await running
    return wire


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_354_after_a_refusal_ends_the_connection_and_sends_no_dot(pipelining: bool) -> None:
    """A bare dot would hand in an empty message, to nobody or to somebody."""
    stock = Stock(letters(2))
    no = Reply(550, "5.1.1", "nobody")
    wire = asyncio.run(played(stock, [GROUP[0], no, Reply(354, None, "go")], pipelining))
    assert stock.answers() == {1: "rcpt 550"} or stock.answers() == {1: "rcpt 550", 2: "mail -"}
    assert wire.dropped is not None
    assert b".\r\n" not in b"".join(wire.sent).replace(b"example.org>", b"")
    assert stock.begun == []


def test_a_body_and_the_next_envelope_leave_in_one_piece() -> None:
    stock = Stock(letters(2))
    wire = asyncio.run(played(stock, [*GROUP, Reply(250, None, "queued"), *GROUP, Reply(250, None, "queued")], True))
    assert stock.answers() == {1: "body 250", 2: "body 250"}
    assert [piece.count(b"\r\n.\r\n") for piece in wire.sent[:3]] == [0, 1, 1]
    assert wire.sent[1].endswith(b"RCPT TO:<p2@example.org>\r\nDATA\r\n")


def test_without_pipelining_each_command_waits_for_its_answer() -> None:
    stock = Stock(letters(1))
    wire = asyncio.run(played(stock, [*GROUP, Reply(250, None, "queued")], False))
    assert [piece.split(b" ")[0].strip() for piece in wire.sent[:3]] == [b"MAIL", b"RCPT", b"DATA"]
    assert stock.answers() == {1: "body 250"}


def test_what_begin_raises_ends_the_run_and_leaves_no_message_behind() -> None:
    stock = Stock(letters(1))

    class DiskFull(Exception):
        pass

    def begin(outgoing: Outgoing) -> bool:
        raise DiskFull

    stock.begin = begin  # type: ignore[method-assign]
    with pytest.raises(DiskFull):
        asyncio.run(played(stock, GROUP, True))
    assert stock.answers() == {1: "mail -"}


REPLIES = st.sampled_from(
    [
        *GROUP,
        *(Reply(250, "2.0.0", "ok"),) * 4,
        *(Reply(354, None, "go"),) * 3,
        Reply(421, None, "bye"),
        Reply(450, "4.2.0", "later"),
        Reply(452, "4.5.3", "too many"),
        Reply(503, "5.5.1", "order"),
        Reply(530, None, "login"),
        Reply(550, "5.1.1", "nobody"),
        Reply(334, None, "?"),
        Reply(221, None, "closing"),
    ]
)


@given(st.lists(REPLIES, max_size=40), st.booleans(), st.sets(st.integers(1, 6)))
def test_whatever_is_answered_each_message_has_one_outcome_and_one_body_at_most(
    replies: list[Reply], pipelining: bool, held_back: set[int]
) -> None:
    stock = Stock(letters(6))
    stock.held_back = held_back
    wire = asyncio.run(played(stock, replies, pipelining))
    taken = {1, 2, 3, 4, 5, 6} - {outgoing.delivery_id for outgoing in stock.left}
    assert Counter(outcome.delivery_id for outcome in stock.outcomes) == Counter(taken)
    started = [number for number in stock.begun if number not in held_back]
    bodies = b"".join(wire.sent).count(b"Good day.\r\n.\r\n")
    assert bodies == len(started) == len(set(started))
    for outcome in stock.outcomes:
        decision = judge(outcome.reply, outcome.stage).decision
        # nothing whose body left is sent again by itself, and nothing else is counted as sent or in doubt
        if outcome.delivery_id in started:
            assert decision is not Decision.REQUEUE, outcome
        else:
            assert decision not in {Decision.SENT, Decision.UNKNOWN}, outcome
    assert all(isinstance(outcome, Outcome) for outcome in stock.outcomes)
