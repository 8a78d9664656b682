"""What is an installation, and how is it made and opened? Settings, database and secret key belong together.

Apart from `wiring`, so that a command that only asks the database does not load what sends, serves and keeps time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from outreach.actions import initialise
from outreach.config import Settings
from outreach.errors import OutreachError, SettingsError
from outreach.store import migrate
from outreach.store.database import Store
from outreach.tracking.keys import KeyRing


@dataclass(frozen=True)
class House:
    """An opened installation: what commands and servers work with."""

    settings: Settings
    store: Store
    keys: KeyRing

    def close(self) -> None:
        """Give back the database."""
        self.store.close()


def prepare(settings: Settings) -> tuple[House, str | None, str, bool]:
    """Create or upgrade the database and make the secret key; safe to repeat.

    Returns the opened house, the database's version before (None: new) and after, and whether a key was made.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _make_key(settings)
    except OSError as error:
        raise SettingsError(
            f"The data folder {settings.home} cannot be made or written: {error.strerror}.",
            hint="Set OUTREACH_HOME to a folder that this user may write.",
        ) from error
    try:
        house = House(settings, Store(settings.database), _keys(settings))
        before, after = migrate.upgrade(house.store)
        initialise.require_here(house.store)
        initialise.fingerprint(house.store, house.keys.fingerprint)
    except OutreachError:
        if made:  # a key that belongs to no database would only hide that the right one is missing
            key_file(settings).unlink(missing_ok=True)
        raise
    return house, before, after, made


def open_house(settings: Settings) -> House:
    """Open an installation that `prepare` has made.

    Raises DatabaseNotReady, DatabaseTooNew, DatabaseMoved, DatabaseUnavailable, KeyMismatch or SettingsError.
    """
    store = Store(settings.database)
    migrate.require_current(store)
    initialise.require_here(store)
    house = House(settings, store, _keys(settings))
    initialise.require_fingerprint(store, house.keys.fingerprint)
    return house


@contextmanager
def opened_to_copy(settings: Settings) -> Iterator[Store]:
    """The database alone, also one that has moved already; raises as `migrate.require_current` does."""
    store = Store(settings.database)
    try:
        migrate.require_current(store)
        yield store
    finally:
        store.close()


def key_file(settings: Settings) -> Path:
    """Where the secret key lies when no setting holds it."""
    return settings.home / "secret.key"


def _make_key(settings: Settings) -> bool:
    key = key_file(settings)
    if settings.secret_key is not None or key.exists():
        return False
    # Written beside and put in place whole: neither a full disk nor a kill leaves half of a key.
    with NamedTemporaryFile("w", dir=settings.home, prefix=".secret.") as file:  # made with mode 0600
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, key)
        except FileExistsError:
            return False
    return True


def _keys(settings: Settings) -> KeyRing:
    old = tuple(key.get_secret_value().encode() for key in settings.old_secret_keys)
    if settings.secret_key is not None:
        return KeyRing(settings.secret_key.get_secret_value().encode(), old)
    try:
        text = key_file(settings).read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"The secret key cannot be read from {key_file(settings)}: {error.strerror}.",
            hint="Run `outreach init`, or set OUTREACH_SECRET_KEY to the key that the database was made with.",
        ) from error
    if len(text) < 32:
        raise SettingsError(f"The secret key in {key_file(settings)} is too short to be one.")
    return KeyRing(text.encode(), old)
