"""Move an installation from SQLite to PostgreSQL whole; afterwards the old database refuses to go on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from outreach.errors import StateError
from outreach.store import claims, copying, fence, migrate, turn
from outreach.store.copying import Progress
from outreach.store.database import Store
from outreach.store.turn import CLOCK, IMPORT, Turn

#: What may not be at work, and the lock that it holds.
_WORKERS: dict[str, Turn] = {"an import": IMPORT, "a clock (`outreach run` or `outreach clock`)": CLOCK}


@dataclass(frozen=True)
class Copied:
    """What was copied."""

    #: Rows by table.
    rows: dict[str, int]


def whole(source: Store, target: Store, *, now: datetime, told: Progress = lambda *_: None) -> Copied:
    """Copy everything into an empty PostgreSQL database, in one transaction there, under the write lock here.

    Nobody writes to the source meanwhile, and nothing can be written to it afterwards: who tries is told where it has
    moved. A copy that ends early leaves the target empty and the source as it was. Where the very last commit fails,
    the source is fenced already: the same command again completes it. Raises StateError where the target is not empty,
    where something is at work on the source, or where what arrived is not what left.
    """
    _require_kinds(source, target)
    migrate.require_current(source)
    with ExitStack() as stack:
        stay = stack.enter_context(source.staying())
        for name, lock in _WORKERS.items():
            if not stack.enter_context(turn.asked(stay, lock)):
                raise _at_work(name)
        there = stack.enter_context(target.writing())  # commits last
        here = stack.enter_context(source.writing())
        held = claims.held_now(here, now)
        if held:
            raise _at_work(f"a sender, which has {held:,} deliveries in hand,")
        found = copying.what_is_there(there)
        if found:
            raise StateError(
                f"The database {target.place} is not empty: it has the table {found[0]!r} and {len(found) - 1} more.",
                hint="Name one that was just made, as with `createdb outreach`; it needs no `outreach init`.",
            )
        migrate.build(there)
        rows = {table.name: copying.copy(here, there, table, told) for table in copying.tables()}
        copying.set_sequences(here, there)
        copying.analyse(there)
        for table in copying.tables():
            if not copying.count(here, table) == copying.count(there, table) == rows[table.name]:
                raise StateError(f"Not every row of {table.name} arrived; nothing was changed.")
        wrong = copying.miscounted(there)
        if wrong:
            raise StateError(f"The sums of campaign {wrong[0]} are not those of its deliveries; nothing was changed.")
        fence.put_up(here, target.place)
    return Copied(rows)


def _require_kinds(source: Store, target: Store) -> None:
    if source.backend != "sqlite" or target.backend != "postgresql":
        raise StateError(
            f"Only an SQLite database is copied, and only into PostgreSQL; this would be {source.place} to "
            f"{target.place}.",
            hint="Between PostgreSQL servers, use pg_dump and pg_restore.",
        )


def _at_work(what: str) -> StateError:
    return StateError(
        f"There is {what} at work on this database.",
        hint="End every `outreach` process on it and do it again; after a crash, a claim ends within a minute.",
    )
