"""`outreach init`: create or upgrade the database, make the secret key."""

from __future__ import annotations

from outreach import config, house
from outreach.cli import show


def init() -> None:
    """Create or upgrade the database and make the secret key (safe to repeat)."""
    settings = config.load()
    opened, before, after, made_key = house.prepare(settings)
    place = opened.store.place
    opened.close()
    if before is None:
        show.line(f"Created the database {place}.")
    elif before != after:
        show.line(f"Upgraded the database {place} from version {before} to {after}.")
    else:
        show.line(f"The database {place} is up to date (version {after}).")
    if made_key:
        show.line(f"Made the secret key {house.key_file(settings)}: keep a copy, links in mail depend on it.")
