"""What is written down after an attempt? The verdict as a delivery's next state, with the server's words."""

from __future__ import annotations

from datetime import datetime

from outreach.log import Log, masked, quiet
from outreach.replies import verdict
from outreach.replies.smtp import Stage
from outreach.replies.verdict import Decision, Verdict
from outreach.store.claims import Claimed
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.timing import duration
from outreach.timing.retry import RetryPlan, next_attempt
from outreach.transport.base import Outcome

log = Log("outreach.sender")

_STATES = {
    Decision.SENT: DeliveryState.SENT,
    Decision.DEFERRED: DeliveryState.DEFERRED,
    Decision.FAILED: DeliveryState.FAILED,
    Decision.BOUNCED: DeliveryState.BOUNCED,
    Decision.UNKNOWN: DeliveryState.UNKNOWN,
    Decision.REQUEUE: DeliveryState.QUEUED,
}


def result(claimed: Claimed, outcome: Outcome, *, plan: RetryPlan, now: datetime, digest: bytes = b"") -> Result:
    """What to write down for a delivery after this outcome; anything but an acceptance leaves a line in the log.

    `digest` is that of the message; it is kept where the message has left.
    """
    found = verdict.judge(outcome.reply, outcome.stage)
    due_at = None
    if found.decision is Decision.DEFERRED:
        due_at = next_attempt(claimed.attempts + 1, first_at=claimed.first_at or now, now=now, plan=plan)
        if due_at is None:
            lasted = duration.words(plan.deadline)
            found = Verdict(Decision.FAILED, f"still put off after {lasted}: {found.reason}")
    if found.decision is not Decision.SENT:
        _tell(claimed, outcome, found)
    reply = outcome.reply
    return Result(
        claimed.delivery_id,
        claimed.claim,
        _STATES[found.decision],
        now,
        found.reason,
        reply.code if reply else None,
        reply.enhanced if reply else None,
        reply.words if reply else outcome.detail or None,
        due_at,
        found.decision is not Decision.REQUEUE,
        outcome.stage,
        outcome.relay or None,
        digest if outcome.stage is Stage.BODY else b"",
    )


def _tell(claimed: Claimed, outcome: Outcome, found: Verdict) -> None:
    log.info(
        f"delivery_{found.decision}",
        delivery=claimed.delivery_id,
        campaign=claimed.campaign_id,
        to=masked(claimed.email),
        stage=outcome.stage,
        reply=quiet(str(outcome.reply or outcome.detail), about=claimed.email),
        why=found.reason or "",
    )
