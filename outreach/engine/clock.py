"""What happens by itself because its time has come?

The truth is in the database, APScheduler is the alarm clock: every second the table is read and what is due is done.
Nothing is remembered between two looks, so a campaign that another process scheduled is noticed, a restart loses
nothing, and two clocks at once do each thing once, since every step is a compare-and-swap. Of several clocks one works
(`store.leader`); the others stand by and take over within ten seconds, whatever becomes of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from outreach.actions import finish, launch, recur, schedule
from outreach.actions.compose import Defaults
from outreach.engine.gauges import Gauges
from outreach.engine.pulse import Pulse
from outreach.errors import OutreachError, StoreError
from outreach.log import Log, quiet
from outreach.store import campaigns
from outreach.store.campaigns import Campaign
from outreach.store.database import Store
from outreach.store.leader import Leadership
from outreach.timing.schedule import shown

log = Log("outreach.clock")

#: Seconds between two looks at the table.
BEAT = 1.0
#: Seconds that the machine's clock may be set back unnoticed.
SET_BACK = 2.0


@dataclass(frozen=True)
class Chore:
    """Something that is done again and again, whatever the campaigns do."""

    name: str
    every: timedelta
    do: Callable[[datetime], object]


class Clock:
    """Launches what is due, makes the runs of recurring campaigns, closes what is done, and does the chores."""

    def __init__(
        self,
        store: Store,
        defaults: Defaults,
        *,
        grace: timedelta,
        chores: Sequence[Chore] = (),
        guard: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        gauges: Gauges | None = None,
    ) -> None:
        self.store = store
        self.defaults = defaults
        self.grace = grace
        self.chores = chores
        #: Raises StoreError where nothing may be started: the database is not the one that it was.
        self.guard = guard
        self.now = now
        self.gauges = gauges or Gauges()
        self.pulse = Pulse()
        #: Campaigns that wait for an import, so that the waiting is logged once.
        self._waiting: set[int] = set()
        self._in_trouble = False
        self._leadership = Leadership(store)
        self._leads: bool | None = None

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set; what is being done then is done to its end."""
        ahead = time.time() - time.monotonic()
        scheduler = self._start()
        try:
            while not stop.wait(BEAT):
                # APScheduler plans by the machine's clock, and would sleep as long as that was set back.
                drift = time.time() - time.monotonic() - ahead
                if drift < -SET_BACK:
                    log.warning("machine_clock_set_back", seconds=round(-drift))
                    scheduler.shutdown()
                    scheduler = self._start()
                ahead += drift
        finally:
            scheduler.shutdown()
            self._leadership.resign()
            self._leads = None

    def tick(self) -> None:
        """Look at the table once and do what is due; a database that is away is waited for."""
        try:
            self.guard()
            now = self.now()
            for campaign in self._due(now):
                if campaign.cron:
                    self._guarded(self._recur, campaign, now)
            for campaign in self._due(now):
                if not campaign.cron:
                    self._guarded(self._start_campaign, campaign, now)
            self._finish(now)
            self._in_trouble = False
        except StoreError as error:
            self._away(error)

    def _start(self) -> BackgroundScheduler:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick that takes longer than a second is no news
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        self._look_who_leads()
        at_once = datetime.now(UTC)
        scheduler.add_job(self._look_who_leads, "interval", seconds=BEAT)
        scheduler.add_job(self._safe_tick, "interval", seconds=BEAT, next_run_time=at_once)
        for chore in self.chores:
            seconds = chore.every.total_seconds()
            scheduler.add_job(self._do, "interval", args=[chore], seconds=seconds, next_run_time=at_once)
        scheduler.start()
        return scheduler

    def _look_who_leads(self) -> None:
        """A job of its own: a tick that takes long is no reason to be thought dead."""
        try:
            leads = self._leadership.leads()
        except StoreError as error:
            self._away(error)
            leads = False
        except Exception:
            log.exception("tick_failed")
            leads = False
        if leads is not self._leads:
            told = "clock_leads" if leads else "clock_leads_no_more" if self._leads else "clock_stands_by"
            log.info(told, clock=self._leadership.me, leader=self._leadership.leader)
        self._leads = leads

    def _away(self, error: StoreError) -> None:
        if not self._in_trouble:
            log.error("clock_waits", why=error.message)
        self._in_trouble = True

    def _safe_tick(self) -> None:
        try:
            if self._leads:
                self.tick()
        except Exception:
            log.exception("tick_failed")
        self.pulse.beat()

    def _do(self, chore: Chore) -> None:
        if self._leads:
            self._chore(chore)

    def _chore(self, chore: Chore) -> None:
        try:
            chore.do(self.now())
        except OutreachError as error:
            log.error("chore_failed", chore=chore.name, why=error.message)
        except Exception:
            log.exception("chore_failed", chore=chore.name)

    def _due(self, now: datetime) -> list[Campaign]:
        with self.store.reading() as session:
            return campaigns.due(session, now)

    def _guarded(self, step: Callable[[Campaign, datetime], None], campaign: Campaign, now: datetime) -> None:
        """A step for one campaign; where it fails the campaign is held with the reason, and the others go on."""
        try:
            step(campaign, now)
        except StoreError:
            raise
        except OutreachError as error:
            self._hold(campaign, error.message, now)
        except Exception as error:
            log.exception("launch_failed", campaign=campaign.id)
            self._hold(campaign, f"outreach failed in itself ({type(error).__name__}: {error})", now)

    def _recur(self, campaign: Campaign, now: datetime) -> None:
        done = recur.campaign(self.store, campaign, grace=self.grace, now=now)
        if done is None:
            return
        if done.missed:
            log.warning("runs_missed", campaign=campaign.id, runs=done.missed)
        if done.run:
            log.info("run_made", campaign=campaign.id, run=done.run.id)

    def _start_campaign(self, campaign: Campaign, now: datetime) -> None:
        assert campaign.id is not None
        if campaign.not_after is not None and now > campaign.not_after:
            self._hold(campaign, self._missed(campaign), now)
            return
        outcome = launch.campaign(self.store, campaign.id, defaults=self.defaults, now=now, due=campaign.due_at)
        if outcome.result is launch.Result.LAUNCHED:
            self.gauges.launches.inc()
            self.gauges.launch_delay.set((self.now() - (campaign.due_at or now)).total_seconds())
            log.info("campaign_launched", campaign=campaign.id, queued=outcome.queued)
        elif outcome.result is launch.Result.WAITING and campaign.id not in self._waiting:
            self._waiting.add(campaign.id)
            log.warning("campaign_waits", campaign=campaign.id, why="its list is being imported")

    def _missed(self, campaign: Campaign) -> str:
        due = shown(campaign.due_at, campaign.timezone or "UTC") if campaign.due_at else "earlier"
        why = "its list was being imported" if campaign.id in self._waiting else "nothing was running to start it"
        return f"missed: was due {due}, when {why}; resume starts it now, schedule gives it another time"

    def _hold(self, campaign: Campaign, reason: str, now: datetime) -> None:
        assert campaign.id is not None
        if schedule.hold(self.store, campaign.id, reason, due=campaign.due_at, now=now):
            log.warning("campaign_held", campaign=campaign.id, why=quiet(reason))

    def _finish(self, now: datetime) -> None:
        """Close what no sender has closed: campaigns whose last delivery was settled elsewhere, or cancelled."""
        with self.store.reading() as session:
            numbers = [campaign.id for campaign in campaigns.sending(session)]
        for number in numbers:
            if number is not None and finish.campaign(self.store, number, now=now):
                log.info("campaign_finished", campaign=number)
