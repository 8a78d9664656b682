"""How does a command get at the house? Opened for its duration, closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outreach import config, wiring


@contextmanager
def house() -> Iterator[wiring.House]:
    """The opened installation; raises the StoreError or SettingsError that says why it cannot be opened."""
    opened = wiring.open_house(config.load())
    try:
        yield opened
    finally:
        opened.close()
