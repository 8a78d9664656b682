"""Fixtures that every room shares: a real SQLite, a real PostgreSQL, a still clock, no way to the network."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from outreach.store import migrate
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing

#: A moment that tests agree on.
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

#: The rooms of the pure floor: their tests may open no socket.
PURE = {"message", "audience", "timing", "replies", "tracking"}


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
    """The URL of a private PostgreSQL cluster without its database name; started as a user that is not root."""
    initdb = _postgres_binary("initdb")
    folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=120)

    run(str(initdb), "-D", str(data), "-U", "outreach", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    port = free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    run(str(initdb.with_name("pg_ctl")), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://outreach@127.0.0.1:{port}"
    finally:
        run(str(initdb.with_name("pg_ctl")), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


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
    cluster: str = request.getfixturevalue("postgresql")
    template: str = request.getfixturevalue("_migrated_template")
    name = f"t_{uuid.uuid4().hex[:12]}"
    _administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template}")
    store = Store(f"{cluster}/{name}")
    yield store
    store.close()
    _administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _administer(cluster: str, statement: str) -> None:
    engine = sa.create_engine(f"{cluster}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def _postgres_binary(name: str) -> Path:
    candidates = [Path(found)] if (found := shutil.which(name)) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    for candidate in candidates:
        real = candidate.resolve()
        if real.with_name("pg_ctl").exists() and real.with_name("postgres").exists():
            return real
    pytest.fail("PostgreSQL's server binaries (initdb, pg_ctl, postgres) are not on this machine: run .ci/tools.")
