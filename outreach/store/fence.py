"""When a database has moved, how does nobody go on in the old one? By triggers that refuse every write.

A mark that programs look for would be overlooked by those that run already, and by older ones: a sender would send what
the new database sends too, an unsubscribe would be kept where nobody reads it. SQLite itself refuses both.
"""

from __future__ import annotations

from sqlmodel import Session, SQLModel

from outreach.store import installation
from outreach.store.database import MOVED

#: The fact that says where the database has moved, without a password.
FACT = "moved_to"


def moved_to(session: Session) -> str | None:
    """Where this database has moved; None where it is still the one."""
    return installation.fact(session, FACT)


def put_up(session: Session, place: str) -> None:
    """Refuse every write from now on, and say where to go instead. SQLite alone; safe to repeat."""
    _take_down(session)
    installation.state(session, FACT, place)
    said = f"{MOVED}{place}".replace("'", "''")
    for table, act in _fenced():
        refusal = f"BEGIN SELECT RAISE(ABORT, '{said}'); END"
        _run(session, f'CREATE TRIGGER "{_name(table, act)}" BEFORE {act} ON "{table}" {refusal}')


def _take_down(session: Session) -> None:
    for table, act in _fenced():
        _run(session, f'DROP TRIGGER IF EXISTS "{_name(table, act)}"')


def _run(session: Session, statement: str) -> None:
    session.connection().exec_driver_sql(statement)  # as it stands: a place holds colons


def _fenced() -> list[tuple[str, str]]:
    """Every act on every table but the one that holds the mark itself."""
    names = [name for name in SQLModel.metadata.tables if name != installation.InstallationFact.__tablename__]
    return [(name, act) for name in names for act in ("INSERT", "UPDATE", "DELETE")]


def _name(table: str, act: str) -> str:
    return f"moved_{table}_{act.lower()}"
