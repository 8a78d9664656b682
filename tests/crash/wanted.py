"""What is wanted of a trial: how many die of what, over how many people, and what else goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from tests.crash.points import DEATHS, MISHAPS

#: Deaths that are brought about from outside, besides those at named points: at a random moment of its work, right at
#: its start, while it ends because it was told to.
RANDOM, STARTING, STOPPING = "random", "starting", "stopping"
#: What befalls a sender without a death of its own: the relay goes away; it is told to end, and does.
RELAY_AWAY, TOLD_TO_END = "relay-away", "told-to-end"
#: Only where leases are short: it is frozen until its lease has run out, and wakes; it dies and its journal is lost.
FROZEN, JOURNAL_LOST = "frozen", "journal-lost"

#: Everything that leases have no part in.
USUAL = (*DEATHS, RANDOM, RANDOM, RANDOM, STARTING, STOPPING, *MISHAPS, RELAY_AWAY, TOLD_TO_END)
WITH_SHORT_LEASES = (FROZEN, JOURNAL_LOST, RANDOM, "claim-committed", "settle-uncommitted", "reply-recorded")
#: As short as a lease can be where a sender gives back within 1.5 s what it has not begun.
SHORT_LEASE = timedelta(seconds=2)


@dataclass(frozen=True)
class Wanted:
    """What is to be done."""

    #: Senders that end, nearly all of them by SIGKILL.
    rounds: int
    people: int
    senders: int = 1
    seed: int = 1
    #: The URL of an empty PostgreSQL database; None makes an SQLite file.
    database: str | None = None
    #: What befalls the senders, gone through again and again, each time in another order.
    fates: tuple[str, ...] = USUAL
    #: Otherwise in the order in which they stand there.
    shuffled: bool = True
    #: How many of all connections fail.
    faults: float = 0.0
    #: Whether the relay refuses some people.
    refuses: bool = True
    #: The server: our own, or aiosmtpd.
    aiosmtpd: bool = False
    #: A short lease, which a sender can outlive.
    lease: timedelta | None = None
    #: Ways in which every sender is broken.
    sabotage: tuple[str, ...] = ()
    #: Told a line now and then.
    tell: Callable[[str], object] = field(default=lambda _: None)

    @property
    def per_life(self) -> float:
        """Messages that a sender sends before it ends, on the average; somewhat fewer than there are for each."""
        return max(1.0, 0.8 * self.people / self.rounds)
