"""Refusals while sending: whose mailbox is full again and again is mailed no more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from outreach.actions import weigh
from outreach.actions.collect import Terms
from outreach.replies.smtp import Stage
from outreach.store import claims, decisions, settlements, softbounces, suppressions
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.actions.returned import RETURN, TERMS
from tests.store import crowd

DAY = timedelta(days=1)


def refused(store: Store, campaign: int, at: datetime, enhanced: str | None, person: int = 1) -> None:
    """The relay refuses the mail to one person, and takes all other."""
    with store.writing() as session:
        rows = claims.claim(session, limit=99, token="a", lease_until=at + DAY, now=at, only=campaign)
        mine = decisions.of_person(session, campaign, person)
        assert mine is not None
        results = []
        for row in rows:
            if row.delivery_id == mine.id:
                words = {"code": 550, "enhanced": enhanced, "reply": "no", "stage": Stage.RCPT}
                results.append(Result(row.delivery_id, "a", DeliveryState.FAILED, at, "refused", **words))  # type: ignore[arg-type]
            else:
                results.append(Result(row.delivery_id, "a", DeliveryState.SENT, at, code=250, reply="ok"))
        assert len(settlements.settle(session, results, at)) == len(results)


def weighed(store: Store, now: datetime, terms: Terms = TERMS) -> int:
    return weigh.refusals(store, most=terms.soft_bounces, now=now)


def suppressed(store: Store) -> list[str]:
    with store.reading() as session:
        return [f"{row['entry']} {row['reason']}" for row in suppressions.page(session, limit=99)]


@pytest.mark.parametrize(("status", "n"), [("5.2.2", 1), ("4.2.2", 1), ("5.7.1", 0), ("5.2.3", 0), (None, 0)])
def test_a_full_mailbox_is_given_up_after_so_many_refusals_and_a_policy_never(
    store: Store, now: datetime, status: str | None, n: int
) -> None:
    group = crowd.made_list(store, now, 3)
    for index in range(3):
        assert weighed(store, now + index * DAY) == 0
        campaign = crowd.made_campaign(store, now + index * DAY, group, name=f"c{index}")
        refused(store, campaign, now + index * DAY, status)
    waiting = crowd.made_campaign(store, now + 3 * DAY, group, name="waiting")
    assert weighed(store, now + 3 * DAY) == n
    assert suppressed(store) == ["p1@example.org soft_bounces"] * n
    assert crowd.told(store, waiting) == ({"queued": 2, "excluded": 1} if n else {"queued": 3})
    assert weighed(store, now + 3 * DAY) == 0


def test_what_is_young_is_looked_at_once_more(store: Store, now: datetime) -> None:
    """Another process may still be committing an attempt with a lower number."""
    campaign = crowd.made_campaign(store, now, crowd.made_list(store, now, 2))
    refused(store, campaign, now, "5.2.2")
    weighed(store, now + timedelta(minutes=1))
    with store.reading() as session:
        assert softbounces.weighed(session) == 0
    weighed(store, now + timedelta(minutes=11))
    with store.reading() as session:
        assert softbounces.weighed(session) == 1


def test_many_are_weighed_in_pieces(store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weigh, "CHUNK", 2)
    group = crowd.made_list(store, now, 5)
    for person in range(1, 6):
        campaign = crowd.made_campaign(store, now, group, name=f"c{person}")
        refused(store, campaign, now, "5.2.2", person)
    assert weighed(store, now, Terms(TERMS.tokens, RETURN, soft_bounces=1)) == 5
