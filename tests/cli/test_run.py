"""`outreach run | web | clock | sender`: what is refused before anything starts."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from outreach import config
from outreach.house import prepare
from outreach.web import listen
from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


@pytest.mark.parametrize("command", [("run", "--port", "0"), ("web", "--port", "0"), ("clock",), ("sender",)])
def test_an_address_of_the_metrics_that_is_taken_is_one_sentence(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(config.load())[0].close()
    with listen.on("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("OUTREACH_METRICS", f"127.0.0.1:{port}")
        said = outreach(*command)
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        f"Error: Port {port} of 127.0.0.1 is in use already.\n"
        "Name another with OUTREACH_METRICS, or 0 for any free one.\n"
    )


HANGS = """
import threading
from concurrent.futures import ThreadPoolExecutor
from outreach import log
from outreach.cli import run
from outreach.engine.crew import Crew

log.to_stderr()
crew, pool = Crew(), ThreadPoolExecutor(1)
crew.add("sender-1", lambda stop: pool.submit(threading.Event().wait).result())
run.PATIENCE = 0.2
run._leave(crew)
"""


def test_a_process_ends_in_time_although_a_part_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "part_left_behind part=sender-1" in done.stderr
