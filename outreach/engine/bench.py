"""Who signs while the wire is busy? Threads beside it, some messages ahead; where they are behind, the wire's own.

To sign a message takes longer than all else that is done to it, and leaves the interpreter's lock to others meanwhile.
So a sender keeps more than one core busy. What is written here and never taken is forgotten: nothing of it has left.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from outreach.engine.letters import Draft, Letters
from outreach.store.claims import Claimed
from outreach.transport.base import Outgoing

#: How many messages are written ahead, and with how few left more are: some 10 ms of a thread's work.
AHEAD, FEW = 32, 20

#: Threads that sign, at most: from then on the wire's own is what there is too little of.
MOST_THREADS = 4


class _Job(NamedTuple):
    """A message that a thread signs."""

    #: For whom it was written: a later claim of the same delivery may know other values.
    claimed: Claimed
    draft: Draft
    signed: Future[Outgoing]


class Bench:
    """Where the messages that leave next are written; without a signature each when it is taken."""

    def __init__(self, letters: Letters, threads: int | None = None) -> None:
        self._letters = letters
        count = _useful() if threads is None else threads
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="outreach-sign") if letters.signs and count else None
        #: By delivery; None for a message that cannot be written, which is told when it is taken.
        self._jobs: dict[int, _Job | None] = {}

    def pick(self, waiting: deque[Claimed]) -> Claimed:
        """Take the next one out of those that wait: one whose message is signed goes before one that is not."""
        if self._pool is None:
            return waiting.popleft()
        if len(self._jobs) <= FEW:
            self._write_ahead(waiting)
        place = self._best(waiting)
        claimed = waiting[place]
        del waiting[place]
        return claimed

    def written(self, claimed: Claimed) -> Outgoing:
        """The message of what was picked; raises as `Letters.write` does."""
        job = self._jobs.pop(claimed.delivery_id, None)
        if job is None or job.claimed is not claimed:
            return self._letters.write(claimed)
        return self._letters.finish(job.draft) if job.signed.cancel() else job.signed.result()

    def keep(self, waiting: Collection[Claimed]) -> None:
        """Forget what was written for others than these."""
        if self._jobs:
            still = {claimed.delivery_id for claimed in waiting}
            self._jobs = {number: job for number, job in self._jobs.items() if number in still or not _dropped(job)}

    def close(self) -> None:
        """Nothing more is written ahead."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _write_ahead(self, waiting: deque[Claimed]) -> None:
        assert self._pool is not None
        for claimed in islice(waiting, AHEAD):
            known = self._jobs.get(claimed.delivery_id)
            if claimed.delivery_id in self._jobs and (known is None or known.claimed is claimed):
                continue
            try:
                draft = self._letters.draft(claimed)
            except Exception:  # whatever it is: it is met again, and told, when the message is taken
                self._jobs[claimed.delivery_id] = None
            else:
                job = _Job(claimed, draft, self._pool.submit(self._letters.finish, draft))
                self._jobs[claimed.delivery_id] = job

    def _best(self, waiting: deque[Claimed]) -> int:
        """The first that is signed, or that no thread has begun: that one is signed here and now."""
        idle = None
        for place, claimed in enumerate(islice(waiting, AHEAD)):
            job = self._jobs.get(claimed.delivery_id)
            if job is None or job.claimed is not claimed or job.signed.done():
                return place
            if idle is None and not job.signed.running():
                idle = place
        return idle or 0


def _dropped(job: _Job | None) -> bool:
    """Let go of a job; always true."""
    if job is not None:
        job.signed.cancel()
    return True


def _useful() -> int:
    """How many threads to sign with: one for each core, since the wire's own waits now and then; none for a single."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, cores) if cores > 1 else 0
