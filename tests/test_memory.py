"""The collector of cycles, out of the way of a process that works for long."""

from __future__ import annotations

import gc

import pytest

from outreach import memory


def test_what_stays_for_ever_is_left_alone_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gc.get_threshold()
    monkeypatch.setattr(memory, "_settled", False)
    try:
        memory.settle()
        kept = gc.get_freeze_count()
        assert kept > 0
        assert gc.get_threshold()[0] > 700
        still = [[n] for n in range(1000)]
        memory.settle()
        assert gc.get_freeze_count() <= kept
        assert len(still) == 1000
    finally:
        gc.set_threshold(*before)
