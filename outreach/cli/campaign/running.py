"""`outreach campaign schedule | pause | resume | cancel`: campaigns on their way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from outreach import materials
from outreach.actions import cancel as cancelling
from outreach.actions import launch
from outreach.actions import pause as pausing
from outreach.actions import resume as resuming
from outreach.actions import schedule as scheduling
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import AcceptOption, NameArgument
from outreach.errors import OutreachError, StateError
from outreach.house import House
from outreach.store import campaigns
from outreach.store.campaigns import Campaign
from outreach.timing import recurrence
from outreach.timing.schedule import Resolved, resolve, shown


def schedule(
    name: NameArgument,
    *,
    at: Annotated[str | None, typer.Option("--at", help="The wall time: 'YYYY-MM-DD HH:MM' or with ':SS'.")] = None,
    cron: Annotated[str | None, typer.Option("--cron", help="Again and again: '0 9 * * mon' is Mondays at 9.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="The IANA zone, such as Europe/Berlin.")] = None,
    accept: AcceptOption = False,
    as_json: show.JsonOption = False,
) -> None:
    """Give a campaign its time, once or again and again, if it has no fault; it replaces an earlier one."""
    if (at is None) == (cron is None):
        raise typer.BadParameter("give either --at 'YYYY-MM-DD HH:MM' or --cron 'MINUTE HOUR DAY MONTH WEEKDAY'")
    now = datetime.now(UTC)
    with opened.house() as house:
        zone = timezone or house.settings.timezone
        terms = scheduling.Terms(materials.defaults(house.settings), house.settings.grace, accept=accept)
        number = _number(_by_name(house, name))
        note = None
        if at is not None:
            when: Resolved = resolve(at, zone, now=now)
            note = when.note
            planned = scheduling.at(house.store, number, when, terms, now=now)
        else:
            planned = scheduling.cron(house.store, number, recurrence.parse(cron or "", zone), terms, now=now)
        hindrance = _hindrance(house, number)
    assert planned.due_at is not None
    if as_json:
        due = planned.due_at.isoformat(timespec="seconds")
        facts = {"at": planned.wall_time, "cron": planned.cron, "timezone": zone, "due_at": due}
        told = {"note": note, "hindrance": hindrance, "warnings": planned.warnings}
        show.document({"name": name, "state": planned.state.value, **facts, **told})
        return
    again = f", then by {planned.cron!r}" if planned.cron else ""
    show.line(f"Scheduled {name} for {shown(planned.due_at, zone)} ({shown(planned.due_at, 'UTC')}){again}.")
    for words in (note, hindrance and f"As things are it could not start: {hindrance}"):
        if words:
            show.note(words)
    for warning in planned.warnings or ():
        show.note(f"Warning: {warning['message']}")
    show.note("It starts where `outreach run` (or `outreach clock`) is running at that time.")


def pause(name: NameArgument, *, as_json: show.JsonOption = False) -> None:
    """Hold a campaign: it does not start, or sends nothing more."""
    with opened.house() as house:
        done = pausing.campaign(house.store, _number(_by_name(house, name)), now=datetime.now(UTC))
        after = _by_name(house, name)
    _tell(after, as_json, f"Paused {name}." if done else f"{name} was paused already.")


def resume(name: NameArgument, *, as_json: show.JsonOption = False) -> None:
    """Let a held campaign go on; one whose time has passed starts now."""
    with opened.house() as house:
        number = _number(_by_name(house, name))
        result = resuming.campaign(
            house.store, number, defaults=materials.defaults(house.settings), now=datetime.now(UTC)
        )
        after = _by_name(house, name)
    if result is resuming.Result.WAITING:
        raise StateError(f"The list of {name!r} is being imported.", hint="Resume it when the import has ended.")
    if result is resuming.Result.SCHEDULED and after.due_at is not None:
        told = f"Resumed {name}: it starts at {shown(after.due_at, after.timezone or 'UTC')}."
    else:
        told = f"{'Resumed ' + name if result is resuming.Result.SENDING else name}: it is {after.state.value}."
    _tell(after, as_json, told)


def cancel(name: NameArgument, *, as_json: show.JsonOption = False) -> None:
    """End a campaign for good; what has not left stays here."""
    with opened.house() as house:
        stayed = cancelling.campaign(house.store, _number(_by_name(house, name)), now=datetime.now(UTC))
        after = _by_name(house, name)
    _tell(after, as_json, f"Cancelled {name}" + (f": {stayed:,} messages were not sent." if stayed else "."))


def _tell(after: Campaign, as_json: bool, words: str) -> None:
    """Say what was done, or where the campaign stands now."""
    if as_json:
        show.document({"name": after.name, "state": after.state.value, "reason": after.reason})
    else:
        show.line(words)


def _by_name(house: House, name: str) -> Campaign:
    with house.store.reading() as session:
        return campaigns.by_name(session, name)


def _number(campaign: Campaign) -> int:
    assert campaign.id is not None
    return campaign.id


def _hindrance(house: House, number: int) -> str | None:
    """Why nobody would get a campaign as things are; None where somebody would."""
    try:
        launch.require_audience(house.store, number)
    except OutreachError as error:
        return error.message
    return None
