"""`campaign status` and `campaign report`: the contract's JSON, tables that fit, a page that is written."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from outreach import config
from outreach.cli import show
from outreach.cli.campaign import reporting
from outreach.house import prepare
from outreach.store import campaigns, hits
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState, Tally
from outreach.store.links import Link
from outreach.store.lists import MailingList
from outreach.tracking.robot import Judgement
from outreach.wiring import House
from tests.cli.line import outreach

STATUS = [
    "name", "state", "audience", "queued", "claimed", "deferred", "sent", "failed", "bounced", "unknown", "cancelled",
    "excluded",
]  # fmt: skip


@pytest.fixture
def house(now: datetime) -> Iterator[House]:
    """An installation with a campaign that has three links and a burst over two web processes."""
    opened, *_ = prepare(config.load())
    with opened.store.writing() as session:
        session.add(MailingList(name="sample", title="Sample", created_at=now))
        session.flush()
        campaign = Campaign(
            name="spring", list_id=1, state=CampaignState.FINISHED, article_name="spring", article="",
            layout_name="default", layout={}, created_at=now, updated_at=now, launched_at=now,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        session.add_all(
            Tally(campaign_id=1, state=state, n=n)
            for state, n in ((DeliveryState.SENT, 40), (DeliveryState.EXCLUDED, 1_205))
        )
        words = (
            "Receive a Free Medical Quote",
            "A rather long label of a link that leads to the clinic’s own pages",
            "",
        )
        for number, label in enumerate(words, 1):
            role = "quote" if number == 1 else ""
            session.add(
                Link(campaign_id=1, number=number, role=role, label=label, url=f"https://clinic.example/{number}")
            )
        clicks = [("anna", 1, 0.0), ("scanner", 1, 1.0), ("scanner", 2, 1.2), ("scanner", 3, 1.4)]
        rows = [
            {"campaign_id": 1, "link_number": link, "at": now + timedelta(minutes=1, seconds=after),
             "delivery_id": None, "reader": reader, "client": None, "judgement": Judgement.HUMAN, "rule": "",
             "folded": False}
            for reader, link, after in clicks
        ]  # fmt: skip
        hits.add_all(session, rows)
    yield opened
    opened.close()


def test_status_as_json_is_the_contract(house: House) -> None:
    said = outreach("campaign", "status", "spring", "--json")
    assert (said.code, said.err) == (0, "")
    assert list(said.document) == STATUS
    assert said.document["audience"] == sum(said.document[state] for state in STATUS[3:]) == 1_245


def test_report_as_json_is_the_contract_with_bursts_folded(house: House) -> None:
    document: dict[str, Any] = outreach("campaign", "report", "spring", "--json").document
    assert list(document) == [*STATUS, "excluded_by", "quote", "links", "unsubscribed", "complaints"]
    assert document["quote"] == {"human": 1, "suspect": 0, "machine": 1, "people": 1, "rate": 0.025}
    assert [link["machine"] for link in document["links"]] == [1, 1, 1]


@pytest.mark.parametrize("columns", [40, 64, 80, 200])
def test_the_tables_fit_the_terminal(house: House, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ("status", "report"):
        said = outreach("campaign", command, "spring")
        assert said.code == 0
        assert "1,205" in said.out
        tables = [line for line in said.out.splitlines() if "label" not in line]
        assert max(map(len, tables)) <= columns
    assert "1 of 40 readers clicked (2.5% of sent)" in said.out


def test_a_reason_and_a_due_time_are_told(house: House, now: datetime) -> None:
    with house.store.writing() as session:
        campaigns.change(session, 1, now=now, state=CampaignState.PAUSED, reason="The schedule was [b]missed[/b].")
    assert "The schedule was [b]missed[/b]." in outreach("campaign", "status", "spring").out
    with house.store.writing() as session:
        campaigns.change(session, 1, now=now, state=CampaignState.SCHEDULED, due_at=now, reason=None)
    assert "due 2026-03-02 09:00:00 UTC" in outreach("campaign", "status", "spring").out


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_watching_ends_with_the_campaign_and_tells_the_last_word(
    house: House, now: datetime, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    with house.store.writing() as session:
        campaigns.change(session, 1, now=now, state=CampaignState.SENDING)
    looks = []

    def a_second_passes(_: float) -> None:
        looks.append(1)
        if len(looks) == 3:
            with house.store.writing() as session:
                campaigns.move(session, 1, CampaignState.SENDING, CampaignState.FINISHED, now=now)

    monkeypatch.setattr(reporting.time, "sleep", a_second_passes)
    said = outreach("campaign", "status", "spring", "--watch", *option)
    assert said.code == 0
    assert len(looks) == 3
    assert said.out.count("finished") == 1
    assert "sending" not in said.out


class _Terminal(io.StringIO):
    """A terminal that keeps what was drawn."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [40, 80])
def test_watching_shows_the_rate_the_time_left_and_what_explains_a_standstill(
    house: House, now: datetime, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Ten seconds at 10/s, then nothing moves, then only a deferred one is left, then the campaign is paused."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    terminal = _Terminal()
    monkeypatch.setattr(show.sys, "stdout", terminal)
    at = [0.0]

    def counted(**tallies: int) -> None:
        with house.store.writing() as session:
            table = table_of(Tally)
            session.execute(sa.delete(table).where(table.c.state != DeliveryState.EXCLUDED))
            session.add_all(Tally(campaign_id=1, state=DeliveryState(state), n=n) for state, n in tallies.items())

    def a_second_passes(_: float) -> None:
        at[0] += 1
        if at[0] <= 10:
            counted(sent=int(at[0]) * 10, queued=1_000 - int(at[0]) * 10)
        elif at[0] == 25:
            counted(sent=1_099, deferred=1)
            with house.store.writing() as session:
                session.add(
                    Delivery(
                        campaign_id=1, subscriber_id=1, state=DeliveryState.DEFERRED,
                        due_at=datetime.now(UTC) + timedelta(minutes=5, seconds=30),
                    )
                )  # fmt: skip
        elif at[0] == 26:
            with house.store.writing() as session:
                campaigns.change(session, 1, now=now, state=CampaignState.PAUSED, reason="You said so. " * 6)
        elif at[0] == 27:
            raise KeyboardInterrupt

    clock = SimpleNamespace(sleep=a_second_passes, monotonic=lambda: at[0])
    monkeypatch.setattr(reporting, "time", clock)
    with house.store.writing() as session:
        campaigns.change(session, 1, now=now, state=CampaignState.SENDING)
    reporting.status("spring", watch=True)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "10.0/s, 1m30s left" in drawn
    flat = " ".join(drawn.split())
    assert "no sender takes them: is `outreach run`" in flat
    assert re.search(r"1 were put off by their servers; the next try is in 5m\d+s", flat)
    assert "You said so. You said so." in flat
    assert "/s" not in drawn.rpartition("paused")[2]
    assert max(map(len, re.split(r"[\r\n]+", drawn))) <= columns


def test_ctrl_c_ends_the_watching_cleanly(house: House, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.store.writing() as session:
        campaigns.change(session, 1, now=now, state=CampaignState.SENDING)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reporting.time, "sleep", interrupted)
    said = outreach("campaign", "status", "spring", "--watch")
    assert (said.code, "sending" in said.out) == (0, True)


def test_the_page_is_written_and_json_stays_one_document(house: House, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    said = outreach("campaign", "report", "spring", "--html", str(file))
    assert (said.code, said.out.strip()) == (0, f"Wrote {file}.")
    assert "<title>Report: spring</title>" in file.read_text()
    both = outreach("campaign", "report", "spring", "--html", str(file), "--json")
    assert json.loads(both.out)["name"] == "spring"


def test_a_page_that_cannot_be_written_is_one_sentence(house: House, tmp_path: Path) -> None:
    said = outreach("campaign", "report", "spring", "--html", str(tmp_path / "none" / "report.html"))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Error: The report cannot be written to ")


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_name_that_is_not_there_suggests_the_nearest(house: House, command: str) -> None:
    said = outreach("campaign", command, "sprng")
    assert (said.code, said.out) == (1, "")
    assert "'spring'" in said.err


def test_status_tells_people_and_machines_apart(house: House) -> None:
    outreach("campaign", "report", "spring")  # which folds the burst
    told = outreach("campaign", "status", "spring").out
    assert "clicks: 1 human, 0 suspect, 3 machine" in told


def test_a_recount_says_what_it_did_and_what_it_could_not(house: House) -> None:
    said = outreach("campaign", "report", "spring", "--recount", "--json")
    assert said.document["quote"]["machine"] == 1
    assert "Judged 4 clicks anew, 0 otherwise" in said.err
    assert "of 4 the client is forgotten already" in said.err
