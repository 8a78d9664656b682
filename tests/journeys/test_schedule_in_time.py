"""A campaign scheduled by one process is launched by another: in time, once, whatever dies in between."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest

from outreach.actions import schedule as planned
from outreach.actions.compose import Defaults
from outreach.store import campaigns
from outreach.store.campaigns import Campaign, CampaignState
from outreach.timing.schedule import resolve
from tests.actions.people import listed
from tests.journeys.machine import Host, until
from tests.store.test_campaigns import events_of

#: How late a campaign may be launched: the contract.
LATE = timedelta(seconds=2)
#: What the settings of the process that schedules say.
DEFAULTS = Defaults("News <news@example.org>", None, "1 Road, Town", "https://example.org/quote", "https://example.org")


@pytest.fixture
def campaign(host: Host) -> str:
    """A draft for three people."""
    listed(host.store, datetime.now(UTC), people=3)
    host.outreach("campaign", "create", "car-t-cell-therapy", "--list", "sample", "--name", "spring")
    return "spring"


def schedule(host: Host, name: str, ahead: timedelta, grace: timedelta = timedelta(hours=1)) -> datetime:
    """Schedule from this process, which is another one than the clock's; when it is due."""
    now = datetime.now(UTC)
    at = (now + ahead).replace(microsecond=0) + timedelta(seconds=1)
    when = resolve(f"{at:%Y-%m-%d %H:%M:%S}", "UTC", now=now)
    number = seen(host, name).id
    assert number is not None
    planned.at(host.store, number, when, planned.Terms(DEFAULTS, grace), now=now)
    return at


def seen(host: Host, name: str) -> Campaign:
    with host.store.reading() as session:
        return campaigns.by_name(session, name)


def launches(host: Host, name: str) -> int:
    """How often the campaign went over to sending."""
    number = seen(host, name).id
    return [detail["to"] for detail in events_of(host.store, number)].count("sending")


def launched(host: Host, name: str) -> Campaign:
    """The campaign, when it has been launched."""
    until(lambda: seen(host, name).launched_at is not None, f"{name} is launched")
    return seen(host, name)


def test_a_campaign_scheduled_by_another_process_starts_within_two_seconds(host: Host, campaign: str) -> None:
    host.start("clock")
    due = schedule(host, campaign, timedelta(seconds=2))
    after = launched(host, campaign)
    assert after.launched_at is not None
    assert timedelta(0) <= after.launched_at - due <= LATE


def test_two_clocks_launch_once(host: Host, campaign: str) -> None:
    first, second = host.start("clock"), host.start("clock")
    schedule(host, campaign, timedelta(seconds=2))
    launched(host, campaign)
    assert (first.stop(), second.stop()) == (0, 0)
    assert launches(host, campaign) == 1


def test_a_clock_that_is_killed_before_the_time_loses_and_doubles_nothing(host: Host, campaign: str) -> None:
    due = schedule(host, campaign, timedelta(seconds=3))
    killed = host.start("run", "--port", "0")
    assert killed.stop(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: datetime.now(UTC) > due, "the time has come")
    assert seen(host, campaign).state is CampaignState.SCHEDULED
    host.start("clock")
    launched(host, campaign)
    assert launches(host, campaign) == 1


def test_a_time_that_nobody_was_there_for_is_held_and_told(host: Host, campaign: str) -> None:
    due = schedule(host, campaign, timedelta(0), grace=timedelta(seconds=1))
    until(lambda: datetime.now(UTC) > due + timedelta(seconds=1.5), "the grace has ended")
    clock = host.start("clock")
    until(lambda: seen(host, campaign).state is CampaignState.PAUSED, "it is held")
    until(lambda: "campaign_held campaign=" in clock.log, "it is told")
    shown = host.outreach("campaign", "show", campaign).stdout
    assert "missed: was due" in shown
    assert "resume" in shown
    host.outreach("campaign", "resume", campaign)
    assert launches(host, campaign) == 1


def test_each_run_of_a_recurring_campaign_is_one_campaign(host: Host, campaign: str) -> None:
    """The next whole minute may be up to a minute away, so the schedule is moved to a moment ago instead."""
    host.outreach("campaign", "schedule", campaign, "--cron", "* * * * *", "--timezone", "Europe/Berlin")
    number = seen(host, campaign).id
    assert number is not None
    moment = datetime.now(UTC).replace(second=0, microsecond=0)
    with host.store.writing() as session:
        campaigns.change(session, number, now=moment, due_at=moment)
    host.start("clock")
    host.start("clock")

    def runs() -> list[Campaign]:
        with host.store.reading() as session:
            return [run for run in campaigns.runs(session, number) if run.launched_at]

    until(runs, "a run is launched")
    names = [run.name for run in runs()]
    assert len(names) == len(set(names))
    assert all(launches(host, name) == 1 for name in names)
    assert seen(host, campaign).state is CampaignState.SCHEDULED


@pytest.mark.parametrize(
    ("command", "number"),
    [
        (("run", "--port", "0"), signal.SIGTERM),
        (("run", "--port", "0"), signal.SIGINT),
        (("web", "--port", "0"), signal.SIGTERM),
        (("clock",), signal.SIGTERM),
        (("sender",), signal.SIGTERM),
    ],
)
def test_a_signal_ends_every_part_at_once_and_cleanly(small_host: Host, command: tuple[str, ...], number: int) -> None:
    running = small_host.start(*command)
    assert running.stop(number) == 0
    assert "Traceback" not in running.log


def test_a_port_in_use_is_one_clear_sentence(small_host: Host) -> None:
    port = small_host.start("web", "--port", "0").url.rpartition(":")[2]
    refused = small_host.outreach("web", "--port", port, code=1)
    assert refused.stderr.startswith(f"Error: Port {port} of 127.0.0.1 is in use")
