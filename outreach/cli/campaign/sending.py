"""`outreach campaign send`: launch now, and with --wait send in this process."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from outreach import materials, wiring
from outreach.actions import finish, launch
from outreach.cli import holding, show
from outreach.cli import open as opened
from outreach.cli.campaign import AcceptOption, NameArgument
from outreach.errors import StateError, TransportError
from outreach.house import House
from outreach.store import campaigns, deliveries, figures
from outreach.store.campaigns import CampaignState
from outreach.store.deliveries import OPEN, DeliveryState


def send(
    name: NameArgument,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Send in this process, with progress, until it is done.")
    ] = False,
    accept: AcceptOption = False,
    as_json: show.JsonOption = False,
) -> None:
    """Launch a campaign now: its audience is frozen and the senders take it up."""
    with opened.house() as house:
        with house.store.reading() as session:
            number = campaigns.by_name(session, name).id
        assert number is not None
        wiring.watermark(house).require()
        defaults = materials.defaults(house.settings)
        outcome = launch.campaign(house.store, number, defaults=defaults, now=datetime.now(UTC), accept=accept)
        _say_launch(name, outcome)
        if wait:
            _drain(house, number)
        with house.store.reading() as session:
            campaign = campaigns.by_id(session, number)
            status = figures.status(session, campaign)
        held = holding.lines(house, name) if wait else []
    told = [f"{status[state.value]:,} {state.value}" for state in DeliveryState if status[state.value]]
    if as_json:
        show.document(status)
    else:
        show.line(f"{name} is {status['state']}: {', '.join(told)}.")
    waiting = status["queued"] + status["claimed"]
    if campaign.state is CampaignState.PAUSED:
        show.warning(f"{name} is paused: {campaign.reason or 'a person paused it'}.")
    elif wait and status["deferred"]:
        show.note(f"{status['deferred']:,} are deferred: `outreach run` (or `outreach sender`) tries them again.")
    for line in held:
        show.note(line)
    if held and waiting:
        show.note(f"{waiting:,} wait for tomorrow's budget: `outreach run` (or `outreach sender`) sends them then.")
    elif waiting and not (wait and status["deferred"]):
        show.note("They leave where `outreach run` (or `outreach sender`) is running.")


def _say_launch(name: str, outcome: launch.Outcome) -> None:
    if outcome.result is launch.Result.WAITING:
        raise StateError(
            f"The list of {name!r} is being imported; a launch now would miss people.",
            hint="Send it when the import has ended; an import that was broken off is completed by repeating it.",
        )
    if outcome.result is launch.Result.CHANGED:
        raise StateError(f"Campaign {name!r} was changed at this moment by somebody else.", hint="Try again.")
    if outcome.result is launch.Result.ALREADY:
        show.note(f"{name} was launched before and is sending.")
    else:
        for told in outcome.warnings:
            show.note(f"Warning: {told.message}")
        show.note(f"Launched {name}: {outcome.queued:,} messages to send.")


def _drain(house: House, number: int) -> None:
    """Send in this process until only deferred ones remain, or what a day's budget holds until tomorrow."""
    # A person looks on: what the sender would log is told by the bar and at the end.
    logging.getLogger("outreach").addHandler(logging.NullHandler())
    sender = wiring.sender(house)

    async def drained(tell: Callable[[Mapping[DeliveryState, int]], None]) -> None:
        stop = asyncio.Event()
        with suppress(NotImplementedError):  # where there are no such signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        tell(await sender.drain(number, tell, stop=stop))
        if stop.is_set():
            raise KeyboardInterrupt

    try:
        with _bar() as tell:
            asyncio.run(drained(tell))
    except TransportError as error:
        raise TransportError(error.message, hint=f"{error.hint or ''} {_waiting(house, number)}".strip()) from error
    except KeyboardInterrupt:
        show.note(_waiting(house, number))
        raise
    finish.campaign(house.store, number, now=datetime.now(UTC))


def _waiting(house: House, number: int) -> str:
    """What is left where sending ended early."""
    with house.store.reading() as session:
        left = deliveries.open_count(session, number)
    return f"Nothing is lost: {left:,} messages wait for `outreach campaign send --wait` or `outreach run`."


@contextmanager
def _bar() -> Iterator[Callable[[Mapping[DeliveryState, int]], None]]:
    """A bar that grows as deliveries are settled; silent where stderr is not a terminal."""
    console = show.err()
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("", told="")

        def tell(found: Mapping[DeliveryState, int]) -> None:
            total = sum(found.values()) - found[DeliveryState.EXCLUDED]
            done = total - sum(found[state] for state in OPEN)
            told = [f"{found[state]:,} {state.value}" for state in _TOLD if found[state]]
            progress.update(task, total=total, completed=done, told=", ".join(told))

        yield tell


_TOLD = (DeliveryState.DEFERRED, DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.UNKNOWN)
