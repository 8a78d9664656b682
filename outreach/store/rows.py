"""How does a batch of rows reach the database in one piece? As one JSON array, which the database takes apart itself.

A statement that is executed for every row costs the driver, and what converts its parameters, several times what the
row costs the database; and the driver waits for the interpreter after each of them, while the event loop holds it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import sqlalchemy.dialects.postgresql
from sqlmodel import Session


def handed_over(backend: str, columns: Mapping[str, sa.types.TypeEngine[Any]]) -> sa.CTE:
    """The rows in the parameter `rows` as a table with these columns, in the order in which `packed` got them."""
    rows = sa.bindparam("rows", type_=sa.Text)
    values: list[sa.ColumnElement[Any]]
    if backend == "sqlite":
        each = sa.func.json_each(rows).table_valued("value", name="each")
        values = [sa.func.json_extract(each.c.value, sa.literal_column(f"'$[{at}]'")) for at in range(len(columns))]
    else:
        elements = sa.func.jsonb_array_elements(sa.cast(rows, sa.dialects.postgresql.JSONB))
        each = elements.table_valued("value", name="each")
        values = [
            sa.cast(each.c.value.op("->>")(sa.literal_column(str(at))), kind)
            for at, kind in enumerate(columns.values())
        ]
    named = [
        sa.type_coerce(value, kind).label(name) for value, (name, kind) in zip(values, columns.items(), strict=True)
    ]
    return sa.select(*named).cte("handed")


def packed(session: Session, rows: Sequence[Sequence[Any]]) -> str:
    """The rows as the parameter that `handed_over` takes apart; instants in them as `Moment` stores them."""
    written = _sqlite_moment if session.get_bind().dialect.name == "sqlite" else datetime.isoformat
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=written)


def _sqlite_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
