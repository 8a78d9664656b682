"""Can the crash test fail? Ways to break the sender on purpose, each of which must be found."""

from __future__ import annotations

from typing import Any

from outreach.engine.journal import Page
from outreach.store import deliveries, settlements
from outreach.store.deliveries import DeliveryState
from tests.crash.points import Around, wrap


def _turned(doubted: DeliveryState, into: DeliveryState) -> None:
    """Results of one state are written down as another."""

    def around(original: Around, session: Any, results: Any, now: Any) -> Any:
        changed = [
            result._replace(state=into, attempted=False) if result.state is doubted else result for result in results
        ]
        return original(session, changed, now)

    wrap(settlements, "settle", around)


def requeue() -> None:
    """What is in doubt is sent again: people get it twice."""
    _turned(DeliveryState.UNKNOWN, DeliveryState.QUEUED)


def believe() -> None:
    """What is in doubt is taken as sent: people never get it."""
    _turned(DeliveryState.UNKNOWN, DeliveryState.SENT)


def skip() -> None:
    """What never began is taken as sent when it is given back: people never get it."""
    _turned(DeliveryState.QUEUED, DeliveryState.SENT)


def forget() -> None:
    """No body is on record before it leaves: what had begun is sent again."""
    wrap(Page, "begin", lambda original, page, delivery_id, digest: None)


def miscount() -> None:
    """The tallies miss what is in doubt."""

    def around(original: Around, session: Any, moved: Any) -> None:
        original(session, {key: n for key, n in moved.items() if key[1] is not DeliveryState.UNKNOWN})

    wrap(deliveries, "shift", around)


WAYS = {way.__name__: way for way in (requeue, believe, skip, forget, miscount)}
