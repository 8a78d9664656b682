"""A database that was restored from a copy does not send again by itself."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from outreach.actions import accept_copy
from outreach.engine.watermark import Watermark
from outreach.errors import DatabaseRewound
from outreach.store import campaigns, installation
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.transport.base import Outgoing
from outreach.transport.memory import ACCEPTED, Answer, MemoryTransport
from tests.engine.sending import campaign, running, sender, until
from tests.store import crowd


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def at_home(home: Path, sqlite_store: Store) -> Store:
    """An SQLite database in the data folder, as `outreach init` makes it."""
    assert sqlite_store.url.database is not None
    shutil.copyfile(sqlite_store.url.database, home / "outreach.db")
    store = Store(f"sqlite:///{home / 'outreach.db'}")
    with store.writing() as session:
        installation.state_once(session, installation.ID, "ours")
    return store


def mark(store: Store, home: Path) -> Watermark:
    return Watermark(store, home / "watermark")


def copied(home: Path, to: str) -> Path:
    """A copy of the database as it is now, made as one should: whole."""
    import sqlite3

    target = home.parent / to
    with sqlite3.connect(home / "outreach.db") as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target


def restored(store: Store, home: Path, copy: Path) -> Store:
    store.close()
    for file in home.glob("outreach.db*"):
        file.unlink()
    shutil.copyfile(copy, home / "outreach.db")
    return Store(f"sqlite:///{home / 'outreach.db'}")


def test_a_restored_copy_is_refused_and_sends_to_nobody_twice(at_home: Store, home: Path, now: datetime) -> None:
    number, got = campaign(at_home, now, 300), Counter[str]()
    copies: list[Path] = []

    async def taken(outgoing: Outgoing) -> Answer:
        got[outgoing.recipient] += 1
        if len(got) == 100:
            copies.append(await asyncio.to_thread(copied, home, "yesterday.db"))
        await asyncio.sleep(0.002)
        return ACCEPTED

    asyncio.run(sender(at_home, MemoryTransport(taken), watermark=mark(at_home, home)).drain(number))
    store = restored(at_home, home, copies[0])
    assert crowd.told(store, number)["queued"] > 0
    again = sender(store, MemoryTransport(taken), watermark=mark(store, home))
    with pytest.raises(DatabaseRewound, match="restored from a copy"):
        asyncio.run(again.drain(number))
    assert set(got.values()) == {1}
    assert len(got) == 300
    store.close()


def test_a_sender_waits_until_the_copy_is_accepted_and_then_goes_on(
    at_home: Store, home: Path, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    number, other = campaign(at_home, now, 3), campaign(at_home, now, 2, name="summer")
    with at_home.writing() as session:
        campaigns.move(session, other, CampaignState.SENDING, CampaignState.PAUSED, now=now)
    copy = copied(home, "copy.db")
    mark(at_home, home).require()
    mark(at_home, home).rise()
    store, transport = restored(at_home, home, copy), MemoryTransport()

    async def main() -> None:
        async with running(store, transport, watermark=mark(store, home)):
            await until(lambda: "books_closed" in caplog.text)
            assert accept_copy.database(store, mark(store, home).accept, now=now) == ["spring"]
            with store.writing() as session:
                campaigns.move(session, other, CampaignState.PAUSED, CampaignState.SENDING, now=now)
            await until(lambda: len(transport.accepted) == 2)

    asyncio.run(main())
    with store.reading() as session:
        held = campaigns.by_id(session, number)
    assert (held.state, held.reason) == (CampaignState.PAUSED, accept_copy.SENDING)
    assert crowd.told(store, number) == {"queued": 3}
    store.close()


def test_a_data_folder_that_was_restored_whole_is_noticed(at_home: Store, home: Path) -> None:
    mark(at_home, home).require()
    mark(at_home, home).rise()
    at_home.close()
    elsewhere = home.parent / "restored"
    shutil.copytree(home, elsewhere)
    store = Store(f"sqlite:///{elsewhere / 'outreach.db'}")
    with pytest.raises(DatabaseRewound):
        mark(store, elsewhere).require()
    mark(store, elsewhere).accept()
    mark(store, elsewhere).require()
    store.close()


def test_a_database_file_that_was_brought_here_alone_is_noticed(at_home: Store, home: Path) -> None:
    mark(at_home, home).require()
    mark(at_home, home).rise()
    (home / "watermark").unlink()
    with pytest.raises(DatabaseRewound):
        mark(at_home, home).require()


def test_a_new_host_of_a_shared_database_begins_where_that_stands(store: Store, tmp_path: Path) -> None:
    first, second = (Watermark(store, tmp_path / name / "watermark") for name in ("a", "b"))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    for _ in range(3):
        first.require()
        first.rise()
    second.require()
    with store.writing() as session:
        assert installation.rise(session, -2) == 1  # an older copy
    for host in (first, second):
        with pytest.raises(DatabaseRewound):
            host.require()
    second.accept()  # once, for every host
    first.require()
    second.require()


def test_one_data_folder_may_serve_several_databases(store: Store, sqlite_store: Store, tmp_path: Path) -> None:
    for each, name, height in ((store, "one", 5), (sqlite_store, "two", 1)):
        with each.writing() as session:
            installation.state_once(session, installation.ID, name)
        mark(each, tmp_path).require()
        for _ in range(height):
            mark(each, tmp_path).rise()
    mark(store, tmp_path).require()
    mark(sqlite_store, tmp_path).require()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"inode": 1}', '{"inode": "x", "heights": {}}'])
def test_a_note_that_cannot_be_read_remembers_nothing(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "watermark").write_text(text)
    mark(store, tmp_path).require()
    mark(store, tmp_path).rise()
    mark(store, tmp_path).require()


def test_without_a_file_nothing_is_refused(store: Store) -> None:
    Watermark(store, None).require()
    Watermark(store, None).rise()
    Watermark(store, None).require()


def test_overdue_schedules_are_held_with_a_restored_copy(sqlite_store: Store, now: datetime) -> None:
    group = crowd.made_list(sqlite_store, now, 1)
    scheduled = {"state": CampaignState.SCHEDULED, "launched_at": None}
    crowd.made_campaign(sqlite_store, now, group, name="overdue", **scheduled, due_at=now)
    later = now.replace(year=now.year + 1)
    crowd.made_campaign(sqlite_store, now, group, name="later", **scheduled, due_at=later)
    assert accept_copy.database(sqlite_store, lambda: None, now=now) == ["overdue"]
    assert accept_copy.database(sqlite_store, lambda: None, now=now) == []


@pytest.mark.parametrize("seam", ["_read", "_database"])
@pytest.mark.parametrize("is_first", [True, False])
def test_another_sender_at_work_in_between_makes_no_older_copy(
    at_home: Store, home: Path, monkeypatch: pytest.MonkeyPatch, seam: str, is_first: bool
) -> None:
    """Several senders on one host: one read the database, another raised it and noted that, the first was refused."""
    ours, other = mark(at_home, home), mark(at_home, home)
    if not is_first:
        ours.require()
        ours.rise()
    original, at_work = getattr(Watermark, seam), []

    def read(watermark: Watermark) -> object:
        found = original(watermark)
        if watermark is ours and not at_work:
            at_work.append(True)
            other.require()
            other.rise()
        return found

    monkeypatch.setattr(Watermark, seam, read)
    ours.require()
    assert at_work
