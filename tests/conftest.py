"""Fixtures that every room shares: a real SQLite, a real PostgreSQL, a still clock, no way to the network."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from outreach.store import migrate
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing
from tests import cluster
from tests.cluster import administer as _administer
from tests.cluster import free_port  # noqa: F401 - tests ask here for it

#: A moment that tests agree on.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

#: The rooms of the pure floor: their tests may open no socket.
PURE = {"message", "audience", "timing", "replies", "tracking", "diagnosis"}


#: What passed once passes everywhere: the same examples in every run, however busy the machine is.
#: --hypothesis-profile=default looks for others.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture
def now() -> datetime:
    """A moment that stands still."""
    return NOW


@pytest.fixture
def keys() -> KeyRing:
    """A key ring that is the same in every run."""
    return KeyRing(b"0123456789abcdef0123456789abcdef")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No OUTREACH_ variable of the machine reaches a test, and none writes outside its own folder."""
    for name in list(os.environ):
        if name.startswith("OUTREACH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _no_socket_on_the_pure_floor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = request.path.relative_to(request.config.rootpath).parts
    if len(parts) > 1 and parts[1] in PURE:

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("the pure floor opened a socket")

        monkeypatch.setattr(socket, "socket", refuse)
        monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a private PostgreSQL cluster without its database name."""
    try:
        with cluster.private() as url:
            yield url
    except cluster.NoPostgresql as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def _migrated_template(postgresql: str) -> str:
    """A migrated database that others are cloned from: migrating anew for each test would take seconds."""
    _administer(postgresql, "CREATE DATABASE template_outreach")
    store = Store(f"{postgresql}/template_outreach")
    migrate.upgrade(store)
    store.close()
    return "template_outreach"


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "outreach.db"
    store = Store(f"sqlite:///{file}")
    migrate.upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh, migrated store; every test that asks for it runs once on SQLite and once on PostgreSQL."""
    yield from _fresh_store(request, request.param)


@pytest.fixture
def sqlite_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh, migrated store on SQLite alone, for tests above the store."""
    yield from _fresh_store(request, "sqlite")


@pytest.fixture
def postgresql_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh, migrated store on PostgreSQL alone, for what only several writers at once can show."""
    yield from _fresh_store(request, "postgresql")


@pytest.fixture
def empty_postgresql(postgresql: str) -> Iterator[str]:
    """The URL of a PostgreSQL database that nothing was made in."""
    name = f"e_{uuid.uuid4().hex[:12]}"
    _administer(postgresql, f"CREATE DATABASE {name}")
    yield f"{postgresql}/{name}"
    _administer(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


def _fresh_store(request: pytest.FixtureRequest, backend: str) -> Iterator[Store]:
    if backend == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        file = folder / "store.db"
        shutil.copyfile(request.getfixturevalue("_migrated_file"), file)
        store = Store(f"sqlite:///{file}")
        yield store
        store.close()
        return
    server: str = request.getfixturevalue("postgresql")
    template: str = request.getfixturevalue("_migrated_template")
    name = f"t_{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    store = Store(f"{server}/{name}")
    yield store
    store.close()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")
