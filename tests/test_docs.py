"""The README documents what there is: every setting, every command, every script and benchmark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from outreach.cli.app import COMMANDS
from outreach.cli.later import Later
from outreach.config import Settings, variable
from outreach.engine.crew import Crew
from outreach.engine.gauges import Gauges
from outreach.store.database import Store
from outreach.web import metrics
from outreach.web.health import Health
from outreach.web.readiness import Readiness
from outreach.web.traffic import Traffic

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands(tree: Mapping[str, Later], prefix: str = "outreach") -> Iterator[str]:
    """Every command as it is typed."""
    for name, later in tree.items():
        loaded = later.loaded(name)
        inner = getattr(loaded, "commands", None)
        if inner is None:
            yield f"{prefix} {name}"
        else:
            yield from (f"{prefix} {name} {verb}" for verb in inner)


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_every_setting_is_documented(field: str) -> None:
    assert f"| `{variable(field)}` |" in README


@pytest.mark.parametrize("command", list(commands(COMMANDS)))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"{re.escape(command)}\b", README), f"{command} stands nowhere in the README"


@pytest.mark.parametrize("path", sorted(path.name for path in (ROOT / "tests/benchmarks").glob("[a-z]*.py")))
def test_every_benchmark_is_named(path: str) -> None:
    assert f"`{path}`" in README


@pytest.mark.parametrize("path", sorted(path.name for path in (ROOT / "scripts").glob("[a-z]*")))
def test_every_script_is_named_and_explains_itself(path: str) -> None:
    assert f"scripts/{path}" in README
    assert "--help" in (ROOT / "scripts" / path).read_text()


def test_every_picture_and_file_that_the_readme_shows_is_there() -> None:
    shown = re.findall(r'src="([^"]+)"|\]\(([^):]+)\)', README)
    assert [name for pair in shown for name in pair if name and not (ROOT / name).is_file() and "/" in name] == []


def test_no_file_names_a_registrys_host_or_a_path_of_somebodys_machine() -> None:
    hosts = re.compile(r"(py[p]i|python[h]osted)\.(org|io)|(^|[^A-Za-z0-9_.])/(wor[k]|hom[e]|Users)/", re.MULTILINE)
    texts = [ROOT / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml", "requirements.lock")]
    assert [path.name for path in [*texts, ROOT / "tests/requirements.lock"] if hosts.search(path.read_text())] == []


def test_every_metric_is_documented(sqlite_store: Store) -> None:
    gauges = Gauges()
    Traffic(gauges.registry)
    gauges.crew(Crew())
    metrics.make(sqlite_store, gauges.registry, Health(Readiness(sqlite_store)))
    for name in ("outreach_relay_connections", "outreach_journal_bytes"):
        gauges.follow(name, "", lambda: 0)
    told = [family for family in gauges.registry.collect() if family.name.startswith("outreach_")]
    names = [f"{each.name}_total" if each.type == "counter" else each.name for each in told]
    assert len(names) > 15
    assert [name for name in names if not re.search(rf"`{name}[{{`]", README)] == []
