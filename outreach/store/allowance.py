"""How much may leave now, and when exactly? The limits that hold, met with the marks that all senders share.

Made at the begin of a claim by who holds the pace, used up row by row, written down at its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import Session

from outreach.store import identities, pace, slowdowns
from outreach.store.pace import PaceMark
from outreach.timing import providers
from outreach.timing.budget import DAY, Budget, window
from outreach.timing.limits import OTHERS, Limits
from outreach.timing.pace import PLENTY, Limit, Meter
from outreach.timing.ways import Shares, Way

TOTAL = "all"

#: How a warm-up is called in words.
WARM_UP = "the warm-up of"


@dataclass(slots=True)
class Habits:
    """What one sender remembers from claim to claim."""

    #: Whose turn it is among the relays.
    shares: Shares = field(default_factory=Shares)
    #: Behind which lane of a campaign the next look begins.
    cursors: dict[int, str] = field(default_factory=dict)
    #: How often it was looked elsewhere than at the head of a queue.
    _elsewhere: int = 0

    def somewhere(self, first: int, last: int) -> int:
        """A place between two, each time another one, and soon near to any: steps of the golden ratio."""
        self._elsewhere += 1
        return first + int((last - first) * (self._elsewhere * 0.6180339887498949 % 1.0))


@dataclass(slots=True)
class _Scope:
    """What one limit is for: its meter, and the keys of the marks that it lies in."""

    meter: Meter
    #: None where nothing spreads.
    key: str | None
    budget_keys: tuple[str, ...]


class Allowance:
    """What the limits let go at one moment."""

    def __init__(
        self, session: Session, limits: Limits, *, at: float, ways: Sequence[Way] = (), habits: Habits | None = None
    ) -> None:
        self._session = session
        self._limits = limits
        self._at = at
        self._ways = ways
        self.habits = habits or Habits()
        self._slowed = slowdowns.rates(session)
        self._first = identities.first_times(session) if limits.warm_up else {}
        self._scopes: dict[str, _Scope] = {}
        self._marks: dict[str, PaceMark] = {}
        self._begin()
        #: Whether there was more than was taken, so that the next look should not wait.
        self.more = False
        #: When messages may leave by each relay that has a limit: in how many seconds.
        self.permits: dict[str, list[float]] = defaultdict(list)

    # -- before

    @property
    def most(self) -> int:
        """How many may leave now, whatever they are."""
        rated = [self._scopes[_way(way)].meter.open() for way in self._ways if way.limit is not None]
        by_ways = PLENTY if len(rated) < len(self._ways) or not self._ways else sum(rated)
        return min(self._scopes[TOTAL].meter.open(), by_ways)

    def left_of(self, domain: str | None) -> int:
        """How many may leave now from that domain."""
        meter = self._of_domain(domain)
        return PLENTY if meter is None else meter.open()

    def lane_of(self, email: str) -> str | None:
        """The provider of an address where it has a limit; None: it may leave at any time."""
        if not (self._slowed or self._limits.providers):
            return None
        provider = providers.of_address(email)
        limited = provider in self._slowed or self._limits.of_provider(provider) is not None
        return provider if limited else None

    def open(self, lane: str) -> int:
        """How many may leave now to a provider."""
        return self._to(lane).open()

    # -- on the way

    def take(self, lane: str | None, domain: str | None) -> float:
        """Let one message go to a provider, from a domain; in how many seconds."""
        sender = self._of_domain(domain)
        if sender is not None:
            sender.take()
        return 0.0 if lane is None else self._to(lane).take()

    def budgets(self, lane: str | None, domain: str | None) -> tuple[str, ...]:
        """The keys of the budgets that such a message was taken from, to give it back if it does not leave."""
        found = _budget_keys(TOTAL, self._limits.total)
        if lane is not None:
            found += _budget_keys(_provider(lane), self._limits.of_provider(lane))
        return found if self._of_domain(domain) is None else (*found, _domain(domain))

    def let_go(self, waits: Sequence[float]) -> list[float]:
        """Give each message its time among all: the later of its provider's and its own in the whole.

        Each also takes a permit of the relay whose turn it is.
        """
        order = sorted(range(len(waits)), key=waits.__getitem__)
        times = list(waits)
        for position in order:
            times[position] = max(waits[position], self._scopes[TOTAL].meter.take())
            self._choose_way()
        return times

    def write(self) -> None:
        """Write down what was used up."""
        moved = []
        for scope in self._scopes.values():
            meter = scope.meter
            if scope.key is not None and self._marks[scope.key].next_at != meter.next_at:
                self._marks[scope.key].next_at = meter.next_at
                moved.append(self._marks[scope.key])
            for budget, key in zip(meter.budgets, scope.budget_keys, strict=True):
                mark = self._marks[key]
                if (mark.began, mark.used) != (budget.began, budget.used):
                    mark.began, mark.used = budget.began, budget.used
                    moved.append(mark)
        pace.write(self._session, moved)

    # -- what it says to people

    @property
    def domains(self) -> list[str]:
        """The senders' domains whose warm-up counts."""
        return sorted(self._first)

    def warm_up(self, domain: str | None) -> list[tuple[str, Budget]]:
        """What a domain's warm-up lets go today, if it is in one; with its name."""
        meter = self._of_domain(domain)
        return [] if meter is None else [(f"{WARM_UP} {domain}", day) for day in meter.budgets]

    def days(self, domain: str | None) -> list[tuple[str, Budget]]:
        """Every day's budget that mail from a domain comes under, with its name."""
        scopes = {"the limit for everything": self._scopes[TOTAL].meter}
        scopes.update({f"the limit of the relay {way.name}": self._scopes[_way(way)].meter for way in self._ways})
        scopes.update({f"the limit of {name}": self._to(name) for name in self._limits.providers if name != OTHERS})
        days = [(what, day) for what, meter in scopes.items() for day in meter.budgets if day.is_of_a_day]
        return [*self.warm_up(domain), *days]

    def held_until(self, lane: str | None, domain: str | None) -> float | None:
        """Until when a day's budget or a warm-up that is used up holds such a message; None: none does."""
        meters = [self._scopes[TOTAL].meter, self._of_domain(domain), None if lane is None else self._to(lane)]
        spent = [
            budget.ends
            for meter in meters
            if meter is not None
            for budget in meter.budgets
            if budget.is_of_a_day and not budget.left
        ]
        ways = [self._day_spent(_way(way)) for way in self._ways]
        if ways and None not in ways:
            spent.append(min(end for end in ways if end is not None))
        return max(spent, default=None)

    # -- within

    def _begin(self) -> None:
        limits = self._limits
        known = {_provider(name): limits.of_provider(name) for name in {*limits.providers, *self._slowed} - {OTHERS}}
        scopes = {TOTAL: limits.total, **{_way(way): way.limit for way in self._ways}, **known}
        keys = [key for scope, limit in scopes.items() for key in (scope, *_budget_keys(scope, limit))]
        keys += [_domain(domain) for domain in self._first]
        self._marks.update(pace.marks(self._session, keys))
        for scope in (TOTAL, *map(_way, self._ways)):
            self._add(scope, scopes[scope])

    def _to(self, lane: str) -> Meter:
        scope = _provider(lane)
        if scope not in self._scopes:
            self._add(scope, self._limits.of_provider(lane), self._slowed.get(lane))
        return self._scopes[scope].meter

    def _of_domain(self, domain: str | None) -> Meter | None:
        """The meter of a sender's domain that is being warmed up; None: it is not."""
        plan, first = self._limits.warm_up, self._first.get(domain or "")
        if plan is None or first is None:
            return None
        key = _domain(domain)
        if key not in self._scopes:
            allowed = plan.allowed(first, datetime.fromtimestamp(self._at, UTC), self._limits.zone)
            budgets = [] if allowed is None else [self._budget(key, allowed, DAY)]
            meter = Meter(None, next_at=0.0, at=self._at, budgets=budgets)
            self._scopes[key] = _Scope(meter, None, (key,) if budgets else ())
        return self._scopes[key].meter

    def _add(self, scope: str, limit: Limit | None, slowed: float | None = None) -> None:
        rates = [rate for rate in (limit and limit.spread.per_second, slowed) if rate]
        keys = _budget_keys(scope, limit)
        missing = [key for key in (scope, *keys) if key not in self._marks]
        if missing:
            self._marks.update(pace.marks(self._session, missing))
        budgets = [
            self._budget(key, int(rate.count), rate.period)
            for key, rate in zip(keys, limit.budgets if limit else (), strict=True)
        ]
        interval = 1.0 / min(rates) if rates else None
        meter = Meter(interval, next_at=self._marks[scope].next_at, at=self._at, budgets=budgets)
        self._scopes[scope] = _Scope(meter, scope if rates else None, keys)

    def _budget(self, key: str, most: int, period: float) -> Budget:
        began, ends = window(period, self._at, self._limits.zone)
        mark = self._marks[key]
        if began < mark.began <= self._at:  # a host in another time zone had the day begin later
            began, ends = mark.began, mark.began + period
        return Budget(most, began, ends, mark.used if mark.began == began else 0)

    def _choose_way(self) -> None:
        if not self._ways:
            return
        free = [way for way in self._ways if self._scopes[_way(way)].meter.open()]
        chosen = self.habits.shares.next(free)
        self.habits.shares.serve(chosen)
        for way in self._ways:
            if way not in free:
                self.habits.shares.catch_up(way, free)
        if chosen.limit is not None:
            self.permits[chosen.name].append(self._scopes[_way(chosen)].meter.take())

    def _day_spent(self, scope: str) -> float | None:
        spent = [budget.ends for budget in self._scopes[scope].meter.budgets if budget.is_of_a_day and not budget.left]
        return max(spent, default=None)


def way_budgets(way: Way) -> tuple[str, ...]:
    """The keys of a relay's budgets."""
    return _budget_keys(_way(way), way.limit)


def _budget_keys(scope: str, limit: Limit | None) -> tuple[str, ...]:
    return tuple(f"{scope}/{rate.period:.0f}" for rate in limit.budgets) if limit else ()


def _way(way: Way) -> str:
    return f"relay:{way.name}"


def _provider(name: str) -> str:
    return f"to:{name}"


def _domain(domain: str | None) -> str:
    return f"from:{domain}/{DAY:.0f}"
