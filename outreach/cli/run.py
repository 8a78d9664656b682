"""`outreach run | web | clock | sender`: what goes on by itself, together in one process or each alone."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Annotated
from urllib.parse import urlsplit

import typer

from outreach import log, wiring
from outreach.cli import open as opened
from outreach.cli import show
from outreach.engine.crew import Crew, looping
from outreach.engine.gauges import Gauges
from outreach.house import House
from outreach.log import Log
from outreach.web import listen, server
from outreach.web.health import Health

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")]
SendersOption = Annotated[int, typer.Option("--senders", min=1, max=16, help="How many senders work side by side.")]

#: What is told on stderr is lines of the log, whatever form that has.
tell = Log("outreach.run")

#: Seconds that clock and senders get to end what they have begun.
PATIENCE = 8.0


def run(senders: SendersOption = 1, host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run everything in one process: web, clock and senders; Ctrl-C ends it."""
    with _opened() as house:
        _serve(house, host, port, senders=senders, clock=True)


def web(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Run the web part alone: tracked links, unsubscribe pages, view in browser."""
    with _opened() as house:
        _serve(house, host, port, senders=0, clock=False)


def clock() -> None:
    """Run the clock alone: it starts campaigns at their time. Of several one works, the others stand by."""
    with _opened() as house:
        _work(house, senders=0, clock=True)


def sender(senders: SendersOption = 1) -> None:
    """Run senders alone, here or on further hosts: they share the work."""
    with _opened() as house:
        _work(house, senders=senders, clock=False)


@contextmanager
def _opened() -> Iterator[House]:
    """The house, with the log set up as its settings want it."""
    with opened.house() as house:
        log.to_stderr(as_json=house.settings.log == "json", secrets=wiring.secrets_of(house))
        yield house


def _serve(house: House, host: str, port: int, *, senders: int, clock: bool) -> None:
    """Web in the main thread, the others beside it, until a signal ends all."""
    crew, gauges = Crew(), Gauges()
    health = wiring.health(house, crew, sends=senders > 0)
    with _listening(host, port) as listener, _measured(house, crew, health, gauges):
        serving = server.make(wiring.web(house, health, gauges), host=host, port=port)

        def stop() -> None:
            serving.should_exit = True
            crew.stop.set()

        # The server takes the signals for itself while it runs, and passes them on to us at its end.
        _on_signal(stop)
        show.line(f"Listening on {listen.url(listener)}; links in mail begin with {house.settings.public_url}.")
        _warn_of_dead_links(listen.url(listener), house.settings.public_url)
        sys.stdout.flush()
        try:
            wiring.man(crew, house, senders=senders, clock=clock, inbox=clock, gauges=gauges)
            serving.run(sockets=[listener])
        finally:
            _leave(crew)


def _work(house: House, *, senders: int, clock: bool) -> None:
    """Clock or senders without the web, until a signal ends them."""
    crew, gauges = Crew(), Gauges()
    _on_signal(crew.stop.set)
    with _measured(house, crew, wiring.health(house, crew, sends=senders > 0), gauges):
        try:
            wiring.man(crew, house, senders=senders, clock=clock, gauges=gauges)
            show.line(f"The {'clock' if clock else 'sender'} is running; Ctrl-C ends it.")
            sys.stdout.flush()
            while not crew.stop.wait(0.5):
                pass
        finally:
            _leave(crew)


@contextmanager
def _measured(house: House, crew: Crew, health: Health, gauges: Gauges) -> Iterator[None]:
    """Where the settings name an address for the metrics, serve them there, as a part of the crew."""
    if house.settings.metrics is None:
        yield
        return
    host, port = house.settings.metrics
    with _listening(host, port, named="OUTREACH_METRICS") as listener:
        gauges.crew(crew)
        page = wiring.metrics(house, health, gauges)
        crew.add("metrics", looping(lambda stop: server.beside(page, listener, stop)))
        tell.info("metrics_served", url=f"{listen.url(listener)}/metrics")
        yield


@contextmanager
def _listening(host: str, port: int, *, named: str = "--port") -> Iterator[socket.socket]:
    with closing(listen.on(host, port, named=named)) as listener:
        yield listener


def _warn_of_dead_links(here: str, public_url: str) -> None:
    """Say so where links in mail lead to this machine, but not to where we listen."""
    public = urlsplit(public_url)
    if public.hostname in {"127.0.0.1", "::1", "localhost"} and (public.port or 80) != urlsplit(here).port:
        why = f"nobody listens there; set OUTREACH_PUBLIC_URL, such as {here}, for clocks and senders too"
        tell.warning("links_lead_nowhere", public_url=public_url, why=why)


def _leave(crew: Crew) -> None:
    """End in time, whatever hangs: a thread that waits for a database would keep the interpreter from ending."""
    left = crew.leave(PATIENCE)
    for name in left:
        tell.warning("part_left_behind", part=name, why=f"it was still at work after {PATIENCE:.0f} s; nothing is lost")
    if left:
        sys.stdout.flush()
        os._exit(0 if sys.exc_info()[0] is None else 1)


def _on_signal(stop: Callable[[], None]) -> None:
    def heed(number: int, frame: FrameType | None) -> None:
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, heed)
