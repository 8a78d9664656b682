"""What a whole campaign leaves in the log: every event, and not one word that tells who or what it was about."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime

import pytest

from outreach.errors import TransportError
from outreach.log import Lines
from outreach.replies.smtp import Reply, Stage
from outreach.store.database import Store
from outreach.transport.base import Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from tests.engine.sending import campaign, drained

PASSWORD = "correct-horse"
DESTINATION = "https://quote.example.net/treatment?of=leukaemia"
#: What none of it may be found in the log.
TELLTALE = ("p1@", "p2@", "p3@", "p4@", "p5@", PASSWORD, "quote.example.net", "leukaemia", "spring")


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The log as an operator reads it, of everything that a process logs."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(as_json=request.param == "json", secrets={PASSWORD}))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_hostile_replies_leave_no_address_no_secret_and_no_destination_in_the_log(
    sqlite_store: Store, now: datetime, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = campaign(sqlite_store, now, 5)
    tokens: set[str] = set()
    away = [1]

    async def hostile(outgoing: Outgoing) -> Answer:
        """A server that repeats all that it was told: envelope, message, login."""
        tokens.update(re.findall(r"[A-Za-z0-9_-]{32,}", outgoing.message.decode() + outgoing.return_path))
        if away:
            away.clear()
            raise TransportError(f"The relay said: 535 no login with {PASSWORD} for {outgoing.recipient}.")
        local = outgoing.recipient.partition("@")[0]
        told = outgoing.message.decode().replace("\r\n", " ").replace("=", "")
        words = {
            "p1": f"<{outgoing.recipient}> from <{outgoing.return_path}>: no such user",
            "p2": f"user {local} of {local}=example.org unknown; {DESTINATION} is listed",
            "p3": f"I do not want {told}",
            "p4": f"{DESTINATION.removeprefix('https://')} was seen in mail to {outgoing.recipient.upper()}",
        }
        if local in words:
            return Stage.RCPT, Reply(451 if local == "p2" else 550, "4.7.1" if local == "p2" else "5.7.1", words[local])
        return ACCEPTED

    told = drained(sqlite_store, number, MemoryTransport(hostile, lanes=1), return_path="bounces@clinic.example")
    assert told == {"sent": 1, "deferred": 1, "failed": 3}
    log = written.getvalue()
    assert tokens
    for secret in (*TELLTALE, *tokens):
        assert secret.casefold() not in log.casefold(), secret
    events = [_event(line) for line in log.splitlines()]
    assert sorted(events) == ["delivery_deferred", *["delivery_failed"] * 3, "relay_away", "relay_back"]
    assert "p***@example.org" in log
    assert "delivery=1" in log or '"delivery": 1' in log


def test_a_message_that_cannot_be_written_is_told_with_its_traceback_in_one_line(
    sqlite_store: Store, now: datetime, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = campaign(sqlite_store, now, 1)

    def broken(*_: object) -> None:
        raise RuntimeError(f"p1@example.org and {PASSWORD}")

    monkeypatch.setattr("outreach.engine.letters.Letters.write", broken)
    assert drained(sqlite_store, number) == {"failed": 1}
    lines = written.getvalue().splitlines()
    assert [event for line in lines if (event := _event(line)) != "campaign_finished"] == ["splice_failed"]
    assert "RuntimeError: p***@example.org and ***" in lines[0]


def _event(line: str) -> str:
    if line.startswith("{"):
        document = json.loads(line)
        assert list(document)[:4] == ["time", "level", "logger", "event"]
        return str(document["event"])
    found = re.fullmatch(r"\S+Z (?:INFO|WARNING|ERROR) ([a-z_]+)(?: [a-z_]+=(?:\"(?:[^\"\\]|\\.)*\"|\S+))*", line)
    assert found, line
    return found[1]
