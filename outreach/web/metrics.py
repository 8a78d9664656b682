"""`/metrics`, on an address of its own: what can be counted, in the text format of Prometheus.

The counters of the process come with the registry that it is given (`wiring` sees to it that the parts write into the
same one). What the database says is read when somebody asks: sums that cost the same however much was sent, and no
label but numbers and states. `/healthz` and `/readyz` are here too, with the reasons.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outreach.errors import StoreError
from outreach.store import overview
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.overview import Overview
from outreach.web.health import PATIENCE, Health
from outreach.web.patience import Look

#: The states of campaigns that have an audience.
_LAUNCHED = (CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED)


def make(store: Store, registry: CollectorRegistry, health: Health) -> Starlette:
    """What is served on the address of the metrics."""
    ProcessCollector(registry=registry)
    registry.register(_Database(store))

    async def metrics(_: Request) -> Response:
        body = await run_in_threadpool(generate_latest, registry)
        return Response(body, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/healthz", health.alive_in_detail),
            Route("/readyz", health.ready_in_detail),
        ]
    )


class _Database(Collector):
    """What the database says, when somebody asks; while it does not answer, only that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._look = Look(self._read, name="metrics")

    def describe(self) -> Iterable[Metric]:
        return _families(None, 0.0, datetime.now(UTC))

    def collect(self) -> Iterator[Metric]:
        begun = time.monotonic()
        try:
            seen = self._look.ask().result(PATIENCE)
        except (StoreError, TimeoutError):
            seen = None
        yield from _families(seen, time.monotonic() - begun, datetime.now(UTC))

    def _read(self) -> Overview:
        with self._store.reading() as session:
            return overview.read(session, datetime.now(UTC))


def _families(seen: Overview | None, seconds: float, now: datetime) -> Iterator[Metric]:
    yield GaugeMetricFamily("outreach_database_up", "Whether the database answers.", value=float(seen is not None))
    yield GaugeMetricFamily("outreach_database_seconds", "How long it took to read these figures.", value=seconds)
    if seen is None:
        return
    campaigns = GaugeMetricFamily("outreach_campaigns", "Campaigns by state.", labels=["state"])
    for state in CampaignState:
        campaigns.add_metric([state.value], seen.campaigns.get(state, 0))
    yield campaigns
    yield from _deliveries(seen)
    yield _age("outreach_due_campaign_age_seconds", "How long the first due campaign has waited.", seen.due_since, now)
    yield _age(
        "outreach_queue_age_seconds",
        "How long ago the first campaign was launched that still has something queued.",
        seen.queued_since,
        now,
    )
    yield _age("outreach_retry_lag_seconds", "How long the first retry that is due has waited.", seen.retry_since, now)
    yield GaugeMetricFamily(
        "outreach_unclear_reports", "Reports that wait for a person to look at them.", value=seen.unclear_reports
    )
    left = (seen.lease_until - now).total_seconds() if seen.lease_until else 0.0
    yield GaugeMetricFamily(
        "outreach_first_lease_seconds",
        "How long the first of all claims still holds; below 0 its sender has not come back.",
        value=left,
    )


def _deliveries(seen: Overview) -> Iterator[Metric]:
    total = GaugeMetricFamily(
        "outreach_deliveries", "Deliveries by their state and their campaign's.", labels=["campaign_state", "state"]
    )
    for launched in _LAUNCHED:
        for state in DeliveryState:
            total.add_metric([launched.value, state.value], seen.deliveries.get((launched, state), 0))
    yield total
    live = GaugeMetricFamily(
        "outreach_campaign_deliveries",
        "Deliveries of each campaign that is sending or paused, by its number.",
        labels=["campaign", "state"],
    )
    for number in sorted({number for number, _ in seen.live}):
        for state in DeliveryState:
            live.add_metric([str(number), state.value], seen.live.get((number, state), 0))
    yield live


def _age(name: str, meaning: str, since: datetime | None, now: datetime) -> Metric:
    return GaugeMetricFamily(name, meaning, value=max(0.0, (now - since).total_seconds()) if since else 0.0)
