"""`/healthz` and `/readyz` mean something, and tell strangers no more than that."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.routing import Route

from outreach.errors import DatabaseUnavailable
from outreach.store import installation
from outreach.store.database import Store, sqlite_file
from outreach.web import health as healths
from outreach.web.health import Health
from outreach.web.readiness import Readiness

OURS = "0123456789abcdef"


@pytest.fixture
def house(store: Store) -> Store:
    """A database that was made with our key."""
    with store.writing() as session:
        installation.state_once(session, "installation_id", "one")
        installation.state_once(session, "key_fingerprint", OURS)
    return store


def readiness(store: Store, **more: Any) -> Readiness:
    return Readiness(store, **{"fingerprint": OURS, **more})


def ask(health: Health, path: str) -> httpx.Response:
    """One request to an app that serves nothing else; `/detail` is what the operator sees."""
    routes = [Route("/healthz", health.alive), Route("/readyz", health.ready)]
    routes += [Route("/detail/healthz", health.alive_in_detail), Route("/detail/readyz", health.ready_in_detail)]

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=routes))
        async with httpx.AsyncClient(transport=transport, base_url="http://news.example") as client:
            return await client.get(path)

    return asyncio.run(main())


def failed(answer: httpx.Response) -> list[str]:
    checks: Mapping[str, str] = answer.json()["checks"]
    assert (answer.status_code, answer.json()["ready"]) in {(200, True), (503, False)}
    assert answer.json()["ready"] is all(each == "ok" for each in checks.values())
    return [check for check, state in checks.items() if state != "ok"]


def test_a_database_that_can_be_used_is_ready_by_every_check(house: Store, tmp_path: Path) -> None:
    answer = ask(Health(readiness(house, folders=[tmp_path])), "/readyz")
    assert (answer.status_code, failed(answer)) == (200, [])
    assert list(answer.json()["checks"]) == ["database", "version", "key", "writable", "space"]


def test_another_key_is_not_ready(house: Store) -> None:
    assert failed(ask(Health(readiness(house, fingerprint="another")), "/readyz")) == ["key"]


def test_a_database_of_another_version_is_not_ready(house: Store) -> None:
    with house.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    assert failed(ask(Health(readiness(house)), "/readyz")) == ["version"]


def test_a_database_that_is_away_is_not_ready(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise DatabaseUnavailable("The database sqlite:////srv/secret/outreach.db cannot be used.")

    monkeypatch.setattr(house, "reading", away)
    health = Health(readiness(house))
    public, private = ask(health, "/readyz"), ask(health, "/detail/readyz")
    assert failed(public) == ["database"]
    assert "secret" not in public.text
    assert "/srv/secret/outreach.db" in private.json()["why"]["database"]


def test_a_full_sqlite_is_not_ready_and_says_no_path(sqlite_store: Store) -> None:
    @sa.event.listens_for(sqlite_store.engine, "connect")
    def no_page_more(connection: Any, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    health = Health(Readiness(sqlite_store))
    assert failed(ask(health, "/readyz")) == ["writable"]
    assert str(sqlite_file(sqlite_store)) not in ask(health, "/readyz").text
    assert "full" in ask(health, "/detail/readyz").json()["why"]["writable"]


def test_a_folder_that_cannot_be_written_is_not_ready(sqlite_store: Store) -> None:
    health = Health(Readiness(sqlite_store, folders=[Path("/proc/self")]))
    assert failed(ask(health, "/readyz")) == ["space"]
    assert "nothing can be written into" in ask(health, "/detail/readyz").json()["why"]["space"]


def test_a_disk_that_is_nearly_full_is_not_ready(sqlite_store: Store, tmp_path: Path) -> None:
    health = Health(Readiness(sqlite_store, folders=[tmp_path], floor=2**62))
    assert failed(ask(health, "/readyz")) == ["space"]
    assert "MiB are free in" in ask(health, "/detail/readyz").json()["why"]["space"]


FULL = """
import json, resource, sys
from pathlib import Path
from outreach.store.database import Store
from outreach.web.readiness import Readiness
url, folder = sys.argv[1:]
readiness = Readiness(Store(url), folders=[Path(folder)])
before = readiness.look()
resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))
print(json.dumps([before, readiness.look()]))
"""


def test_a_disk_that_takes_not_a_byte_more_is_not_ready(sqlite_store: Store, tmp_path: Path) -> None:
    """The operating system itself refuses: no file may grow beyond 1 KiB."""
    url = sqlite_store.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", FULL, url, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    before, after = json.loads(done.stdout)
    assert not any(before.values())
    assert "File too large" in after["space"]


@pytest.mark.parametrize("path", ["/readyz", "/detail/readyz"])
def test_a_database_that_hangs_is_told_in_time(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    go_on, reading = threading.Event(), sqlite_store.reading
    hung = []

    def hangs() -> Any:
        hung.append(1)
        go_on.wait(30)
        return reading()

    monkeypatch.setattr(sqlite_store, "reading", hangs)
    monkeypatch.setattr(healths, "PATIENCE", 0.2)
    health = Health(Readiness(sqlite_store))
    begun = time.monotonic()
    try:
        for _ in range(3):
            assert failed(ask(health, path)) == ["database"]
        assert time.monotonic() - begun < 10
        assert hung == [1]
    finally:
        go_on.set()


def test_a_change_is_logged_once_with_the_reason(house: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="outreach.health")
    wrong = Readiness(house, fingerprint="another")
    health = Health(wrong)
    for _ in range(3):
        ask(health, "/readyz")
    wrong._fingerprint = OURS
    for _ in range(3):
        ask(health, "/readyz")
    assert [record.getMessage() for record in caplog.records] == [
        'not_ready check=key why="it was made with another secret key"',
        "ready_again",
    ]


def test_alive_is_who_answers_and_whose_parts_work(sqlite_store: Store) -> None:
    ailing: dict[str, str] = {}
    health = Health(Readiness(sqlite_store), lambda: ailing)
    assert (ask(health, "/healthz").status_code, ask(health, "/healthz").text) == (200, "ok\n")
    ailing["sender-1"] = "it has given no sign of life for 61 seconds"
    public, private = ask(health, "/healthz"), ask(health, "/detail/healthz")
    assert (public.status_code, public.text) == (503, "sender-1 does not work\n")
    assert (private.status_code, private.text) == (503, "sender-1: it has given no sign of life for 61 seconds\n")
    ailing.clear()
    assert ask(health, "/healthz").status_code == 200


def test_whoever_asks_all_the_time_costs_nothing(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    real: Callable[[], Mapping[str, str]] = Readiness(sqlite_store).look

    class Counted(Readiness):
        def look(self) -> Mapping[str, str]:
            looks.append(1)
            return real()

    monkeypatch.setattr(healths, "KEEP", 60.0)
    health = Health(Counted(sqlite_store))
    for _ in range(20):
        assert ask(health, "/readyz").status_code == 200
    assert looks == [1]
