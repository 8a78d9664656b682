"""Killed at any moment, a sender loses nobody, doubles nobody, and calls in doubt only what is in doubt."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import cluster
from tests.crash import fates, run, wanted
from tests.crash.installation import CONNECTIONS
from tests.crash.points import DEATHS, POINTS
from tests.crash.trial import Trial
from tests.crash.wanted import SHORT_LEASE, Wanted


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"crash_{uuid.uuid4().hex[:12]}"
    cluster.administer(postgresql, f"CREATE DATABASE {name}")
    yield f"{postgresql}/{name}"
    cluster.administer(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


def tried(folder: Path, rounds: int, people: int, *befall: str, **more: Any) -> dict[str, Any]:
    """The figures of a trial in which these fates befall senders, one after another."""
    return Trial(Wanted(rounds, people, fates=befall, shuffled=False, **more), folder).run()


def test_at_every_named_point_on_sqlite(tmp_path: Path) -> None:
    told = tried(tmp_path, len(DEATHS), 700, *DEATHS)
    assert told["violations"] == []
    assert (told["doubled"], told["lost"], told["not_reached"]) == (0, 0, {})
    assert told["kills_by_point"] == dict.fromkeys(DEATHS, 1)
    assert told["unknown_by_kills"]["most"] <= CONNECTIONS


def test_four_senders_on_postgresql_over_a_relay_that_fails(tmp_path: Path, database: str) -> None:
    points = ("claim-committed", "backend-ended", "body-sent", "settle-uncommitted", "commit-unanswered")
    others = (wanted.RELAY_AWAY, wanted.STOPPING, wanted.STARTING)
    told = tried(tmp_path, 8, 1200, *points, *others, database=database, senders=4, faults=0.2)
    assert told["violations"] == []
    assert (told["doubled"], told["lost"]) == (0, 0)
    assert told["kills"] >= 8
    assert {"backend-ended", "commit-unanswered", wanted.RELAY_AWAY} <= told["befell"].keys()
    assert sum(told["connections_failed"].values()) >= 8


def test_frozen_past_its_lease_and_woken_a_sender_doubles_nobody(tmp_path: Path) -> None:
    both = (wanted.FROZEN, wanted.JOURNAL_LOST)
    told = tried(tmp_path, 2, 400, *both, senders=2, lease=SHORT_LEASE, refuses=False)
    assert told["violations"] == []
    assert told["befell"][fates.WOKEN] >= 1


def test_told_to_end_a_sender_ends_soon_and_leaves_no_doubt(tmp_path: Path) -> None:
    told = tried(tmp_path, 3, 300, wanted.TOLD_TO_END, refuses=False)
    assert told["violations"] == []
    assert (told["kills"], told["unknown"]) == (0, {})
    assert told["slowest_end_seconds"] < fates.TO_END


def test_aiosmtpd_tells_the_same(tmp_path: Path) -> None:
    told = tried(tmp_path, 4, 160, "in-body", "body-sent", "reply-recorded", "before-begin", aiosmtpd=True)
    assert told["violations"] == []
    assert (told["doubled"], told["lost"], told["kills"]) == (0, 0, 4)


@pytest.mark.parametrize(
    ("way", "point", "found"),
    [
        ("requeue", "body-sent", "doubled"),
        ("forget", "body-sent", "doubled"),
        ("believe", "begun", "sent to nobody"),
        ("skip", "claim-committed", "sent to nobody"),
    ],
)
def test_a_sender_that_is_broken_on_purpose_is_found_out(tmp_path: Path, way: str, point: str, found: str) -> None:
    told = tried(tmp_path, 1, 40, point, sabotage=(way,), refuses=False)
    assert [words for words in told["violations"] if words.startswith(found)] != []


def test_the_command_prints_its_figures_and_fails_where_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--rounds", "1", "--people", "40", "--faults", "0", "--points", "begun"]
    assert run.main([*few, "--sabotage", "miscount"]) == 1
    told = json.loads(capsys.readouterr().out)["kills"]
    assert told["kills_by_point"] == {"begun": 1}
    assert [words for words in told["violations"] if words.startswith("sums")] != []


def test_the_command_tells_its_points(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(POINTS)
