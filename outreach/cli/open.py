"""How does a command get at the house? Opened for its duration, closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outreach import config
from outreach.house import House, open_house


@contextmanager
def house() -> Iterator[House]:
    """The opened installation; raises the StoreError or SettingsError that says why it cannot be opened."""
    opened = open_house(config.load())
    try:
        yield opened
    finally:
        opened.close()
