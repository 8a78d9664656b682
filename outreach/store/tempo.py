"""Which limits does a sender keep, and what does it tell the others of its pace? Its part of what all senders share.

Where nothing is limited, no provider was slowed and no lane is filled, a turn costs what it costs without any of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from outreach.store import candidates, pace, slowdowns
from outreach.store.allowance import Allowance, Habits, way_budgets
from outreach.store.claims import Claimed, Sending
from outreach.store.database import Store
from outreach.store.settlements import Result
from outreach.store.slowdowns import Change
from outreach.timing.limits import Limits
from outreach.timing.ways import Way


@dataclass(frozen=True)
class Tidings:
    """What the sender's loop knows when a turn begins."""

    #: How providers answered: accepted, put off.
    answers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    #: The relays that take messages now; none where there is but one without a limit.
    ways: tuple[Way, ...] = ()
    #: Permits of relays that became void.
    unused: Mapping[str, int] = field(default_factory=dict)


NO_TIDINGS = Tidings()


@dataclass
class Beat:
    """The pace of one turn."""

    #: None where nothing is limited, or nothing is claimed.
    allowance: Allowance | None = None
    #: When it was, by the sender's own clock.
    at: float | None = None
    changes: Sequence[Change] = ()

    @property
    def permits(self) -> Mapping[str, Sequence[float]]:
        """When messages may leave by each relay that has a limit, in seconds from `at`."""
        return self.allowance.permits if self.allowance else {}


class Tempo:
    """The limits, and what a sender must remember to keep them."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._habits = Habits()
        #: Whether a provider was slowed, or rows wait in lanes.
        self._uneasy = False
        #: The budgets that each delivery in our hands was taken from.
        self._taken_from: dict[int, tuple[str, ...]] = {}
        self._ways: dict[str, Way] = {}

    def look(self, session: Session, campaigns: Sequence[Sending]) -> set[str]:
        """Look whether anything is out of the ordinary; the providers whose answers are to be counted."""
        filled = any(candidates.lanes(session, campaign.campaign_id) for campaign in campaigns)
        self._uneasy = filled or bool(slowdowns.rates(session))
        return slowdowns.watched(session)

    def glance(self, session: Session, tidings: Tidings) -> Allowance | None:
        """What may leave, for who only looks."""
        return self._allowance(session, tidings, pace.clock(session)) if self._is_limited(tidings) else None

    def begin(self, session: Session, results: Sequence[Result], tidings: Tidings, *, claiming: bool) -> Beat:
        """At the begin of a turn's transaction: hold the pace, tell what is known, say what may leave."""
        unused = self._unused(results, tidings)
        claiming = claiming and self._is_limited(tidings)
        if not (claiming or unused or tidings.answers):
            return Beat()
        pace.hold(session)
        now, at = pace.clock(session), self._clock()
        pace.refund(session, unused, now)
        changes = slowdowns.note(session, tidings.answers, now) if tidings.answers else []
        self._uneasy = self._uneasy or bool(changes)
        return Beat(self._allowance(session, tidings, now) if claiming else None, at, changes)

    def end(self, results: Sequence[Result], claimed: Sequence[Claimed]) -> None:
        """After the turn was committed."""
        for result in results:
            self._taken_from.pop(result.delivery_id, None)
        self._taken_from.update({row.delivery_id: row.budgets for row in claimed if row.budgets})

    def forget(self, store: Store) -> list[Change]:
        """Let go of slowed providers that nothing was heard of for long, in a transaction of its own."""
        with store.reading() as session:
            if not slowdowns.watched(session):
                return []
        with store.writing() as session:
            pace.hold(session)
            return slowdowns.forget(session, pace.clock(session))

    def _is_limited(self, tidings: Tidings) -> bool:
        return self._uneasy or bool(self._limits) or bool(tidings.ways)

    def _allowance(self, session: Session, tidings: Tidings, at: float) -> Allowance:
        self._ways.update({way.name: way for way in tidings.ways})
        return Allowance(session, self._limits, at=at, ways=tidings.ways, habits=self._habits)

    def _unused(self, results: Sequence[Result], tidings: Tidings) -> Counter[str]:
        """What is given back to budgets: of messages that were not tried, and of permits that nobody used."""
        unused: Counter[str] = Counter()
        if self._taken_from:
            for result in results:
                if not result.attempted:
                    unused.update(self._taken_from.get(result.delivery_id, ()))
        for name, n in tidings.unused.items():
            for key in way_budgets(self._ways[name]) if name in self._ways else ():
                unused[key] += n
        return unused
