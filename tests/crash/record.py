"""What was the server given? Its record, line by line: written by the server before it answers, read by whoever audits.

A line is a letter, the number of the connection, and what belongs to it:

    C 7 s3.clinic.example            a client said EHLO
    B 7 token p1@example.org         the first byte of a body came; the token is that of the return path
    A 7 token p1@example.org id      the message with this Message-ID is accepted; written before the 250 is
    W 7 token                        the 250 was handed to the system
    R 7 token p1@example.org 450     refused
    F 7 body reset                   the connection fails, at this stage and in this manner
    X 7                              the connection has ended
    ! 7 words                        the client broke the protocol
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path


class Writer:
    """Appends to the record; what is written is there for readers at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def add(self, lines: list[str]) -> None:
        """Append these lines in one piece."""
        if lines:
            os.write(self._file, ("\n".join(lines) + "\n").encode())


class Record:
    """The record as far as it was read."""

    def __init__(self, path: Path, delivery_of: Callable[[str, str], int | None]) -> None:
        path.touch()
        self._file = path.open("rb")
        self._rest = b""
        #: (kind, token) -> the delivery that it names; kind is ``bounce`` or ``message``.
        self._delivery_of = delivery_of
        #: delivery -> how often it was accepted.
        self.accepted: Counter[int] = Counter()
        #: (Message-ID, recipient) -> how often it was accepted.
        self.letters: Counter[tuple[str, str]] = Counter()
        #: delivery -> its recipient.
        self.recipients: dict[int, str] = {}
        #: delivery -> the connection that its last body came by; none where that was refused.
        self.came_by: dict[int, int] = {}
        #: connection -> the delivery whose body came last.
        self.last_on: dict[int, int] = {}
        #: connection -> the name that the client gave.
        self.clients: dict[int, str] = {}
        #: Deliveries that the 250 was written for.
        self.answered: set[int] = set()
        #: delivery -> the codes that it was refused with.
        self.refused: dict[int, list[int]] = {}
        #: Connections that have not ended.
        self.open: set[int] = set()
        #: What cannot be, in words.
        self.faults: list[str] = []
        #: Connections that failed, by stage.
        self.failures: Counter[str] = Counter()
        #: Bodies that began.
        self.bodies = 0

    def read(self) -> Record:
        """Read what has been written since."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            kind, connection, *facts = line.decode().split(" ")
            self._understand(kind, int(connection), facts)
        return self

    def close(self) -> None:
        """Read nothing more."""
        self._file.close()

    @property
    def total(self) -> int:
        """Messages accepted."""
        return sum(self.accepted.values())

    def _understand(self, kind: str, connection: int, facts: list[str]) -> None:
        match kind:
            case "C":
                self.clients[connection] = facts[0]
                self.open.add(connection)
            case "B":
                delivery = self._delivery(facts[0])
                self.bodies += 1
                self.came_by[delivery] = connection
                self.last_on[connection] = delivery
            case "A":
                self._accept(*facts)
            case "W":
                self.answered.add(self._delivery(facts[0]))
            case "R":
                delivery = self._delivery(facts[0])
                self.refused.setdefault(delivery, []).append(int(facts[2]))
                self.came_by.pop(delivery, None)
            case "F":
                self.failures[facts[0]] += 1
            case "X":
                self.open.discard(connection)
            case _:
                self.faults.append(f"protocol: {' '.join(facts)}")

    def _accept(self, token: str, recipient: str, message_id: str) -> None:
        delivery = self._delivery(token)
        named = self._delivery_of("message", message_id.partition("@")[0])
        if named != delivery:
            self.faults.append(f"Message-ID and return path name two deliveries: {named}, {delivery}")
        if self.recipients.setdefault(delivery, recipient) != recipient:
            self.faults.append(f"delivery {delivery} went to two people")
        self.accepted[delivery] += 1
        self.letters[message_id, recipient] += 1

    def _delivery(self, token: str) -> int:
        found = self._delivery_of("bounce", token)
        if found is None:
            self.faults.append(f"a return path that nobody made: {token}")
        return found or 0
