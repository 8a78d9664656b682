"""What did a sender leave behind when it died? The bodies that its journal says had begun, and had no answer."""

from __future__ import annotations

from pathlib import Path

from outreach.engine import records
from outreach.engine.records import Kind


def open_bodies(journals: Path, pid: int) -> set[int] | None:
    """The deliveries whose body had begun without an answer on record.

    None where there is no journal any more: another sender has settled what it says.
    """
    begun, answered, seen = set(), set(), False
    for path in journals.glob(f"{pid}-*.journal"):
        try:
            _, found = records.read(path.read_bytes())
        except (FileNotFoundError, ValueError):
            continue
        seen = True
        begun |= {(record.token, record.delivery_id) for record in found if record.kind is Kind.BEGUN}
        answered |= {(record.token, record.delivery_id) for record in found if record.kind is Kind.REPLY}
    return {delivery for _, delivery in begun - answered} if seen else None
