"""Staging: big files are sorted where their order would be dear, and taken whole, each row once."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from outreach.audience.listfile import Entry
from outreach.store import staging
from outreach.store.database import Store
from outreach.store.merge import IN_SLICE, STAGED
from outreach.store.staging import Staging


def entry(key: str) -> Entry:
    """A person of whom nothing but the address is known."""
    return key, key, "", "", "", "{}"


def test_order_is_told_from_a_sample() -> None:
    keys = [f"p{number:06}@example.org" for number in range(20_000)]
    assert not staging.is_scattered(keys)
    assert not staging.is_scattered(keys[::-1])
    assert not staging.is_scattered([f"user{number}@example.org" for number in range(0, 1_000_000, 64)])
    random.Random(1).shuffle(keys)
    assert staging.is_scattered(keys)
    assert not staging.is_scattered(keys[:300])
    assert not staging.is_scattered([])


def test_every_row_is_taken_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "SAMPLE", 1)
    numbers = list(range(3000))
    random.Random(2).shuffle(numbers)
    taken: list[str] = []
    with store.staying() as stay:
        waiting = Staging(stay)
        with waiting.filling() as add:
            for at in range(0, 3000, 37):
                add([entry(f"p{number:04}@example.org") for number in numbers[at : at + 37]])
        while part := waiting.take(701):
            with stay.reading() as session:
                rows = list(session.execute(sa.select(STAGED.c.email_key).where(IN_SLICE), vars(part)).scalars())
            assert len(rows) == part.rows
            taken += rows
    assert taken == [f"p{number:04}@example.org" for number in range(3000)]


def test_what_was_staged_leaves_with_its_connection(store: Store) -> None:
    for _ in range(2):
        with store.staying() as stay:
            waiting = Staging(stay)
            with waiting.filling() as add:
                add([entry("a@example.org")])
            assert waiting.rows == 1
