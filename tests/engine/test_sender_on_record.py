"""A sender with a journal: what it cannot write down it does not send, and its end leaves nothing to replay."""

from __future__ import annotations

import asyncio
import errno
import logging
from datetime import datetime
from pathlib import Path

import pytest

from outreach.engine import records
from outreach.engine.records import Kind
from outreach.errors import DatabaseUnavailable, JournalUnavailable
from outreach.replies.smtp import Stage
from outreach.store.database import Store
from outreach.transport.base import Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from tests.engine.sending import campaign, drained, running, sender, until
from tests.engine.test_journal import files, no_room
from tests.store import crowd


def on_record(folder: Path) -> list[tuple[Kind, int]]:
    found = [record for file in files(folder) for record in records.read(file.read_bytes())[1]]
    return [(record.kind, record.delivery_id) for record in found if record.kind is not Kind.CLAIM]


def test_a_body_is_on_record_before_it_leaves_and_the_answer_before_it_is_settled(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    number = campaign(sqlite_store, now, 1)
    seen: list[list[tuple[Kind, int]]] = []
    transport = MemoryTransport()
    passed = transport._passed

    def watched(outgoing: Outgoing, *answer: object) -> object:
        seen.append(on_record(tmp_path))
        return passed(outgoing, *answer)  # type: ignore[arg-type]

    transport._passed = watched  # type: ignore[assignment,method-assign]
    assert drained(sqlite_store, number, transport, journals=tmp_path) == {"sent": 1}
    assert seen == [[(Kind.BEGUN, 1)]]
    assert list(tmp_path.glob("*.journal")) == []


def test_a_stop_leaves_no_journal(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    number = campaign(sqlite_store, now, 200)

    async def slowly(outgoing: Outgoing) -> Answer:
        await asyncio.sleep(0.005)
        return ACCEPTED

    async def main() -> None:
        transport = MemoryTransport(slowly)
        async with running(sqlite_store, transport, journals=tmp_path) as stop:
            await until(lambda: len(transport.accepted) > 20)
            assert len(files(tmp_path)) == 1
            stop.set()

    asyncio.run(main())
    assert files(tmp_path) == []
    assert "claimed" not in crowd.told(sqlite_store, number)


def test_what_could_not_be_settled_at_the_end_is_settled_by_the_next_sender(
    sqlite_store: Store, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away with answers in the sender's hands, and the sender is stopped."""
    number = campaign(sqlite_store, now, 30)
    writing, away = sqlite_store.writing, False

    def sometimes():  # type: ignore[no-untyped-def]
        if away:
            raise DatabaseUnavailable("The database cannot be used: disk I/O error.")
        return writing()

    async def then_away(outgoing: Outgoing) -> Answer:
        nonlocal away
        away = True
        return ACCEPTED

    async def main() -> None:
        transport = MemoryTransport(then_away)
        async with running(sqlite_store, transport, journals=tmp_path) as stop:
            await until(lambda: bool(transport.accepted))
            stop.set()

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "writing", sometimes)
        asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"claimed": 30}
    transport = MemoryTransport()
    assert drained(sqlite_store, number, transport, journals=tmp_path) == {"sent": 30}
    assert len(transport.accepted) < 30
    assert files(tmp_path) == []


def test_a_disk_without_room_for_the_journal_holds_everything_until_there_is(
    sqlite_store: Store,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    number = campaign(sqlite_store, now, 3000)
    monkeypatch.setattr("outreach.engine.journal.SEGMENT_BYTES", 400_000)  # one claim and a bit
    transport = MemoryTransport()

    def full(file: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def main() -> None:
        async with running(sqlite_store, transport, journals=tmp_path):
            await until(lambda: len(transport.accepted) > 100)
            with monkeypatch.context() as patch:
                patch.setattr("outreach.engine.journal._allocate", full)
                await until(lambda: "books_closed" in caplog.text)
                await asyncio.sleep(0.2)
                assert len(transport.accepted) < 3000
                assert "claimed" not in crowd.told(sqlite_store, number)
            await until(lambda: len(transport.accepted) == 3000)

    with caplog.at_level(logging.WARNING, logger="outreach.sender"):
        asyncio.run(main())
    assert crowd.told(sqlite_store, number) == {"sent": 3000}
    assert "books_open_again" in caplog.text


def test_a_drain_that_can_keep_no_journal_says_so_and_claims_nothing(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    number = campaign(sqlite_store, now, 3)
    transport = MemoryTransport()
    with no_room(), pytest.raises(JournalUnavailable, match="journal"):
        asyncio.run(sender(sqlite_store, transport, journals=tmp_path).drain(number))
    assert transport.begun == []
    assert crowd.told(sqlite_store, number) == {"queued": 3}


def test_a_connection_that_dies_after_the_body_leaves_a_doubt_on_both_records(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    async def lost(outgoing: Outgoing) -> Answer:
        return Stage.BODY, None

    number = campaign(sqlite_store, now, 2)
    assert drained(sqlite_store, number, MemoryTransport(lost), journals=tmp_path) == {"unknown": 2}
    assert files(tmp_path) == []
