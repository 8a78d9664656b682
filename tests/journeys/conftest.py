"""Whole journeys: real processes, a real SMTP server, both databases."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import _administer, free_port
from tests.journeys.machine import Host, Inbox
from tests.transport.conftest import _started_postfix, a_postfix, certificates

__all__ = ["_started_postfix", "a_postfix", "certificates"]  # fixtures that two rooms need


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """An SMTP server on a free port."""
    box = Inbox()
    box.controller.start()
    yield box
    box.controller.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest, tmp_path: Path, inbox: Inbox) -> Iterator[Host]:
    """An initialised installation whose relay is the inbox; every journey runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield from _host(tmp_path, inbox, f"sqlite:///{tmp_path / 'outreach.db'}")
        return
    cluster: str = request.getfixturevalue("postgresql")
    name = f"j_{uuid.uuid4().hex[:12]}"
    _administer(cluster, f"CREATE DATABASE {name}")
    yield from _host(tmp_path, inbox, f"{cluster}/{name}")
    _administer(cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def small_host(tmp_path: Path, inbox: Inbox) -> Iterator[Host]:
    """The same on SQLite alone, for what no database changes."""
    yield from _host(tmp_path, inbox, f"sqlite:///{tmp_path / 'outreach.db'}")


def _host(folder: Path, inbox: Inbox, database: str) -> Iterator[Host]:
    settings = {
        "OUTREACH_HOME": str(folder / "home"),
        "OUTREACH_DATABASE_URL": database,
        "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{inbox.port}",
        "OUTREACH_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "OUTREACH_FROM": "Clinic News <news@clinic.example.org>",
        "OUTREACH_POSTAL_ADDRESS": "Clinic News, 1 Example Street, Example City",
        "OUTREACH_QUOTE_URL": "https://quote.example.org/start?source=mail&lang=en",
    }
    found = Host({**os.environ, **settings}, folder)
    found.outreach("init")
    yield found
    found.clear_away()
