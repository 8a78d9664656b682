"""`/metrics`: what can be counted, in a form that Prometheus reads, with nobody's name in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from outreach import config
from outreach.actions import collect
from outreach.engine.gauges import Gauges
from outreach.errors import DatabaseUnavailable
from outreach.store.campaigns import CampaignState
from outreach.store.database import Store
from outreach.tracking.robot import Judgement
from outreach.web import app as web
from outreach.web import listen, metrics, server
from outreach.web.health import Health
from outreach.web.readiness import Readiness
from outreach.web.traffic import Traffic
from tests.actions import returned
from tests.store import crowd
from tests.web.conftest import FIREFOX

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def get(app: Starlette, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://news.example") as client:
            return await client.request(method, path, headers={"User-Agent": FIREFOX}, **more)

    return asyncio.run(main())


def page(store: Store, registry: CollectorRegistry | None = None) -> Starlette:
    return metrics.make(store, registry or CollectorRegistry(), Health(Readiness(store)))


def scraped(app: Starlette) -> Samples:
    """What a scrape gives, read by the parser of Prometheus' own client."""
    answer = get(app, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def test_what_came_back_is_counted_by_kind_and_what_waits_of_it(store: Store, now: datetime) -> None:
    gauges = Gauges()
    mine = returned.riddle(returned.path(1))
    crowd.made_campaign(store, now, crowd.made_list(store, now, 1))
    for mail in (mine, mine, returned.dsn("b@news.clinic.example")):
        done = collect.message(store, mail, source="listener", terms=returned.TERMS, now=now)
        gauges.collected(done)
    told = scraped(page(store, gauges.registry))
    assert value(told, "outreach_reports_total", kind="unclear", state="unclear") == 1
    assert value(told, "outreach_reports_total", kind="hard", state="ignored") == 1
    assert value(told, "outreach_unclear_reports") == 1


def test_deliveries_and_campaigns_are_told_by_state_and_by_number(store: Store) -> None:
    now = datetime.now(UTC)
    number = crowd.made_campaign(store, now - timedelta(hours=1), crowd.made_list(store, now, 3), name="car-t")
    due = now - timedelta(minutes=2)
    crowd.made_campaign(store, now, 1, name="late", state=CampaignState.SCHEDULED, due_at=due)
    found = scraped(page(store))
    assert value(found, "outreach_deliveries", campaign_state="sending", state="queued") == 3
    assert value(found, "outreach_deliveries", campaign_state="paused", state="queued") == 0
    assert value(found, "outreach_campaign_deliveries", campaign=str(number), state="queued") == 3
    assert value(found, "outreach_campaign_deliveries", campaign=str(number), state="sent") == 0
    assert value(found, "outreach_campaigns", state="scheduled") == 1
    assert 120 <= (value(found, "outreach_due_campaign_age_seconds") or 0) < 180
    assert 3_600 <= (value(found, "outreach_queue_age_seconds") or 0) < 3_660
    assert value(found, "outreach_retry_lag_seconds") == 0
    assert value(found, "outreach_database_up") == 1
    assert (value(found, "process_resident_memory_bytes") or 0) > 1_000_000


def test_no_name_no_address_and_no_word_of_the_mail_is_told(app: Starlette, sqlite_store: Store) -> None:
    text = get(page(sqlite_store), "/metrics").text
    assert 'campaign="1"' in text or "outreach_deliveries{" in text
    for told in ("example.org", "clinic.example", "quote", "car-t", "spring", "sample"):
        assert told not in text


def test_hits_and_unsubscribes_are_counted(
    app: Starlette, sqlite_store: Store, tokens: Any, path: Callable[..., str]
) -> None:
    registry = CollectorRegistry()
    site = web.Site(public_url="https://news.example", pages=(config.shipped("templates") / "pages",))
    made = web.make(sqlite_store, tokens, site, traffic=Traffic(registry))
    for number in (1, 2):
        assert get(made, path("l", 1, number)).status_code == 302
    assert get(made, path("l", 1, 1), "HEAD").status_code == 302
    for _ in range(3):
        assert get(made, path("u", 1, 0), "POST", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    found = scraped(page(sqlite_store, registry))
    assert {each: value(found, "outreach_hits_total", judgement=each) for each in Judgement} == {
        Judgement.HUMAN: 2,
        Judgement.SUSPECT: 0,
        Judgement.MACHINE: 1,
    }
    assert value(found, "outreach_unsubscribes_total") == 1


def test_while_the_database_is_away_or_hangs_the_process_is_still_told(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, reading = threading.Event(), sqlite_store.reading
    made = page(sqlite_store)

    def away() -> Any:
        raise DatabaseUnavailable("away")

    def hangs() -> Any:
        go_on.wait(30)
        return reading()

    monkeypatch.setattr(metrics, "PATIENCE", 0.2)
    for broken in (away, hangs):
        monkeypatch.setattr(sqlite_store, "reading", broken)
        found = scraped(made)
        assert value(found, "outreach_database_up") == 0
        assert value(found, "outreach_deliveries", campaign_state="sending", state="queued") is None
        assert value(found, "process_start_time_seconds")
    monkeypatch.setattr(sqlite_store, "reading", reading)
    go_on.set()
    assert value(scraped(made), "outreach_database_up") == 1


def test_the_public_port_knows_no_metrics(app: Starlette) -> None:
    assert get(app, "/metrics").status_code == 404


def test_the_address_of_the_metrics_has_the_other_two_paths_and_no_more(sqlite_store: Store) -> None:
    made = page(sqlite_store)
    assert get(made, "/healthz").text == "ok\n"
    assert get(made, "/readyz").json() == {
        "ready": True,
        "checks": {"database": "ok", "version": "ok", "writable": "ok", "space": "ok"},
        "why": {},
    }
    assert get(made, "/").status_code == 404


def test_it_is_served_beside_the_rest_until_told_to_stop_and_can_start_again(sqlite_store: Store) -> None:
    made = page(sqlite_store)

    async def main() -> None:
        with listen.on("127.0.0.1", 0) as listener:
            for _ in range(2):
                stop = asyncio.Event()
                serving = asyncio.create_task(server.beside(made, listener, stop))
                async with httpx.AsyncClient(base_url=listen.url(listener), trust_env=False) as client:
                    assert (await client.get("/healthz")).text == "ok\n"
                stop.set()
                async with asyncio.timeout(30):
                    await serving

    asyncio.run(main())
