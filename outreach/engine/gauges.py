"""What can be seen of this process at work? Counters and gauges in memory, written where the work is done.

Prometheus' registry is the seam: the parts write into it, the web room's `/metrics` reads from it, and neither knows
the other; `wiring` hands one registry to both. The figures of the database do not stand here (see `web.metrics`).
No label holds a name, an address or anything that a mail was about.
"""

from __future__ import annotations

import time
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator, Sequence

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Summary
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from outreach.actions.collect import Collected
from outreach.engine.crew import Crew
from outreach.engine.pulse import Pulse
from outreach.store.settlements import Result
from outreach.transport.base import Outcome

# A series for each counter that says since when it counts: twice as many, and the process tells when it started.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Gauges:
    """The counters and gauges of one process; threads may share them."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.replies = Counter(
            "outreach_replies",
            "Answers of the relay by class (2xx, 4xx, 5xx; none: the connection ended without one) and stage.",
            ["class", "stage"],
            registry=self.registry,
        )
        self.messages = Counter(
            "outreach_messages",
            "Messages whose fate was written down, by the state that they came to.",
            ["state"],
            registry=self.registry,
        )
        self.turns = Summary(
            "outreach_turn_seconds",
            "Time in transactions that settle what was sent and claim what is next.",
            registry=self.registry,
        )
        self.last_turn = Gauge(
            "outreach_last_turn_seconds", "Time that the last such transaction took.", registry=self.registry
        )
        self.launches = Counter("outreach_launches", "Campaigns that the clock has launched.", registry=self.registry)
        self.launch_delay = Gauge(
            "outreach_last_launch_delay_seconds",
            "How long after its time the last campaign was launched.",
            registry=self.registry,
        )
        self.reports = Counter(
            "outreach_reports",
            "Bounces, complaints and other mail that came back, each once, by its kind and what became of it.",
            ["kind", "state"],
            registry=self.registry,
        )
        self.watches: list[Watch] = []
        Gauge(
            "outreach_oldest_claim_age_seconds",
            "How long the senders of this process have held the oldest of their claims.",
            registry=self.registry,
        ).set_function(lambda: max((watch.claim_age for watch in self.watches), default=0.0))
        Gauge(
            "outreach_books_open",
            "Whether all senders of this process can write down what they do; 0: nothing leaves.",
            registry=self.registry,
        ).set_function(lambda: float(all(watch.books_open for watch in self.watches)))
        self._followed: dict[str, list[Callable[[], float]]] = {}

    def follow(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Tell what `read` gives whenever somebody looks; several of one name are added up."""
        if name not in self._followed:
            readers = self._followed[name] = []
            gauge = Gauge(name, meaning, registry=self.registry)
            gauge.set_function(lambda: sum(each() for each in readers))
        self._followed[name].append(read)

    def collected(self, report: Collected) -> None:
        """A report came; one that was known already counts no more."""
        if report.fresh:
            self.reports.labels(report.kind.value, report.state.value).inc()

    def crew(self, crew: Crew) -> None:
        """Tell of each part of a crew whether it is well."""
        self.registry.register(_Parts(crew))


class Watch:
    """What one sender lets others see: signs of life, and what came back. For use in its event loop."""

    def __init__(self, gauges: Gauges | None = None) -> None:
        self.pulse = Pulse()
        self._gauges = gauges or Gauges()
        self._gauges.watches.append(self)
        #: Whether what is done can be written down; while it cannot, nothing leaves.
        self.books_open = True
        self._claimed_at: float | None = None
        self._replies: dict[tuple[int, str], Counter] = {}

    def answered(self, outcome: Outcome) -> None:
        """A message was answered, or its connection ended."""
        hundreds = outcome.reply.code // 100 if outcome.reply else 0
        counter = self._replies.get((hundreds, outcome.stage))
        if counter is None:
            named = f"{hundreds}xx" if hundreds else "none"
            counter = self._replies[hundreds, outcome.stage] = self._gauges.replies.labels(named, outcome.stage)
        counter.inc()

    def holds(self, age: float | None) -> None:
        """The oldest claim was made so many seconds ago; None: there is none."""
        self._claimed_at = None if age is None else time.monotonic() - age

    @property
    def claim_age(self) -> float:
        """How old the oldest claim is now, in seconds; 0 where there is none."""
        since = self._claimed_at
        return 0.0 if since is None else time.monotonic() - since

    def turned(self, results: Sequence[Result], seconds: float) -> None:
        """A transaction has written down these results, and took so long."""
        self._gauges.turns.observe(seconds)
        self._gauges.last_turn.set(seconds)
        for state, n in Counted(result.state for result in results).items():
            self._gauges.messages.labels(state.value).inc(n)


class _Parts(Collector):
    """The parts of a crew, asked when somebody looks."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        well = GaugeMetricFamily("outreach_part_up", "Whether a part works (see /healthz).", labels=["part"])
        silent = GaugeMetricFamily(
            "outreach_part_silent_seconds", "Time since the last sign of life of a part.", labels=["part"]
        )
        failures = CounterMetricFamily(
            "outreach_part_failures", "How often a part has failed and was started anew.", labels=["part"]
        )
        ailing = self._crew.ailments()
        for part in self._crew.parts:
            well.add_metric([part.name], float(part.name not in ailing))
            failures.add_metric([part.name], part.failures)
            if part.pulse is not None:
                silent.add_metric([part.name], part.pulse.silent)
        yield from (well, silent, failures)
