"""The wheel carries all that outreach needs and runs far away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_templates_migrations_and_the_sample_list(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"outreach/{path.relative_to(ROOT)}" for path in (ROOT / "templates").rglob("*.*") if path.is_file()}
    wanted |= {f"outreach/store/migrations/versions/{path.name}" for path in _migrations()}
    wanted |= {"outreach/subscribers/sample.csv", "outreach/store/migrations/env.py"}
    assert wanted - names == set()
    assert not any(name.startswith(("tests/", "scripts/", "templates/")) for name in names)


def test_the_installed_wheel_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-P", "-m", "outreach", *arguments],
            cwd=elsewhere,
            env={**os.environ, "PYTHONPATH": str(site), "OUTREACH_FROM": "News <news@example.org>"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    where = subprocess.run(
        [sys.executable, "-P", "-c", "import outreach; print(outreach.__file__)"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    run("init")
    run("subscriber", "import", str(site / "outreach/subscribers/sample.csv"), "--list", "sample", "--consent", "Yes")
    run("campaign", "create", "car-t-cell-therapy", "--list", "sample")
    assert "car-t-cell-therapy" in run("campaign", "ls")


def _migrations() -> list[Path]:
    return sorted((ROOT / "outreach/store/migrations/versions").glob("0*.py"))
