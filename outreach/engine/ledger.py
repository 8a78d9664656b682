"""What does a sender write into the database, and what does it read there? All in one thread, in few transactions.

A turn settles what is done and claims what is next in one transaction, so that a batch costs one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outreach.actions import finish, stop
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


@dataclass(frozen=True)
class Turn:
    """What one transaction brought."""

    #: What was claimed.
    claimed: list[Claimed]
    #: How many of the results were still ours to give.
    settled: int
    #: The deliveries whose lease was prolonged.
    renewed: set[int] = field(default_factory=set)


class Ledger:
    """The store, as one sender uses it."""

    def __init__(self, store: Store, letters: Letters, *, lease: timedelta, only: int | None = None) -> None:
        self._store = store
        self._letters = letters
        self._lease = lease
        self._only = only
        self._expiry = Expiry(store, lease)
        self._turns = 0
        #: Tokens of claims whose commit failed: perhaps it did not.
        self._doubtful: list[str] = []

    def installation(self) -> str:
        """The id of this installation; "" where it has none."""
        with self._store.reading() as session:
            return installation.fact(session, installation.ID) or ""

    def claimable(self, now: datetime) -> bool:
        """Whether there is something to claim."""
        with self._store.reading() as session:
            return claims.claimable(session, now, only=self._only)

    def turn(
        self,
        results: Sequence[Result],
        limit: int,
        now: datetime,
        *,
        token: str = "",
        renew: Mapping[int, str] | None = None,
    ) -> Turn:
        """Settle, prolong leases and claim up to `limit` under a token, at once.

        After a StoreError the same may be asked again, under another token: what the first one may have got is queued
        again then.
        """
        self._turns += 1
        try:
            turn = self._written(results, limit, now, token=token, renew=renew)
            ready = self._prepared(turn.claimed, now)
        except Exception:
            if token:
                self._doubtful.append(token)
            raise
        self._doubtful.clear()
        return Turn(ready, turn.settled, turn.renewed)

    @conflict.redone
    def _written(
        self, results: Sequence[Result], limit: int, now: datetime, *, token: str, renew: Mapping[int, str] | None
    ) -> Turn:
        until = now + self._lease
        with self._store.writing() as session:
            if self._doubtful:
                settlements.abandon(session, self._doubtful, now)
            settled = len(settlements.settle(session, results, now))
            renewed = claims.renew(session, renew, until) if renew else set()
            facts = {"token": token, "lease_until": until, "now": now, "only": self._only, "turn": self._turns}
            claimed = claims.claim(session, limit=limit, **facts) if limit else []  # type: ignore[arg-type]
        return Turn(claimed, settled, renewed)

    def sending(self) -> set[int]:
        """The campaigns that are sending now."""
        with self._store.reading() as session:
            return {campaign_id for campaign_id, _ in claims.sending(session, self._only)}

    def stop(self, rule: StopRule, now: datetime) -> None:
        """Pause campaigns of which too much comes back."""
        stop.campaigns_gone_wrong(self._store, rule, now=now, only=self._only)

    def finish(self, campaign_ids: Sequence[int], now: datetime) -> list[int]:
        """Finish those campaigns of which nothing is open any more; which these were."""
        return [campaign_id for campaign_id in campaign_ids if finish.campaign(self._store, campaign_id, now=now)]

    @conflict.redone
    def expire(self, now: datetime, at: float) -> int:
        """Turn claims of senders that did not come back into doubts; `at` are seconds of the boot clock."""
        return self._expiry.look(now=now, at=at)

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
