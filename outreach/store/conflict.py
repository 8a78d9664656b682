"""What when PostgreSQL takes a transaction back because another stood in its way? It is done again.

Locks are taken in an order that makes this rare: lists, campaigns, deliveries by their numbers, the tallies last. What
is left (an address bounces while its person is erased) the database notices within a second, and gives way to one.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from outreach.errors import DatabaseBusy
from outreach.log import Log

log = Log("outreach.store")

P = ParamSpec("P")
T = TypeVar("T")

#: How often it is done at most, and the longest pause in between, in seconds.
TRIES, LONGEST_PAUSE = 6, 0.2


def redone(action: Callable[P, T]) -> Callable[P, T]:
    """An action that is safe to run twice: where its transaction was taken back, it runs again."""

    @functools.wraps(action)
    def insisting(*args: P.args, **facts: P.kwargs) -> T:
        for again in range(1, TRIES):
            try:
                return action(*args, **facts)
            except DatabaseBusy as error:
                log.info("transaction_redone", action=action.__qualname__, again=again, why=error.message)
                # At random, lest the two meet again.
                time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311
        return action(*args, **facts)

    return insisting
