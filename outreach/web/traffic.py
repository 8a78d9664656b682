"""What has the web part seen? Counters in memory of what readers did; nothing of who they were."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from outreach.tracking.robot import Judgement


class Traffic:
    """The counters of one process; threads may share them."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        hits = Counter(
            "outreach_hits",
            "Requests for tracked links that were stored, as they were judged then.",
            ["judgement"],
            registry=registry,
        )
        self._hits = {judgement: hits.labels(judgement.value) for judgement in Judgement}
        self._left = Counter("outreach_unsubscribes", "People who left a list here.", registry=registry)

    def hit(self, judgement: Judgement) -> None:
        """A hit was stored."""
        self._hits[judgement].inc()

    def left(self) -> None:
        """Somebody left a list."""
        self._left.inc()
