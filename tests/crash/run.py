"""Kill senders and read the books: `.venv/bin/python tests/crash/run.py --rounds 20 --people 20000`

Real sender processes, a durable database, and an SMTP server of its own process that is never killed and writes down
each message before it says that it has it. Senders die by SIGKILL at named points and at random; connections are
dropped at every stage; some people are refused. After each death, and at the end, the database is compared with what
the server was given. Prints one JSON document; exit code 1 when anything is wrong. The same --seed plans the same
deaths.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import cluster
from tests.crash.points import POINTS
from tests.crash.trial import Trial
from tests.crash.wanted import SHORT_LEASE, USUAL, WITH_SHORT_LEASES, Wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as the arguments say; the exit code."""
    chosen = _arguments().parse_args(arguments)
    if chosen.list:
        print("\n".join(f"{name:20} {point.words}" for name, point in POINTS.items()))
        return 0
    keep = Path(chosen.keep) if chosen.keep else None
    with tempfile.TemporaryDirectory(prefix="outreach-crash-") as temporary, _server(chosen.database) as server:
        told = _run(chosen, keep or Path(temporary), server)
    print(json.dumps(told, indent=2))
    return 1 if any(part["violations"] for part in told.values()) else 0


def _run(chosen: argparse.Namespace, folder: Path, server: str | None) -> dict[str, Any]:
    sabotage = tuple(chosen.sabotage or ())
    common: dict[str, Any] = {"seed": chosen.seed, "sabotage": sabotage, "tell": _tell, "aiosmtpd": chosen.aiosmtpd}
    faults = 0.0 if chosen.aiosmtpd else chosen.faults
    senders = chosen.senders or (4 if server else 1)
    fates = tuple(chosen.points or USUAL)
    told: dict[str, Any] = {}
    if chosen.rounds:
        wanted = Wanted(chosen.rounds, chosen.people, senders, fates=fates, faults=faults, **common)
        told["kills"] = _one(wanted, folder / "kills", server)
    if chosen.lease_rounds:
        # Leases that run out are a matter of seconds: it takes few people, but at least two senders.
        people = min(chosen.people, 1000 * chosen.lease_rounds)
        short: dict[str, Any] = {"fates": WITH_SHORT_LEASES, "lease": SHORT_LEASE}
        wanted = Wanted(chosen.lease_rounds, people, max(senders, 2), **short, **common)
        told["leases"] = _one(wanted, folder / "leases", server)
    return told


def _one(wanted: Wanted, folder: Path, server: str | None) -> dict[str, Any]:
    _tell(f"{folder.name}: {wanted.rounds} kills over {wanted.people:,} people, {wanted.senders} senders")
    if server is None:
        return Trial(wanted, folder).run()
    cluster.administer(server, f"CREATE DATABASE {folder.name}")
    return Trial(dataclasses.replace(wanted, database=f"{server}/{folder.name}"), folder).run()


@contextmanager
def _server(database: str) -> Iterator[str | None]:
    if database == "sqlite":
        yield None
    else:
        with cluster.private(durable=True, connections=200) as url:
            yield url


_begun = time.monotonic()


def _tell(line: str) -> None:
    print(f"{time.monotonic() - _begun:7.1f} s  {line}", file=sys.stderr, flush=True)


def _arguments() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20, help="senders that die (20)")
    options.add_argument("--people", type=int, default=20_000, help="people on the list (20,000)")
    options.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options.add_argument("--senders", type=int, help="senders at a time (1; 4 on PostgreSQL)")
    options.add_argument("--seed", type=int, default=1, help="of everything that is left to chance (1)")
    options.add_argument("--points", nargs="+", metavar="POINT", help="only these fates; --list tells the points")
    options.add_argument("--faults", type=float, default=0.05, help="share of connections that fail (0.05)")
    options.add_argument("--lease-rounds", type=int, default=0, help="then so many deaths with leases of 2 s (0)")
    options.add_argument("--aiosmtpd", action="store_true", help="let aiosmtpd be the server, which is slow")
    options.add_argument("--sabotage", nargs="+", metavar="WAY", help="break the sender on purpose; it must be found")
    options.add_argument("--keep", metavar="FOLDER", help="leave database, record and log there")
    options.add_argument("--list", action="store_true", help="tell the points, and end")
    return options


if __name__ == "__main__":
    sys.exit(main())
