"""A machine with outreach on it and an SMTP server beside it; waiting is for a condition, with a deadline."""

from __future__ import annotations

import email
import email.policy
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from outreach.store import campaigns
from outreach.store.database import Store
from tests.conftest import free_port

#: Seconds that a journey waits for anything: generous, since only a failure ever waits so long.
DEADLINE = 60.0


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """Wait until the condition gives something, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} seconds: {what}")


class Inbox:
    """A real SMTP server that keeps what it accepts; refuses where `refuse` says so."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        #: Address -> the replies to its RCPT, one each time, then it is accepted.
        self.replies: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer as told, else accept."""
        with self._lock:
            waiting = self.replies.get(address.lower())
            if waiting:
                return waiting.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message."""
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self._lock:
            self.recipients += envelope.rcpt_tos
            self.mails.append(mail)  # type: ignore[arg-type]
        return "250 2.0.0 accepted"


@dataclass
class Host:
    """A machine with outreach on it: its environment, and the processes that were started there."""

    environment: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _store: Store | None = None

    def outreach(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "outreach", *arguments],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            env={**self.environment, **environment},
            cwd=self.folder,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def document(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        return json.loads(self.outreach(*arguments, "--json").stdout)

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start a command that goes on; returns when it has said its first line."""
        log = (self.folder / f"log-{len(self.processes)}").open("w+")
        process = subprocess.Popen(
            [sys.executable, "-m", "outreach", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**self.environment, **environment},
            cwd=self.folder,
        )
        self.processes.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        running = Running(process, first, Path(log.name))
        log.close()
        assert first, f"{arguments} ended at once: {running.log}"
        return running

    @property
    def store(self) -> Store:
        """The database, as the processes see it."""
        if self._store is None:
            self._store = Store(self.environment["OUTREACH_DATABASE_URL"])
        return self._store

    def state(self, name: str) -> str:
        """The state of a campaign, read without a process of its own: for those who wait for it."""
        with self.store.reading() as session:
            return campaigns.by_name(session, name).state.value

    def clear_away(self) -> None:
        """End what was started here."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(DEADLINE)
            if process.stdout is not None:
                process.stdout.close()
        if self._store is not None:
            self._store.close()


@dataclass
class Running:
    """A process that goes on."""

    process: subprocess.Popen[str]
    #: The first line that it said.
    first: str
    file: Path

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.file.read_text()

    @property
    def url(self) -> str:
        """Where it listens."""
        found = re.search(r"http://\S+?(?=;)", self.first)
        assert found, self.first
        return found[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)
