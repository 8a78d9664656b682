"""`campaign explain` at the terminal: the whole story of one person, in order, and what is next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from outreach import config, house
from outreach.replies.smtp import Stage
from outreach.store import claims, settlements
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from tests.actions.people import ARTICLE, listed
from tests.cli.line import Said, outreach

WHO = "person0@sample.example.org"
THEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An installation with a campaign `spring` for two people, as a draft."""
    opened = house.prepare(config.load())[0]
    listed(opened.store, THEN, people=2)
    file = tmp_path / "spring.md"
    file.write_text(ARTICLE)
    assert outreach("campaign", "create", str(file), "--list", "sample").code == 0
    yield opened.store
    opened.close()


def explained(who: str = WHO, name: str = "spring") -> Said:
    said = outreach("campaign", "explain", name, who, "--json")
    assert said.code == 0, said.err
    return said


def launch() -> None:
    assert outreach("campaign", "send", "spring").code == 0


def attempt(store: Store, state: DeliveryState, at: datetime, words: str = "", **facts: object) -> None:
    """One attempt at the first person's delivery, whatever else is queued."""
    with store.writing() as session:
        rows = claims.claim(session, limit=9, token="a", lease_until=at, now=at)
        mine = next(row for row in rows if row.email == WHO)
        others = [
            Result(row.delivery_id, "a", DeliveryState.QUEUED, at, attempted=False) for row in rows if row is not mine
        ]
        told = Result(mine.delivery_id, "a", state, at, reply=words or None, **facts)  # type: ignore[arg-type]
        assert len(settlements.settle(session, [told, *others], at)) == len(rows)


def test_the_whole_story_is_told_in_order(store: Store) -> None:
    launch()
    soon = datetime.now(UTC)
    minute = timedelta(minutes=1)
    relay = {"stage": Stage.RCPT, "relay": "mail.example.org"}
    attempt(
        store, DeliveryState.DEFERRED, soon, "try later", reason="greylisted", code=451, due_at=soon + minute, **relay
    )
    found = explained().document
    assert (found["state"], found["tried"]) == ("deferred", 1)
    assert found["next"] == f"it is tried again at {(soon + minute).isoformat(timespec='seconds')}"
    attempt(store, DeliveryState.FAILED, soon + minute, "not today", reason="refused", code=554, **relay)
    assert "outreach campaign retry spring --failed" in explained().document["next"]
    assert outreach("campaign", "retry", "spring", "--failed").code == 0
    assert explained().document["next"] == "a sender takes it in its turn"
    attempt(store, DeliveryState.UNKNOWN, soon + 2 * minute, "the connection ended", stage=Stage.BODY)
    assert "outreach campaign resolve spring --unknown" in explained().document["next"]
    assert outreach("campaign", "resolve", "spring", "--unknown", "resend").code == 0
    body = {"stage": Stage.BODY, "relay": "mail.example.org"}
    attempt(store, DeliveryState.SENT, soon + 3 * minute, "queued as 7", code=250, enhanced="2.0.0", **body)
    found = explained().document
    facts = ("state", "stage", "code", "reply", "relay")
    assert [tuple(made[fact] for fact in facts) for made in found["attempts"]] == [
        ("deferred", "rcpt", 451, "try later", "mail.example.org"),
        ("failed", "rcpt", 554, "not today", "mail.example.org"),
        ("unknown", "body", None, "the connection ended", None),
        ("sent", "body", 250, "queued as 7", "mail.example.org"),
    ]
    assert [(event["kind"], event["detail"]) for event in found["events"]] == [
        ("retried", {"from": "failed", "to": "queued"}),
        ("resolved", {"from": "unknown", "to": "queued"}),
    ]
    assert (found["state"], found["tried"], found["reply"]) == ("sent", 4, "queued as 7")
    assert found["next"] == "nothing: the relay took it"
    page = outreach("campaign", "explain", "spring", WHO).out
    for words in (
        "deferred  greylisted: '451 try later' (rcpt at mail.example.org)",
        "failed    refused: '554 not today' (rcpt at mail.example.org)",
        "a person had it tried again: queued",
        "sent: '250 2.0.0 queued as 7' (body at mail.example.org)",
        "next: nothing: the relay took it",
    ):
        assert words in page, page


def test_one_taken_as_sent_shows_no_acceptance_that_nobody_saw(store: Store) -> None:
    launch()
    attempt(store, DeliveryState.UNKNOWN, datetime.now(UTC))
    assert outreach("campaign", "resolve", "spring", "--unknown", "sent").code == 0
    found = explained().document
    assert (found["state"], found["reason"]) == ("sent", "taken as sent by a person")
    assert [made["state"] for made in found["attempts"]] == ["unknown"]


def test_who_is_left_out_is_told_why_and_since_when(store: Store) -> None:
    assert outreach("subscriber", "suppress", WHO).code == 0
    assert explained().document["next"] == "the launch would leave them out: suppressed (manual)"
    launch()
    found = explained().document
    assert (found["state"], found["reason"], found["attempts"]) == ("excluded", "suppressed", [])
    assert found["settled_at"]
    assert found["next"].startswith("nothing: the address is never mailed (manual, since ")
    assert [event["kind"] for event in found["events"]] == ["suppressed"]


def test_a_paused_campaign_is_named_as_what_it_waits_for(store: Store) -> None:
    launch()
    assert outreach("campaign", "pause", "spring").code == 0
    assert "after `outreach campaign resume spring`" in explained().document["next"]


def test_before_the_launch_it_says_what_would_happen(store: Store) -> None:
    found = explained().document
    assert (found["state"], found["reason"]) == (None, "the campaign was not launched yet")
    assert found["next"] == "the launch would include them"


def test_who_was_not_in_the_audience_is_told_so(store: Store) -> None:
    launch()
    outreach("list", "create", "other")
    outreach("subscriber", "add", "elsewhere@example.org", "--list", "other")
    outreach("subscriber", "add", "late@example.org", "--list", "sample")
    found = explained("elsewhere@example.org").document
    assert (found["state"], found["reason"]) == (None, "not in the audience: never on the list 'sample'")
    assert "not in the audience: joined the list at" in explained("late@example.org").document["reason"]
    assert "no delivery" in outreach("campaign", "explain", "spring", "late@example.org").out


def test_a_recurring_campaign_points_at_its_runs(store: Store) -> None:
    assert outreach("campaign", "schedule", "spring", "--cron", "0 9 * * mon").code == 0
    assert "each of its runs is a campaign of its own" in explained().document["reason"]


def test_an_unknown_address_is_refused_with_the_nearest(store: Store) -> None:
    said = outreach("campaign", "explain", "spring", "person9@sample.example.org")
    assert said.code == 1
    assert "person0@sample.example.org" in said.err or "person1@sample.example.org" in said.err
