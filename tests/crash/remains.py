"""What did a sender leave behind when it died? The bodies that its journal says had begun, and had no answer.

Whoever replays a journal notes that beside it first, before anything of it is settled: then nobody has to be quick to
know which deliveries alone may be in doubt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from outreach.engine import records, replay
from outreach.engine.records import Kind
from tests.crash.points import Around, wrap


def keep(folder: Path) -> None:
    """Have this process note in the folder what the journals say that it replays."""

    def around(original: Around, store: Any, path: Path, data: bytes, *facts: Any) -> Any:
        unfinished = folder / f"{path.name}.part"
        unfinished.write_text(" ".join(map(str, sorted(_open_bodies(data)))))
        unfinished.rename(folder / path.name)
        return original(store, path, data, *facts)

    wrap(replay, "_replayed", around)


class Remains:
    """What was noted of all the dead."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._read: set[str] = set()
        #: delivery -> the last process whose journal says that its body had begun, and was not answered.
        self._open: dict[int, int] = {}

    def read(self) -> None:
        """Read what has been noted since."""
        for path in sorted(self._folder.glob("*.journal")):
            if path.name not in self._read:
                self._read.add(path.name)
                process = int(path.name.partition("-")[0])
                self._open.update(dict.fromkeys(map(int, path.read_text().split()), process))

    def whose(self, delivery: int) -> int | None:
        """The process that left this delivery's body open; None where none did."""
        return self._open.get(delivery)


def _open_bodies(journal: bytes) -> set[int]:
    _, found = records.read(journal)
    begun = {(record.token, record.delivery_id) for record in found if record.kind is Kind.BEGUN}
    answered = {(record.token, record.delivery_id) for record in found if record.kind is Kind.REPLY}
    return {delivery for _, delivery in begun - answered}
