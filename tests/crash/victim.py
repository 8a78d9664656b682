"""A sender that will die: the real `outreach sender` in a process of its own, with a fuse in it.

It is forked from a process that has outreach in memory already, so it starts in milliseconds; from there on it opens
the installation, takes its locks and works as it does when a person starts it.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from outreach import wiring
from outreach.cli import run
from outreach.engine import journal, lookout
from tests.crash import remains, sabotage
from tests.crash.points import POINTS, Fuse

#: The file of all senders' logs, and the folder of their notes.
LOG, REMAINS = "log", "remains"


@dataclass(frozen=True)
class Order:
    """What is wanted of one sender."""

    #: Its settings, as they would stand in the environment.
    environment: Mapping[str, str]
    #: Where its log goes, after what is there, and notes of the journals that it replays.
    folder: Path
    #: Where it dies, and at which passage; None leaves it alone.
    point: str | None = None
    passage: int = 1
    #: Whether it only freezes there.
    freezes: bool = False
    #: Another lease than the usual one.
    lease: timedelta | None = None
    #: How often it looks for claims of the dead, in seconds; None leaves it as it is.
    expire: float | None = None
    #: Smaller files for the journal, so that it makes new ones often.
    segment_bytes: int | None = None
    #: Ways in which the sender is broken.
    sabotage: tuple[str, ...] = field(default=())


def work(order: Order) -> None:
    """Be that sender."""
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        del os.environ[name]
    os.environ.update(order.environment)
    log = os.open(order.folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.stdout.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    if order.lease is not None:
        wiring.SenderOptions = functools.partial(wiring.SenderOptions, lease=order.lease)  # type: ignore[assignment, misc]
    if order.expire is not None:
        lookout.EXPIRE_SECONDS = order.expire
    if order.segment_bytes is not None:
        journal.SEGMENT_BYTES = order.segment_bytes
    remains.keep(order.folder / REMAINS)
    for way in order.sabotage:
        sabotage.WAYS[way]()
    if order.point is not None:
        POINTS[order.point].arm(Fuse(order.passage, signal.SIGSTOP if order.freezes else signal.SIGKILL))
    run.sender(senders=1)
