"""An SMTP server that is never killed, and writes down what it accepts before it says so.

It knows nothing of outreach. It is strict about the order of commands (what a client gets wrong is on record too),
speaks PIPELINING, and is quick, since 200,000 messages pass it. It runs in a process of its own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

from tests.crash import faults
from tests.crash.faults import Fault, Manner, Plan, Stage
from tests.crash.record import Writer

_PATH = re.compile(rb"^(?:MAIL FROM|RCPT TO):<([^>]*)>", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
_END = b"\r\n.\r\n"


class Book:
    """What all connections of the server share."""

    def __init__(self, record: Path, plan: Plan | None, *, refuses: bool) -> None:
        self.writer = Writer(record)
        self.plan = plan
        self.refuses = refuses
        self.connections = 0
        self.living: set[asyncio.Transport] = set()
        #: Deliveries that were refused once already.
        self._refused: set[tuple[str, Stage]] = set()

    def refusal(self, token: str, recipient: str, stage: Stage) -> str | None:
        """The answer that refuses this person at this stage, if any."""
        found = faults.refusal(recipient) if self.refuses else None
        if found is None or found.stage is not stage or (found.once and (token, stage) in self._refused):
            return None
        self._refused.add((token, stage))
        return found.answer


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, book: Book) -> None:
        self._book = book
        book.connections += 1
        self._number = book.connections
        self._fault: Fault | None = book.plan.next() if book.plan else None
        self._rest = bytearray()
        self._in_body = self._begun = False
        self._messages = 0
        self._token = self._recipient = ""
        #: The transaction as far as it has come: nothing, MAIL or RCPT.
        self._open: Stage | None = None
        self._answers: list[str] = []
        self._lines: list[str] = []
        self._accepted: list[str] = []
        self._over = self._mute = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._book.living.add(self._transport)
        self._messages = 1  # what befalls before the first message counts as at it
        if not self._fails(Stage.CONNECT) and not self._fails(Stage.GREETING):
            self._answers.append("220 relay.example ESMTP")
        self._messages = 0
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._book.living.discard(self._transport)
        self._lines.append(f"X {self._number}")
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while not self._over and (self._take_body() if self._in_body else self._take_line()):
            pass
        self._flush()

    # -- what arrives

    def _take_line(self) -> bool:
        line, found, rest = self._rest.partition(b"\r\n")
        if not found:
            return False
        self._rest = rest
        verb = bytes(line[:4]).upper()
        steps: dict[bytes, Callable[[bytes], None]] = {
            b"EHLO": self._ehlo,
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": self._rset,
            b"QUIT": self._quit,
        }
        steps.get(verb, self._nonsense)(bytes(line))
        return True

    def _ehlo(self, line: bytes) -> None:
        self._lines.append(f"C {self._number} {line[5:].decode()}")
        self._messages = 1
        if not self._fails(Stage.EHLO):
            self._answers += ["250-relay.example", "250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250 8BITMIME"]
        self._messages = 0

    def _mail(self, line: bytes) -> None:
        self._messages += 1
        path = _PATH.match(line)
        if self._fails(Stage.MAIL):
            return
        if path is None or self._open is not None:
            self._nonsense(line)
            return
        self._token = path[1].decode().partition("@")[0].partition("+")[2]
        self._open = Stage.MAIL
        self._answers.append("250 2.1.0 Ok")

    def _rcpt(self, line: bytes) -> None:
        path = _PATH.match(line)
        if self._fails(Stage.RCPT):
            return
        if path is None or self._open is None:
            self._nonsense(line)
            return
        self._recipient = path[1].decode()
        refused = self._book.refusal(self._token, self._recipient, Stage.RCPT)
        if refused:
            self._refuse(refused)
        else:
            self._open = Stage.RCPT
            self._answers.append("250 2.1.5 Ok")

    def _data(self, line: bytes) -> None:
        if self._fails(Stage.DATA):
            return
        if self._open is not Stage.RCPT:
            self._answers.append("503 5.5.1 no valid recipient")  # what PIPELINING makes of a refused one
            return
        self._in_body, self._begun = True, False
        self._answers.append("354 Go ahead")

    def _rset(self, line: bytes) -> None:
        self._open = None
        self._answers.append("250 2.0.0 Ok")

    def _quit(self, line: bytes) -> None:
        self._answers.append("221 2.0.0 Bye")
        self._end(Manner.CLOSE)

    def _nonsense(self, line: bytes) -> None:
        if not self._mute:  # what was on its way when its half was closed is no fault of the client
            self._lines.append(f"! {self._number} {line[:60].decode('ascii', 'replace')!r} where {self._open} was open")
        self._answers.append("503 5.5.1 bad sequence of commands")

    def _take_body(self) -> bool:
        if self._rest and not self._begun:
            self._begun = True
            self._lines.append(f"B {self._number} {self._token} {self._recipient}")
        end = self._rest.find(_END)
        if self._rest and self._fails(Stage.BODY):
            return False
        if end < 0:
            return False
        body = bytes(self._rest[: end + 2])
        del self._rest[: end + len(_END)]
        self._in_body, self._open = False, None
        self._end_of_body(body)
        return True

    def _end_of_body(self, body: bytes) -> None:
        refused = self._book.refusal(self._token, self._recipient, Stage.END)
        if refused:
            self._refuse(refused)
            return
        if self._fails(Stage.END):
            return
        self._lines.append(f"A {self._number} {self._token} {self._recipient} {message_id(body)}")
        if not self._fails(Stage.ANSWER) and not self._mute:
            self._accepted.append(f"W {self._number} {self._token}")
            self._answers.append("250 2.0.0 accepted")

    def _refuse(self, answer: str) -> None:
        self._lines.append(f"R {self._number} {self._token} {self._recipient} {answer[:3]}")
        self._answers.append(answer)

    # -- what goes out

    def _fails(self, stage: Stage) -> bool:
        """Do what is planned to go wrong here; whether something was."""
        fault = self._fault
        if fault is None or fault.stage is not stage or fault.message > self._messages:
            return False
        self._fault = None
        self._lines.append(f"F {self._number} {fault.stage} {fault.manner}")
        if fault.manner is Manner.GOODBYE:
            self._answers.append("421 4.3.2 going away")
        self._end(fault.manner)
        return True

    def _end(self, manner: Manner) -> None:
        self._flush(answer=manner is not Manner.RESET)
        if manner is Manner.RESET:
            self._over = True
            self._transport.abort()
        elif manner is Manner.HALF:
            self._mute = True
            self._transport.write_eof()
        else:
            self._over = True
            self._transport.close()

    def _flush(self, *, answer: bool = True) -> None:
        """On record first, then the answers, then that they were given."""
        self._book.writer.add(self._lines)
        self._lines.clear()
        if answer and self._answers and not self._mute and not self._transport.is_closing():
            self._transport.write("".join(f"{line}\r\n" for line in self._answers).encode())
            self._book.writer.add(self._accepted)
        self._answers.clear()
        self._accepted.clear()


def message_id(message: bytes) -> str:
    """The Message-ID of a message, without its brackets."""
    found = _MESSAGE_ID.search(message.partition(b"\r\n\r\n")[0])
    return found[1].decode() if found else "-"


def serve(record: Path, control: Connection, plan: Plan | None, refuses: bool, port: int) -> None:
    """Run until told ``end``; ``down`` resets every connection and refuses new ones, ``up`` is there again.

    Each order is answered with its own word; the first word says that the server listens.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        book = Book(record, plan, refuses=refuses)
        runner.run(serving(book, control, port, lambda: Conversation(book)))


async def serving(book: Book, control: Connection, port: int, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    """Listen as `control` says."""
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[str] = asyncio.Queue()

    def hear() -> None:
        try:
            orders.put_nowait(control.recv())
        except EOFError:
            loop.remove_reader(control.fileno())
            orders.put_nowait("end")

    async def listen() -> asyncio.Server:
        return await loop.create_server(protocol, "127.0.0.1", port, backlog=500)

    server = await listen()
    loop.add_reader(control.fileno(), hear)
    control.send("up")
    while (order := await orders.get()) != "end":
        if order == "down":
            server.close()
            for transport in list(book.living):
                transport.abort()
        elif order == "up":
            server = await listen()
        control.send(order)
    server.close()
