"""Which version has the database, and how does it come to this one? Alembic, run from inside the package.

Every command asks for the version, and few migrate: Alembic, which takes longer to load than the rest, is kept out of
the asking. A migration's file is named by its revision and what it does, as in ``0001_first_tables.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from outreach.errors import DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable
from outreach.store import (
    attempts,
    campaigns,
    chain,
    consents,
    deliveries,
    events,
    hits,
    identities,
    installation,
    joinings,
    leader,
    links,
    lists,
    pace,
    slowdowns,
    subscribers,
    subscriptions,
    suppressions,
    throttles,
)
from outreach.store.database import Store, sqlite_file

#: Every file that declares a table; naming them here is what fills the metadata.
NOUNS = (
    attempts,
    campaigns,
    chain,
    consents,
    deliveries,
    events,
    hits,
    identities,
    installation,
    joinings,
    leader,
    links,
    lists,
    pace,
    slowdowns,
    subscribers,
    subscriptions,
    suppressions,
    throttles,
)

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Where Alembic keeps the version.
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))


def upgrade(store: Store) -> tuple[str | None, str]:
    """Create the database or bring it to this version; the version before and after. Safe to repeat.

    Raises DatabaseTooNew where a newer outreach has been here, DatabaseUnavailable where it cannot be opened.
    """
    file = sqlite_file(store)
    if file is not None:
        with _reaching(file):
            file.parent.mkdir(parents=True, exist_ok=True)
    before = version(store)
    _refuse_newer(store, before)
    if before == head():
        return before, before
    with store.writing() as session:
        build(session)
        consents.adopt(session)
    return before, head()


def build(session: Session) -> None:
    """Bring the tables to this version, within a transaction of the caller."""
    # Here, since loading Alembic takes longer than what most commands do, and only this needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = session.connection()
    command.upgrade(config, "head")


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
    found = version(store)
    _refuse_newer(store, found)
    if found is None:
        raise DatabaseNotReady(f"The database {store.place} is empty.", hint="Run `outreach init` first.")
    if found != head():
        raise DatabaseNotReady(
            f"The database {store.place} is of an older version ({found}, this program wants {head()}).",
            hint="Run `outreach init` to upgrade it; make a copy first.",
        )


def version(store: Store) -> str | None:
    """The revision that the database has; None where it was never made."""
    with store.reading() as session:
        if not sa.inspect(session.connection()).has_table(_VERSION.name):
            return None
        return session.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()


def head() -> str:
    """The newest migration that this program knows."""
    return known()[-1]


def known() -> list[str]:
    """The revisions of the migrations that this program has, the oldest first."""
    return sorted(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


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


def is_current(session: Session) -> bool:
    """Whether the database has exactly this version's tables, as it is now."""
    return session.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none() == head()


def _refuse_newer(store: Store, found: str | None) -> None:
    if found is not None and found not in known():
        raise DatabaseTooNew(
            f"The database {store.place} was made by a newer version of outreach (its version is {found}).",
            hint="Install that version or a later one on this host; nothing was changed.",
        )
