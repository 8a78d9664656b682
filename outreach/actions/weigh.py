"""Weigh what relays refused softly: whose mailbox turned away too many messages in a row is mailed no more.

A refusal while sending is a soft bounce as one that is reported later (`replies.softness`). It is weighed here, some
minutes later, and not by the sender: that has better things to do, and one message more or less to a full mailbox is no
matter.
"""

from __future__ import annotations

from datetime import datetime

from outreach.log import Log
from outreach.store import aftermath, conflict, deliveries, lists, softbounces, subscriptions
from outreach.store.database import Store

log = Log("outreach.reports")

#: Attempts that are looked at in one go.
CHUNK = 500


def refusals(store: Store, *, most: int, now: datetime) -> int:
    """Suppress whose last `most` messages were soft bounces; how many people. Safe to repeat, and to run twice."""
    with store.reading() as session:
        after = softbounces.weighed(session)
    suppressed = 0
    while True:
        with store.reading() as session:
            people, upto = softbounces.refused(session, after, CHUNK)
            rows = softbounces.in_a_row(session, people, now) if people else {}
        if upto == after:
            break
        suppressed += sum(_suppressed(store, number, most, now) for number, n in sorted(rows.items()) if n >= most)
        after = upto
    with store.reading() as session:
        before = softbounces.weighed(session)
        settled = softbounces.settled(session, after, now)
    if settled > before:
        with store.writing() as session:
            softbounces.note_weighed(session, settled)
    if suppressed:
        log.info("soft_bounces_suppressed", people=suppressed)
    return suppressed


@conflict.redone
def _suppressed(store: Store, subscriber_id: int, most: int, now: datetime) -> bool:
    with store.writing() as session:
        lists.hold(session, subscriptions.lists_of(session, subscriber_id))
        held = deliveries.hold_waiting(session, [subscriber_id])
        n = softbounces.in_a_row(session, [subscriber_id], now)[subscriber_id]
        last = softbounces.last_refused(session, subscriber_id)
        if n < most or last is None:
            return False
        return aftermath.suppress_soft(session, {subscriber_id: last}, held, n, now)
