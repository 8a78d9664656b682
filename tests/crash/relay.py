"""The server's process: started for a trial, taken away for a moment, and never killed while the trial lasts."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from tests.cluster import free_port
from tests.crash import aiowitness, witness
from tests.crash.faults import Plan
from tests.crash.forking import processes
from tests.crash.wanted import Wanted


class Relay:
    """The server, from entering to leaving."""

    def __init__(self, wanted: Wanted, record: Path) -> None:
        self.port = free_port()
        self._control, theirs = processes.Pipe()
        plan = Plan(wanted.seed, wanted.faults) if wanted.faults else None
        serve = aiowitness.serve if wanted.aiosmtpd else witness.serve
        facts = (record, theirs, plan, wanted.refuses, self.port)
        self._process = processes.Process(target=serve, args=facts, daemon=True)
        self._process.start()
        theirs.close()

    def order(self, order: str) -> None:
        """Have it go ``down``, or come ``up`` again; returns when it has."""
        self._control.send(order)
        self._confirmed(order)

    def __enter__(self) -> Relay:
        self._confirmed("up")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _confirmed(self, order: str) -> None:
        if self._control.recv() != order:
            raise RuntimeError(f"the server did not go {order}")
