"""Probes are tried on servers of this machine alone."""

from __future__ import annotations

import pytest

from tests.probes.network import only_this_machine


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    only_this_machine(monkeypatch)
