"""What does a sender write into the database, and what does it read there? All in one thread, in few transactions.

A turn settles what is done and claims what is next in one transaction, so that a batch costs one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from outreach.actions import finish, stop
from outreach.engine.desk import boot_clock
from outreach.engine.expiry import Expiry
from outreach.engine.letters import Letters
from outreach.errors import CompileError, NotFound
from outreach.replies.toll import StopRule
from outreach.store import campaigns, claims, conflict, deliveries, installation, settlements
from outreach.store.campaigns import CampaignState
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.store.slowdowns import Change
from outreach.store.tempo import NO_TIDINGS, Tempo, Tidings
from outreach.timing.limits import Limits

_REFUSED = {DeliveryState.FAILED, DeliveryState.BOUNCED}


@dataclass(frozen=True)
class Turn:
    """What one transaction brought."""

    #: What was claimed.
    claimed: list[Claimed]
    #: How many of the results were still ours to give.
    settled: int
    #: The deliveries whose lease was prolonged.
    renewed: set[int] = field(default_factory=set)
    #: Whether the next look for something to claim should not wait.
    more: bool = False
    #: From when the waits of what was claimed count, by the boot clock; None: nothing waits.
    at: float | None = None
    #: When messages may leave by each relay that has a limit, in seconds from `at`.
    permits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: Providers that were slowed, or have recovered.
    changes: Sequence[Change] = ()


class Ledger:
    """The store, as one sender uses it."""

    def __init__(
        self,
        store: Store,
        letters: Letters,
        *,
        lease: timedelta,
        only: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._letters = letters
        self._lease = lease
        self._only = only
        self._tempo = Tempo(limits or Limits(), clock=boot_clock)
        self._expiry = Expiry(store, lease)
        self._turns = 0
        #: Whether anything was refused for good. What others see they look after, and complaints are the clock's.
        self._refused = False
        #: Tokens of claims whose commit failed: perhaps it did not.
        self._doubtful: list[str] = []

    def installation(self) -> str:
        """The id of this installation; "" where it has none."""
        with self._store.reading() as session:
            return installation.fact(session, installation.ID) or ""

    def claimable(self, now: datetime, tidings: Tidings = NO_TIDINGS) -> bool:
        """Whether there is something to claim."""
        with self._store.reading() as session:
            allowance = self._tempo.glance(session, tidings)
            return claims.claimable(session, now, only=self._only, allowance=allowance)

    def turn(
        self,
        results: Sequence[Result],
        limit: int,
        now: datetime,
        *,
        token: str = "",
        renew: Mapping[int, str] | None = None,
        tidings: Tidings = NO_TIDINGS,
    ) -> Turn:
        """Settle, prolong leases and claim up to `limit` under a token, at once.

        After a StoreError the same may be asked again, under another token: what the first one may have got is queued
        again then.
        """
        self._turns += 1
        self._refused = self._refused or any(result.state in _REFUSED for result in results)
        try:
            turn = self._written(results, limit, now, token=token, renew=renew, tidings=tidings)
            ready = self._prepared(turn.claimed, now)
        except Exception:
            if token:
                self._doubtful.append(token)
            raise
        self._doubtful.clear()
        return replace(turn, claimed=ready)

    @conflict.redone
    def _written(
        self,
        results: Sequence[Result],
        limit: int,
        now: datetime,
        *,
        token: str,
        renew: Mapping[int, str] | None,
        tidings: Tidings,
    ) -> Turn:
        until = now + self._lease
        with self._store.writing() as session:
            beat = self._tempo.begin(session, results, tidings, claiming=limit > 0)
            if self._doubtful:
                settlements.abandon(session, self._doubtful, now)
            settled = len(settlements.settle(session, results, now))
            renewed = claims.renew(session, renew, until) if renew else set()
            facts = {"token": token, "lease_until": until, "now": now, "only": self._only, "turn": self._turns}
            facts["allowance"] = beat.allowance
            claimed = claims.claim(session, limit=limit, **facts) if limit else []  # type: ignore[arg-type]
        self._tempo.end(results, claimed)
        more = beat.allowance.more if beat.allowance else bool(claimed)
        return Turn(claimed, settled, renewed, more, beat.at, beat.permits, beat.changes)

    def look_at_pace(self) -> set[str]:
        """Look whether providers were slowed, or wait in lanes; the providers whose answers are to be counted."""
        with self._store.reading() as session:
            return self._tempo.look(session, claims.sending(session, self._only))

    def held_until(self, campaign_id: int, tidings: Tidings = NO_TIDINGS) -> float | None:
        """Until when a day's budget or a warm-up holds all that waits of a campaign; None: something may leave."""
        with self._store.reading() as session:
            allowance = self._tempo.glance(session, tidings)
            return None if allowance is None else claims.held_until(session, campaign_id, allowance)

    def sending(self) -> set[int]:
        """The campaigns that are sending now."""
        with self._store.reading() as session:
            return {campaign.campaign_id for campaign in claims.sending(session, self._only)}

    def stop(self, rule: StopRule, now: datetime) -> None:
        """Pause campaigns of which too much comes back; costs nothing as long as nothing did."""
        if self._refused:
            stop.campaigns_gone_wrong(self._store, rule, now=now, only=self._only)

    def finish(self, campaign_ids: Sequence[int], now: datetime) -> list[int]:
        """Finish those campaigns of which nothing is open any more; which these were."""
        return [campaign_id for campaign_id in campaign_ids if finish.campaign(self._store, campaign_id, now=now)]

    @conflict.redone
    def expire(self, now: datetime, at: float) -> int:
        """Turn claims of senders that did not come back into doubts; `at` are seconds of the boot clock."""
        return self._expiry.look(now=now, at=at)

    def forget_slowdowns(self) -> list[Change]:
        """Let go of slowed providers that nothing was heard of for long; which these were."""
        return self._tempo.forget(self._store)

    def tallies(self, campaign_id: int) -> dict[DeliveryState, int]:
        """How many deliveries of a campaign are in each state."""
        with self._store.reading() as session:
            return deliveries.tallies(session, campaign_id)

    def _prepared(self, claimed: list[Claimed], now: datetime) -> list[Claimed]:
        """The claimed rows whose campaign's message can be written; a campaign whose cannot is paused and says why."""
        broken: set[int] = set()
        for campaign_id in {row.campaign_id for row in claimed}:
            if not self._letters.knows(campaign_id):
                try:
                    with self._store.reading() as session:
                        self._letters.learn(campaign_id, campaigns.compiled(session, campaign_id))
                except (CompileError, NotFound) as error:
                    self._give_up(campaign_id, [row for row in claimed if row.campaign_id == campaign_id], error, now)
                    broken.add(campaign_id)
        return [row for row in claimed if row.campaign_id not in broken]

    def _give_up(
        self, campaign_id: int, rows: Sequence[Claimed], error: CompileError | NotFound, now: datetime
    ) -> None:
        back = [Result(row.delivery_id, row.claim, DeliveryState.QUEUED, now, attempted=False) for row in rows]
        with self._store.writing() as session:
            campaigns.locked(session, campaign_id)  # before its deliveries, as everybody does: two senders may be here
            settlements.settle(session, back, now)
            reason = f"its stored message cannot be used: {error.message}"
            campaigns.move(session, campaign_id, CampaignState.SENDING, CampaignState.PAUSED, now=now, reason=reason)
