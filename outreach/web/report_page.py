"""What does a report look like as a page? One file that needs nothing else: no script, no picture, no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outreach.store.deliveries import DeliveryState
from outreach.tracking.robot import Judgement
from outreach.web.pages import Pages

#: Steps of the series that are drawn at most; a longer one is drawn without its empty steps.
_MOST_COLUMNS = 400

_STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_EACH = {"minute": "a minute", "hour": "an hour", "day": "a day"}
_WRITTEN = {"minute": "%d %b %H:%M", "hour": "%d %b %H:%M", "day": "%d %b %Y"}


@dataclass(frozen=True)
class Piece:
    """One coloured piece of a bar; places and sizes are percentages of the whole drawing."""

    kind: str
    count: int
    start: float
    size: float


@dataclass(frozen=True)
class Bar:
    """A bar and what it stands for."""

    label: str
    total: int
    pieces: tuple[Piece, ...]
    #: Where it stands, and how wide it is, in a row of columns.
    start: float = 0
    width: float = 100


def html(report: Mapping[str, Any], pages: Pages, *, made_at: datetime) -> str:
    """The report (`figures.report`) as a whole HTML document."""
    columns = _over_time(report["quote_over_time"])
    return pages.html(
        "report.html",
        report=report,
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        states=_states(report),
        columns=columns,
        highest=max((column.total for column in columns), default=0),
        step=report["quote_over_time"]["step"],
        each_step=_EACH[report["quote_over_time"]["step"]],
        links=_by_link(report["links"]),
        judgements=[each.value for each in Judgement],
    )


def _states(report: Mapping[str, Any]) -> Bar:
    counts = {state.value: int(report[state.value]) for state in DeliveryState}
    return Bar("deliveries", report["audience"], _pieces(counts, report["audience"]))


def _by_link(links: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Bar]]:
    """Every link with its bar; all bars have one scale."""
    totals = [sum(link[each.value] for each in Judgement) for link in links]
    most = max(totals, default=0)
    return [
        (link, Bar(link["label"] or link["url"], total, _pieces(_judged(link), most)))
        for link, total in zip(links, totals, strict=True)
    ]


def _over_time(series: Mapping[str, Any]) -> list[Bar]:
    points = {datetime.fromisoformat(point["at"]): point for point in series["points"]}
    times = _times(sorted(points), _STEPS[series["step"]])
    most = max((sum(_judged(point).values()) for point in points.values()), default=0)
    width = 100 / max(len(times), 12)  # a few columns do not fill the page
    bars = []
    for place, at in enumerate(times):
        counts = _judged(points.get(at, {}))
        label = f"{at:{_WRITTEN[series['step']]}}"
        start = place * width
        bars.append(Bar(label, sum(counts.values()), _pieces(counts, most), start=start, width=width * 0.8))
    return bars


def _times(known: list[datetime], step: timedelta) -> list[datetime]:
    """Every step from the first to the last, so that a quiet hour shows as a gap."""
    if not known or (known[-1] - known[0]) / step > _MOST_COLUMNS:
        return known
    return [known[0] + number * step for number in range(round((known[-1] - known[0]) / step) + 1)]


def _judged(counts: Mapping[str, Any]) -> dict[str, int]:
    return {each.value: int(counts.get(each.value, 0)) for each in Judgement}


def _pieces(counts: Mapping[str, int], whole: int) -> tuple[Piece, ...]:
    pieces, start = [], 0.0
    for kind, count in counts.items():
        if count:
            size = 100 * count / whole
            pieces.append(Piece(kind, count, round(start, 3), round(size, 3)))
            start += size
    return tuple(pieces)
