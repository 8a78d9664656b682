"""The migrations make exactly the tables that the nouns declare, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from outreach.errors import DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable
from outreach.store import migrate
from outreach.store.database import Store


def test_the_migrated_tables_are_the_declared_ones(store: Store) -> None:
    with store.reading() as session:
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, migrate.metadata()) == []


def test_the_files_are_named_by_their_revisions_in_the_order_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert migrate.known() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert migrate.head() == scripts.get_current_head()


def test_the_version_is_what_alembic_says(store: Store) -> None:
    with store.reading() as session:
        assert MigrationContext.configure(session.connection()).get_current_revision() == migrate.version(store)


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    assert migrate.upgrade(store) == (migrate.head(), migrate.head())
    migrate.require_current(store)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(store: Store) -> None:
    with store.writing() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="newer version"):
        migrate.require_current(store)
    with pytest.raises(DatabaseTooNew):
        migrate.upgrade(store)


def test_a_missing_database_says_to_run_init_and_is_not_made_by_looking(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(DatabaseNotReady) as refusal:
        migrate.require_current(store)
    assert "outreach init" in (refusal.value.hint or "")
    assert not (tmp_path / "none.db").exists()
    store.close()


def test_a_place_that_cannot_be_written_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = Store(f"sqlite:///{tmp_path / 'file'}")
    with pytest.raises(DatabaseUnavailable):
        migrate.upgrade(store)
    store.close()
