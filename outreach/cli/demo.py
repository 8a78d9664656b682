"""`outreach demo`: the whole main job on this machine, to watch or to run through by itself."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated, Any

import typer

from outreach.cli import show
from outreach.cli.campaign import reporting
from outreach.demo import story

#: Seconds for the whole campaign, on a slow machine.
PATIENCE = 120.0


def demo(
    once: Annotated[bool, typer.Option("--once", help="Follow one quote link, print the report, and end.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the pages are shown; 0 takes a free one.")] = 0,
) -> None:
    """Show everything on this machine: the CAR-T campaign, a mailbox page, the counted click."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _interrupt(stop))
    try:
        _play(once, port, stop)
    except KeyboardInterrupt:
        _say("The demo has ended; nothing of it was kept.")


def _play(once: bool, port: int, stop: threading.Event) -> None:
    with story.staged(port) as stage:
        due = stage.schedule()
        _say(f"Campaign {story.ARTICLE!r} for the list {story.LIST!r} is scheduled for {due:%H:%M:%S} UTC.")
        _say(f"Mailbox (every mail as HTML, text and source): {stage.mailbox_url}")
        stage.wait_until_finished(PATIENCE, _progress)
        if once:
            mail, target = stage.read_and_click()
            _say(f"Followed the quote link in the mail to {mail.recipient}; it led to {target}")
            show.out().print(reporting.report_table(*stage.report()))
            return
        _say("Open a mail and click its quote button; the page behind it shows what was counted. Ctrl-C ends the demo.")
        stop.wait()


def _interrupt(stop: threading.Event) -> None:
    """Leave once; a second Ctrl-C does not disturb the clearing away."""
    if stop.is_set():
        return
    stop.set()
    raise KeyboardInterrupt


def _progress(status: dict[str, Any]) -> None:
    counts = ", ".join(f"{status[name]} {name}" for name in ("queued", "claimed", "deferred", "sent") if status[name])
    _say(f"{status['state']}: {counts}" if counts else str(status["state"]))


def _say(text: str) -> None:
    show.line(text)
    sys.stdout.flush()
