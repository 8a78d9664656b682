"""What becomes of the deliveries that a dead sender held? Its journal says, as far as it can be trusted.

A journal whose lock can be had belongs to nobody who lives. For what its claims still hold in the database: an answer
on record is settled as it would have been; a body that began and has no answer is `unknown`; what never began is
queued again. That last step needs the journal to be whole: one from another boot of the machine may lack its end, so
there everything without an answer is `unknown`. Safe to repeat, and to be killed in the middle of.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from outreach.engine import outcomes, records
from outreach.engine.records import Head, Kind, Record
from outreach.log import Log
from outreach.store import claims, installation, settlements
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.settlements import Result
from outreach.timing.retry import RetryPlan

log = Log("outreach.sender")

#: An unfinished file that is older than this is nobody's.
MAKING_SECONDS = 60.0

#: Why a delivery is in doubt that a dead sender held.
UNANSWERED = "the sender died before the server's answer was on record"
UNSURE = "the machine was started anew before the outcome was written down"


def dead_senders(store: Store, folder: Path | None, *, plan: RetryPlan, now: datetime) -> Counter[DeliveryState]:
    """Settle what dead senders of this host left behind, and remove their journals; how many deliveries, by state.

    Journals of living senders and of other installations stay as they are. Raises StoreError with nothing lost.
    """
    found: Counter[DeliveryState] = Counter()
    if folder is None or not folder.is_dir():
        return found
    for path in sorted(folder.glob("*.journal")):
        with _abandoned(path) as data:
            if data is not None:
                found += _replayed(store, path, data, plan, now)
    for path in folder.glob("*.part"):  # died while it was made, before anything was claimed
        with _abandoned(path) as data:
            if data is not None and time.time() - path.stat().st_mtime > MAKING_SECONDS:
                path.unlink(missing_ok=True)
    return found


def _replayed(store: Store, path: Path, data: bytes, plan: RetryPlan, now: datetime) -> Counter[DeliveryState]:
    try:
        head, found = records.read(data)
    except ValueError as error:
        log.error("journal_unreadable", file=path.name, why=str(error))
        path.rename(path.with_suffix(".unreadable"))
        return Counter()
    with store.reading() as session:
        ours = installation.fact(session, installation.ID) or ""
    if head.installation != ours:
        return Counter()
    told = _settled(store, head, found, plan, now)
    path.unlink()
    log.warning("journal_replayed", file=path.name, **{str(state): n for state, n in told.items()})
    return told


def _settled(
    store: Store, head: Head, found: Sequence[Record], plan: RetryPlan, now: datetime
) -> Counter[DeliveryState]:
    is_whole = bool(head.boot) and head.boot == records.boot_id()
    begun = {(record.token, record.delivery_id): record.digest for record in found if record.kind is Kind.BEGUN}
    answers = {(record.token, record.delivery_id): record for record in found if record.kind is Kind.REPLY}
    tokens = {record.token for record in found if record.kind is Kind.CLAIM}
    with store.writing() as session:
        results = []
        for held in claims.held(session, tokens):
            key = held.claim, held.delivery_id
            doubt = UNSURE if not is_whole else UNANSWERED if key in begun else None
            told = _result(held, answers.get(key), doubt, digest=begun.get(key, b""), plan=plan, now=now)
            results.append(told)
        return Counter(result.state for result in settlements.settle(session, results, now))


def _result(
    held: Claimed, answer: Record | None, doubt: str | None, *, digest: bytes, plan: RetryPlan, now: datetime
) -> Result:
    if answer is not None and answer.outcome is not None:
        return outcomes.result(held, answer.outcome, plan=plan, now=answer.at or now, digest=digest)
    if doubt is not None:
        return Result(held.delivery_id, held.claim, DeliveryState.UNKNOWN, now, doubt, digest=digest)
    return Result(held.delivery_id, held.claim, DeliveryState.QUEUED, now, attempted=False)


@contextmanager
def _abandoned(path: Path) -> Iterator[bytes | None]:
    """The bytes of a journal whose sender is dead, locked for us; None where it lives, or another was here first."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        log.error("journal_out_of_reach", file=path.name, why=error.strerror)
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it before us has removed it.
        still_there = path.exists() and path.stat().st_ino == os.fstat(file).st_ino
        yield os.pread(file, os.fstat(file).st_size, 0) if still_there else None
    except BlockingIOError:
        yield None
    finally:
        os.close(file)
