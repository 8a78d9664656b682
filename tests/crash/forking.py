"""Where do the processes come from? From one that has outreach in memory already, and does nothing but fork."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path

_ROOT = str(Path(__file__).parents[2])

#: Makes processes; each is a real one, which is really killed.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.crash.victim", "tests.crash.witness", "tests.crash.aiowitness"])


def ready() -> None:
    """Start the process that forks, where it does not run; it has to find the same outreach as this one."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([_ROOT, *([before] if before else [])])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
