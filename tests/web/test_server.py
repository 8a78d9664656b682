"""The web part as a process: what it has answered is on the disk, however it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from outreach import config
from outreach.store.database import Store
from tests.conftest import free_port
from tests.web.conftest import FIREFOX

SERVE = """
import sys
from pathlib import Path
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.web import app, server
url, key, pages, port = sys.argv[1:]
site = app.Site(public_url="https://news.example", pages=(Path(pages),))
made = app.make(Store(url), TokenMaker(KeyRing(key.encode())), site)
server.run(server.make(made, host="127.0.0.1", port=int(port)))
"""


@pytest.fixture
def port() -> int:
    """Where the process listens."""
    return free_port()


@pytest.fixture
def process(app: Starlette, sqlite_store: Store, port: int) -> Any:
    """The web part in a process of its own."""
    key = "0123456789abcdef0123456789abcdef"
    pages = config.shipped("templates") / "pages"
    url = sqlite_store.url.render_as_string(hide_password=False)
    started = subprocess.Popen([sys.executable, "-c", SERVE, url, key, str(pages), str(port)])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and started.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.02)
    yield started
    if started.poll() is None:
        started.kill()
    started.wait()


def test_a_crash_right_after_the_answer_loses_no_hit(
    process: subprocess.Popen[bytes], port: int, path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"User-Agent": FIREFOX}) as http:
        answers = [http.get(path("l", 1, number)).status_code for number in (1, 2, 3, 1, 2)]
        process.kill()
    assert answers == [302] * 5
    process.wait()
    assert len(hits()) == 5


def test_it_leaves_cleanly_when_told(
    process: subprocess.Popen[bytes], port: int, path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        assert http.get("/healthz").text == "ok\n"
        assert http.get("/readyz").json()["ready"] is True
        answer = http.get(path("l", 1, 1))
    assert "server" not in answer.headers
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert len(hits()) == 1
