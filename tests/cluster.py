"""A PostgreSQL of one's own, for as long as it is needed: binaries of the machine, data in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


class NoPostgresql(Exception):
    """PostgreSQL's server binaries are not on this machine."""


@contextmanager
def private(*, durable: bool = False, connections: int = 60) -> Iterator[str]:
    """The URL of a private cluster without its database name; started as a user that is not root.

    Unless it is to be durable it syncs nothing, which is right for tests that no power cut will interrupt. Raises
    NoPostgresql.
    """
    initdb = _binary("initdb")
    folder = Path(tempfile.mkdtemp(prefix="outreach-pg-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, timeout=120)

    run(str(initdb), "-D", str(data), "-U", "outreach", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    port = free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections={connections}"
    if not durable:
        options += " -c fsync=off"
    run(str(initdb.with_name("pg_ctl")), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://outreach@127.0.0.1:{port}"
    finally:
        run(str(initdb.with_name("pg_ctl")), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def administer(cluster: str, statement: str) -> None:
    """One statement outside of any database of ours, such as CREATE DATABASE."""
    engine = sa.create_engine(f"{cluster}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binary(name: str) -> Path:
    candidates = [Path(found)] if (found := shutil.which(name)) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    for candidate in candidates:
        real = candidate.resolve()
        if real.with_name("pg_ctl").exists() and real.with_name("postgres").exists():
            return real
    raise NoPostgresql(
        "PostgreSQL's server binaries (initdb, pg_ctl, postgres) are not on this machine: run .ci/tools."
    )
