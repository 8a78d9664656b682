"""Make a database and a secret key belong together, and refuse a pair that does not."""

from __future__ import annotations

import secrets

from outreach.errors import DatabaseMoved, KeyMismatch
from outreach.store import fence, installation
from outreach.store.database import MOVED, Store


def fingerprint(store: Store, ours: str) -> None:
    """State the key's fingerprint and the installation's id, unless stated; raises KeyMismatch for another key."""
    with store.writing() as session:
        installation.state_once(session, installation.ID, secrets.token_hex(16))
        kept = installation.state_once(session, "key_fingerprint", ours)
    _compare(kept, ours)


def require_fingerprint(store: Store, ours: str) -> None:
    """Raise KeyMismatch where the database was made with another secret key than ours."""
    with store.reading() as session:
        kept = installation.fact(session, "key_fingerprint")
    _compare(kept, ours)


def require_here(store: Store) -> None:
    """Raise DatabaseMoved where the database was copied to another place and goes on there."""
    with store.reading() as session:
        place = fence.moved_to(session)
    if place is not None:
        raise DatabaseMoved(f"{MOVED}{place}")


def _compare(kept: str | None, ours: str) -> None:
    if kept != ours:
        raise KeyMismatch(
            "The secret key of this host is not the one that the database was made with: links and unsubscribes of "
            "mail that is out already would not work.",
            hint="Copy secret.key (or OUTREACH_SECRET_KEY) from the host that ran `outreach init`.",
        )
