"""The command line as a process: exit codes, one clear sentence, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import line


def outreach(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "outreach", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_init_creates_and_is_safe_to_repeat(tmp_path: Path) -> None:
    first = outreach("init")
    assert first.returncode == 0, first.stderr
    assert "Created the database" in first.stdout
    again = outreach("init")
    assert again.returncode == 0
    assert "up to date" in again.stdout


def test_a_wrong_setting_stops_every_command_with_its_name() -> None:
    result = outreach("init", OUTREACH_CONNECTIONS="many")
    assert result.returncode == 1
    assert "OUTREACH_CONNECTIONS" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_place_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = outreach("init", OUTREACH_HOME=str(tmp_path / "file" / "home"))
    assert result.returncode == 1
    assert result.stderr.startswith("Error: The data folder")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [("no-such-command",), ("init", "--no-such-option"), ("init", "extra")])
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    assert line.outreach(*arguments).code == 2


def test_the_version_is_told() -> None:
    assert outreach("--version").stdout.startswith("outreach ")


#: What takes longest to load, and what only some commands want.
HEAVY = [
    "alembic",
    "apscheduler",
    "cryptography",
    "jinja2",
    "lxml",
    "markdown_it",
    "premailer",
    "requests",
    "starlette",
    "uvicorn",
]


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("outreach.cli", [*HEAVY, "sqlalchemy", "pydantic"]),
        ("outreach.cli.campaign.reporting, outreach.cli.lists, outreach.cli.subscriber, outreach.cli.init", HEAVY),
        ("outreach.wiring", ["alembic", "premailer", "requests", "uvicorn"]),
    ],
)
def test_a_command_does_not_wait_for_what_it_does_not_want(modules: str, unwanted: list[str]) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert set(unwanted) & set(done.stdout.split()) == set()


def test_help_is_not_cut_where_the_terminal_is_wide() -> None:
    said = outreach("campaign", "--help", COLUMNS="140").stdout
    assert "Make a campaign from an article and a list; it waits as a draft until it is scheduled or sent." in said
