"""Which version has the database, and how does it come to this one? Alembic, run from inside the package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from outreach.errors import DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable
from outreach.store import (
    campaigns,
    chain,
    consents,
    deliveries,
    events,
    hits,
    installation,
    links,
    lists,
    subscribers,
    subscriptions,
    suppressions,
)
from outreach.store.database import Store, sqlite_file

#: Every file that declares a table; naming them here is what fills the metadata.
NOUNS = (
    campaigns,
    chain,
    consents,
    deliveries,
    events,
    hits,
    installation,
    links,
    lists,
    subscribers,
    subscriptions,
    suppressions,
)


def upgrade(store: Store) -> tuple[str | None, str]:
    """Create the database or bring it to this version; the version before and after. Safe to repeat.

    Raises DatabaseTooNew where a newer outreach has been here, DatabaseUnavailable where it cannot be opened.
    """
    file = sqlite_file(store)
    if file is not None:
        with _reaching(file):
            file.parent.mkdir(parents=True, exist_ok=True)
    before = _version(store)
    _refuse_newer(store, before)
    config = _config()
    with store.writing() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
        consents.adopt(session)
    return before, head()


def require_current(store: Store) -> None:
    """Raise unless the database has exactly this version's tables.

    Raises DatabaseNotReady (never initialised, or older) or DatabaseTooNew.
    """
    file = sqlite_file(store)
    if file is not None:
        with _reaching(file):
            missing = not file.exists()
        if missing:
            raise DatabaseNotReady(
                f"There is no database at {file}.", hint="Run `outreach init` first (it is safe to repeat)."
            )
    version = _version(store)
    _refuse_newer(store, version)
    if version is None:
        raise DatabaseNotReady(f"The database {store.place} is empty.", hint="Run `outreach init` first.")
    if version != head():
        raise DatabaseNotReady(
            f"The database {store.place} is of an older version ({version}, this program wants {head()}).",
            hint="Run `outreach init` to upgrade it; make a copy first.",
        )


def head() -> str:
    """The newest migration that this program knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def metadata() -> sa.MetaData:
    """The tables as the nouns declare them, for comparing with what the migrations made."""
    return SQLModel.metadata


@contextmanager
def _reaching(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatabaseUnavailable(
            f"The database {file} cannot be reached: {error.strerror}.",
            hint="Set OUTREACH_HOME (or OUTREACH_DATABASE_URL) to a place that this user may read and write.",
        ) from error


def _version(store: Store) -> str | None:
    with store.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def _refuse_newer(store: Store, version: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version is not None and version not in known:
        raise DatabaseTooNew(
            f"The database {store.place} was made by a newer version of outreach (its version is {version}).",
            hint="Install that version or a later one on this host; nothing was changed.",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
