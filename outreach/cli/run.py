"""`outreach run | web | clock | sender`: what goes on by itself, together in one process or each alone."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Annotated
from urllib.parse import urlsplit

import typer

from outreach import wiring
from outreach.cli import open as opened
from outreach.cli import show
from outreach.engine.crew import Crew
from outreach.house import House
from outreach.web import listen, server

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
SendersOption = Annotated[int, typer.Option("--senders", min=1, max=16, help="How many senders work side by side.")]

#: Seconds that clock and senders get to end what they have begun.
PATIENCE = 8.0


def run(senders: SendersOption = 1, host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run everything in one process: web, clock and senders; Ctrl-C ends it."""
    _log_to_stderr()
    with opened.house() as house:
        crew = Crew()
        _serve(house, crew, host, port, senders=senders, clock=True)


def web(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run the web part alone: tracked links, unsubscribe pages, view in browser."""
    _log_to_stderr()
    with opened.house() as house:
        _serve(house, Crew(), host, port, senders=0, clock=False)


def clock() -> None:
    """Run the clock alone: it starts campaigns at their time. Of several one works, the others stand by."""
    _log_to_stderr()
    with opened.house() as house:
        _work(house, senders=0, clock=True)


def sender(senders: SendersOption = 1) -> None:
    """Run senders alone, here or on further hosts: they share the work."""
    _log_to_stderr()
    with opened.house() as house:
        _work(house, senders=senders, clock=False)


def _serve(house: House, crew: Crew, host: str, port: int, *, senders: int, clock: bool) -> None:
    """Web in the main thread, the others beside it, until a signal ends all."""
    listener = listen.on(host, port)
    serving = server.make(wiring.web(house), host=host, port=port)

    def stop() -> None:
        serving.should_exit = True
        crew.stop.set()

    # The server takes the signals for itself while it runs, and passes them on to us at its end.
    _on_signal(stop)
    show.line(f"Listening on {listen.url(listener)}; links in mail begin with {house.settings.public_url}.")
    _warn_of_dead_links(listen.url(listener), house.settings.public_url)
    sys.stdout.flush()
    try:
        wiring.man(crew, house, senders=senders, clock=clock)
        serving.run(sockets=[listener])
    finally:
        _leave(crew)


def _work(house: House, *, senders: int, clock: bool) -> None:
    """Clock or senders without the web, until a signal ends them."""
    crew = Crew()
    _on_signal(crew.stop.set)
    try:
        wiring.man(crew, house, senders=senders, clock=clock)
        show.line(f"The {'clock' if clock else 'sender'} is running; Ctrl-C ends it.")
        sys.stdout.flush()
        while not crew.stop.wait(0.5):
            pass
    finally:
        _leave(crew)


def _warn_of_dead_links(here: str, public_url: str) -> None:
    """Say so where links in mail lead to this machine, but not to where we listen."""
    public = urlsplit(public_url)
    if public.hostname in {"127.0.0.1", "::1", "localhost"} and (public.port or 80) != urlsplit(here).port:
        show.note(f"Those links lead nowhere: set OUTREACH_PUBLIC_URL, such as {here}, for clocks and senders too.")


def _leave(crew: Crew) -> None:
    for name in crew.leave(PATIENCE):
        show.note(f"{name} was still at work after {PATIENCE:.0f} seconds and was left behind; nothing is lost.")


def _on_signal(stop: Callable[[], None]) -> None:
    def heed(number: int, frame: FrameType | None) -> None:
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, heed)


def _log_to_stderr() -> None:
    """One event a line, with its time."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    for name in ("apscheduler", "uvicorn.error", "uvicorn", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
