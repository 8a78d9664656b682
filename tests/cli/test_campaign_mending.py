"""`campaign retry | resolve` at the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach import config
from outreach.house import prepare
from outreach.store import claims, settlements
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.actions.people import ARTICLE, listed
from tests.cli.line import outreach


@pytest.fixture(autouse=True)
def _spring(tmp_path: Path) -> None:
    """A campaign `spring` that was launched for two people: one delivery failed, of one nobody knows."""
    now = datetime.now(UTC)
    house = prepare(config.load())[0]
    listed(house.store, now, people=2)
    file = tmp_path / "spring.md"
    file.write_text(ARTICLE)
    assert outreach("campaign", "create", str(file), "--list", "sample").code == 0
    assert outreach("campaign", "send", "spring").code == 0
    with house.store.writing() as session:
        first, second = claims.claim(session, limit=2, token="a", lease_until=now, now=now)
        words = {"code": 554, "enhanced": "5.7.1", "reply": "not today", "reason": "refused"}
        failed = Result(first.delivery_id, "a", DeliveryState.FAILED, now, **words)
        settlements.settle(session, [failed, Result(second.delivery_id, "a", DeliveryState.UNKNOWN, now)], now)
    house.close()


def test_failed_ones_are_tried_again() -> None:
    said = outreach("campaign", "retry", "spring", "--failed", "--json")
    assert (said.code, said.document["queued"], said.document["failed"]) == (0, 1, 0)
    assert outreach("campaign", "retry", "spring", "--failed").out.startswith("0 failed deliveries")
    assert outreach("campaign", "retry", "spring").code == 2


def test_unknown_ones_are_resolved_either_way() -> None:
    assert outreach("campaign", "resolve", "spring", "--unknown", "maybe").code == 2
    assert (
        "1 unknown deliveries of spring are queued again"
        in outreach("campaign", "resolve", "spring", "--unknown", "resend").out
    )
    said = outreach("campaign", "resolve", "spring", "--unknown", "sent", "--json")
    assert (said.document["unknown"], said.document["queued"], said.document["sent"]) == (0, 1, 0)
