"""Messages reach a real server byte for byte, and whatever it does, each has exactly one truthful outcome."""

from __future__ import annotations

import asyncio

import pytest

from outreach.errors import TransportError
from outreach.replies.smtp import Reply, Stage
from outreach.transport.base import Outgoing
from outreach.transport.handshake import Timeouts
from outreach.transport.smtp import SmtpTransport
from tests.conftest import free_port
from tests.transport.relays import BODY, Plan, Stock, at, closed, letter, letters, relay

pytestmark = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])


async def sent(plan: Plan, stock: Stock, pipelining: bool, connections: int = 1, **options: int) -> dict[int, str]:
    """What became of each message, after one run against a relay with a plan."""
    async with relay(plan, pipelining=pipelining) as (port, caught):
        transport = SmtpTransport(at(port), connections=connections, **options)
        async with asyncio.timeout(20):
            await transport.run(stock, stock.begin, stock.outcomes.append)
        assert not stock.left
        stock.caught = caught  # type: ignore[attr-defined]
    return stock.answers()


def usual(step: str, recipient: str) -> str | None:
    return None


def test_the_bytes_received_are_the_bytes_given(pipelining: bool) -> None:
    messages = [
        BODY,
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n",
        b".\r\n",
        b"Subject: a dot alone\r\n\r\n.\r\n.\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 998 + b"\r\n" + b"0123456789abcdef" * 60 + b"\r\n",
        b"Subject: eight bits\r\n\r\n" + "Grüße, 你好\r\n".encode(),
    ]
    stock = Stock(letter(number, message=message) for number, message in enumerate(messages, 1))
    answers = asyncio.run(sent(usual, stock, pipelining))
    assert set(answers.values()) == {"body 250"}
    assert [message for _, _, message in stock.caught.messages] == messages  # type: ignore[attr-defined]


def test_many_messages_leave_by_few_connections(pipelining: bool) -> None:
    stock = Stock(letters(60))
    answers = asyncio.run(sent(usual, stock, pipelining, connections=3))
    assert answers == dict.fromkeys(range(1, 61), "body 250")
    caught = stock.caught  # type: ignore[attr-defined]
    assert sorted(caught.recipients) == sorted(f"p{number}@example.org" for number in range(1, 61))
    assert caught.connections <= 3
    assert {sender for _, sender, _ in caught.messages} == {"bounces@clinic.example"}


def test_a_connection_is_given_up_after_its_share(pipelining: bool) -> None:
    stock = Stock(letters(10))
    asyncio.run(sent(usual, stock, pipelining, messages_per_connection=4))
    caught = stock.caught  # type: ignore[attr-defined]
    assert caught.connections == 3
    assert caught.commands.count("QUIT") == 3


@pytest.mark.parametrize(
    ("step", "answer", "told"),
    [
        ("mail", "553 5.1.8 no", "mail 553"),
        ("rcpt", "550 5.1.1 nobody", "rcpt 550"),
        ("rcpt", "451 4.7.1 later", "rcpt 451"),
        ("rcpt", "452 4.5.3 too many", "rcpt 452"),
        ("data", "451 4.3.0 later", "data 451"),
        ("end", "554 5.7.1 spam", "body 554"),
        ("end", "451 4.3.0 later", "body 451"),
        ("end", "421 4.3.2 bye", "body 421"),
        ("rcpt", "421 4.3.2 bye", "rcpt 421"),
        ("mail", "421 4.3.2 bye", "mail 421"),
        ("data", "421 4.3.2 bye", "data 421"),
        ("mail", "drop", "mail -"),
        ("rcpt", "drop", "mail -"),
        ("data", "drop", "mail -"),
        ("end", "drop", "body -"),
        ("rcpt", "hello", "mail -"),
        ("end", "354 what", "body -"),
    ],
)
def test_what_one_message_meets_touches_no_other(pipelining: bool, step: str, answer: str, told: str) -> None:
    """The third of six meets it; the second and the fourth share its round trips."""
    stock = Stock(letters(6))
    seen = 0

    def plan(at_step: str, recipient: str) -> str | None:
        nonlocal seen
        if at_step != step:
            return None
        seen += 1
        return answer if seen == 3 else None

    answers = asyncio.run(sent(plan, stock, pipelining))
    third = answers.pop(3)
    assert third == told
    others = set(answers.values())
    if answer == "drop" or answer.startswith(("421", "hello", "354")):
        # what had only its envelope on the way when the connection ended comes back, to be taken up again
        assert others <= {"body 250", "mail -"}
        assert list(answers.values()).count("mail -") <= 1
    else:
        assert others == {"body 250"}
    accepted = [number for number, said in answers.items() if said == "body 250"]
    recipients = stock.caught.recipients  # type: ignore[attr-defined]
    assert set(recipients) - {"p3@example.org"} == {f"p{number}@example.org" for number in accepted}
    assert len(recipients) == len(set(recipients))


def test_after_a_refusal_rset_goes_ahead(pipelining: bool) -> None:
    stock = Stock(letters(2))
    asyncio.run(sent(lambda step, who: "550 5.1.1 no" if step == "rcpt" and who[1] == "1" else None, stock, pipelining))
    commands = stock.caught.commands  # type: ignore[attr-defined]
    first, second = (number for number, command in enumerate(commands) if command.startswith("MAIL"))
    assert "RSET" in commands[first:second]


def test_a_body_that_may_not_begin_does_not_leave(pipelining: bool) -> None:
    stock = Stock(letters(3))
    stock.held_back = {2}
    answers = asyncio.run(sent(usual, stock, pipelining))
    assert answers[2] == "data -" if answers[2].startswith("data") else answers[2] == "mail -"
    assert "p2@example.org" not in stock.caught.recipients  # type: ignore[attr-defined]
    assert (answers[1], answers[3]) == ("body 250", "body 250")


def test_begin_comes_before_the_body_and_only_where_a_body_follows(pipelining: bool) -> None:
    stock = Stock(letters(4))
    asyncio.run(sent(lambda step, who: "550 no" if step == "rcpt" and who[1] == "2" else None, stock, pipelining))
    assert stock.begun == [1, 3, 4]


def test_what_the_relay_cannot_take_is_refused_here(pipelining: bool) -> None:
    async def run() -> None:
        async with relay(pipelining=pipelining, data_size_limit=200) as (port, caught):
            transport = SmtpTransport(at(port), connections=1)
            stock = Stock([letter(1, message=BODY + b"x" * 200 + b"\r\n"), letter(2), letter(3, recipient="a b@x.org")])
            await transport.run(stock, stock.begin, stock.outcomes.append)
            assert stock.answers() == {1: "local 552", 2: "body 250", 3: "local 553"}
            assert caught.recipients == ["p2@example.org"]

    asyncio.run(run())


def test_an_address_beyond_ascii_needs_smtputf8(pipelining: bool) -> None:
    async def run() -> None:
        outgoing = letter(recipient="jürgen@example.org", needs_smtputf8=True)
        async with relay(pipelining=pipelining) as (port, caught):
            outcome = await SmtpTransport(at(port)).send_one(outgoing)
            assert (outcome.stage, outcome.reply and outcome.reply.code) == (Stage.BODY, 250)
            assert caught.recipients == ["jürgen@example.org"]
            assert "SMTPUTF8" in caught.commands[0]

    asyncio.run(run())


def test_one_message_alone(pipelining: bool) -> None:
    async def run() -> None:
        async with relay(pipelining=pipelining) as (port, caught):
            outcome = await SmtpTransport(at(port)).send_one(letter(7))
            assert outcome.reply == Reply(250, "2.0.0", "queued")
            assert caught.commands[-1] == "QUIT"
        async with relay(lambda step, _: "drop" if step == "rcpt" else None, pipelining=pipelining) as (port, _):
            with pytest.raises(TransportError, match="ended the connection"):
                await SmtpTransport(at(port)).send_one(letter(7))

    asyncio.run(run())


def test_a_relay_that_says_nothing_is_given_up(pipelining: bool) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()

    async def run() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            transport = SmtpTransport(at(server.sockets[0].getsockname()[1]), timeouts=Timeouts(greeting=0.05))
            with pytest.raises(TransportError, match="did not answer in time"):
                await transport.probe()
            await closed(writer.transport for writer in writers)

    asyncio.run(run())


def test_an_absent_relay_takes_nothing_and_is_said_plainly(pipelining: bool) -> None:
    stock = Stock(letters(3))
    transport = SmtpTransport(at(free_port()), connections=2)
    with pytest.raises(TransportError, match=r"relay smtp://127\.0\.0\.1:\d+ cannot be used: Connection refused\."):
        asyncio.run(transport.run(stock, stock.begin, stock.outcomes.append, patience=1))
    assert (len(stock.left), stock.outcomes) == (3, [])


def test_stopping_leaves_no_message_without_an_outcome(pipelining: bool) -> None:
    async def run() -> None:
        reached = asyncio.Event()

        class Endless(Stock):
            async def ready(self) -> bool:
                if not self.left:
                    await asyncio.Event().wait()
                return True

        stock = Endless(letters(3))
        async with relay(pipelining=pipelining) as (port, _):

            def begin(outgoing: Outgoing) -> bool:
                if not stock.left:
                    reached.set()
                return stock.begin(outgoing)

            running = asyncio.create_task(
                SmtpTransport(at(port), connections=1).run(stock, begin, stock.outcomes.append)
            )
            async with asyncio.timeout(10):
                await reached.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert set(stock.answers()) | {outgoing.delivery_id for outgoing in stock.left} == {1, 2, 3}

    asyncio.run(run())
