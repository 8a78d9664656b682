"""What ended badly is tried again, or taken as sent, only when a person says so."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from outreach.actions import finish, resolve, retry
from outreach.actions.resolve import Resolution
from outreach.errors import StateError
from outreach.store import campaigns
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.store import crowd
from tests.store.test_claims import claimed, settled

BAD = (DeliveryState.FAILED, DeliveryState.BOUNCED, DeliveryState.UNKNOWN)


@pytest.fixture
def ended(store: Store, now: datetime) -> int:
    """A finished campaign with one sent, one failed, one bounced and one unknown delivery."""
    number = crowd.made_campaign(store, now, crowd.made_list(store, now, 4))
    rows = claimed(store, now)
    states = (DeliveryState.SENT, *BAD)
    settled(store, now, *(Result(row.delivery_id, "a", to, now) for row, to in zip(rows, states, strict=True)))
    assert finish.campaign(store, number, now=now)
    return number


def state(store: Store, number: int) -> CampaignState:
    with store.reading() as session:
        return campaigns.by_id(session, number).state


def test_failed_deliveries_are_queued_again_and_dead_addresses_are_not(store: Store, now: datetime, ended: int) -> None:
    assert retry.failed(store, ended, now=now) == 1
    assert crowd.told(store, ended) == {"queued": 1, "sent": 1, "bounced": 1, "unknown": 1}
    assert state(store, ended) is CampaignState.SENDING
    assert retry.failed(store, ended, now=now) == 0
    (row,) = claimed(store, now, token="b")
    assert row.first_at is None


def test_unknown_deliveries_are_taken_as_sent_when_they_became_unknown(store: Store, now: datetime, ended: int) -> None:
    assert resolve.unknown(store, ended, Resolution.SENT, now=now + timedelta(hours=1)) == 1
    assert crowd.told(store, ended) == {"sent": 2, "failed": 1, "bounced": 1}
    assert state(store, ended) is CampaignState.FINISHED
    assert crowd.rows_of(store, ended)[-1].sent_at == now


def test_unknown_deliveries_are_sent_again(store: Store, now: datetime, ended: int) -> None:
    assert resolve.unknown(store, ended, Resolution.RESEND, now=now) == 1
    assert crowd.told(store, ended) == {"queued": 1, "sent": 1, "failed": 1, "bounced": 1}
    assert state(store, ended) is CampaignState.SENDING


def test_a_cancelled_campaign_sends_nothing_again(store: Store, now: datetime, ended: int) -> None:
    crowd.campaign_state(store, ended, CampaignState.CANCELLED)
    with pytest.raises(StateError, match="is cancelled"):
        retry.failed(store, ended, now=now)
    assert crowd.told(store, ended)["failed"] == 1
