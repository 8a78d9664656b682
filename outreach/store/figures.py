"""What do the sums say? Read-only figures for status, report and dashboard.

`record.fold` is to be called before a report is read, so that bursts have been folded back onto the hits.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import campaigns, events, links
from outreach.store.campaigns import Campaign
from outreach.store.database import moment_text, table_of
from outreach.store.deliveries import Delivery, DeliveryState, Tally
from outreach.store.events import EventKind
from outreach.store.hits import Hit
from outreach.tracking.rates import rate
from outreach.tracking.robot import Judgement

#: The role of the link whose clicks are the point.
QUOTE = "quote"

#: What a report tells beside the contract of `campaign report --json`, for the terminal and the page.
BESIDES = frozenset({"reason", "launched_at", "finished_at", "quote_over_time", "runs"})

#: Characters of `2026-03-02 09:15` -> what is left of it is one step of a series.
_STEPS = {"minute": 16, "hour": 13, "day": 10}


def status(session: Session, campaign: Campaign) -> dict[str, Any]:
    """Where a campaign and its deliveries stand; `audience` is the sum of the states.

    Read from the tallies, which are kept in the transactions that move deliveries: no row of the queue is counted.
    """
    tally = table_of(Tally)
    rows = session.execute(sa.select(tally.c.state, tally.c.n).where(tally.c.campaign_id == campaign.id))
    counted: dict[DeliveryState, int] = {row.state: row.n for row in rows}
    states = {state.value: counted.get(state, 0) for state in DeliveryState}
    return {"name": campaign.name, "state": campaign.state.value, "audience": sum(states.values()), **states}


def clicks(session: Session, campaign: Campaign) -> dict[str, int]:
    """How many hits on a campaign's links, by what they are taken for: people, machines, and who may be either."""
    assert campaign.id is not None
    counted = _hits_by_link(session, campaign.id)
    return _sum(counted, {number for number, _ in counted})


def report(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The status, and what became of it: who was left out and why, clicks by link, who left, who complained.

    `people` are distinct readers with a human hit, by delivery where that is known, else by pseudonym; `rate` is
    people by `sent`. A recurring campaign's own figures are zero; `runs` names those that have some.
    """
    assert campaign.id is not None
    number = campaign.id
    known = status(session, campaign)
    counted = _hits_by_link(session, number)
    rows = links.of_campaign(session, number)
    quotes = [link.number for link in rows if link.role == QUOTE]
    people = _people(session, number, quotes)
    return {
        **known,
        "excluded_by": _excluded_by(session, number),
        "quote": {**_sum(counted, quotes), "people": people, "rate": rate(people, known["sent"])},
        "links": [
            {
                "role": link.role,
                "label": link.label,
                "url": link.url,
                **_sum(counted, [link.number]),
                "people": _people(session, number, [link.number]),
            }
            for link in rows
        ],
        "unsubscribed": events.count(session, EventKind.UNSUBSCRIBED, number),
        "complaints": events.count(session, EventKind.COMPLAINT, number),
        "reason": campaign.reason,
        "launched_at": _iso(campaign.launched_at),
        "finished_at": _iso(campaign.finished_at),
        "quote_over_time": _over_time(session, number, quotes),
        "runs": [run.name for run in campaigns.runs(session, number)],
    }


_hit = table_of(Hit)


def _hits_by_link(session: Session, campaign_id: int) -> dict[tuple[int, Judgement], int]:
    columns = (_hit.c.link_number, _hit.c.judgement)
    statement = sa.select(*columns, sa.func.count()).where(_hit.c.campaign_id == campaign_id).group_by(*columns)
    return {(number, judgement): n for number, judgement, n in session.execute(statement)}


def _sum(counted: dict[tuple[int, Judgement], int], numbers: Collection[int]) -> dict[str, int]:
    return {each.value: sum(counted.get((number, each), 0) for number in numbers) for each in Judgement}


def _people(session: Session, campaign_id: int, numbers: Collection[int]) -> int:
    """Distinct readers who clicked one of the links; whose name and pseudonym both occur counts as two."""
    if not numbers:
        return 0
    reader = sa.func.coalesce(sa.cast(_hit.c.delivery_id, sa.String), _hit.c.reader)
    statement = sa.select(sa.func.count(reader.distinct())).where(*_clicks(campaign_id, numbers), _is_human)
    return int(session.execute(statement).scalar_one())


def _clicks(campaign_id: int, numbers: Collection[int]) -> tuple[sa.ColumnElement[bool], ...]:
    return _hit.c.campaign_id == campaign_id, _hit.c.link_number.in_(numbers)


_is_human = _hit.c.judgement == Judgement.HUMAN


def _excluded_by(session: Session, campaign_id: int) -> dict[str, int]:
    delivery = table_of(Delivery)
    statement = (
        sa.select(delivery.c.reason, sa.func.count())
        .where(delivery.c.campaign_id == campaign_id, delivery.c.state == DeliveryState.EXCLUDED)
        .group_by(delivery.c.reason)
    )
    counted = sorted(session.execute(statement).all(), key=lambda row: (-row[1], row[0] or ""))
    return {reason or "unknown": n for reason, n in counted}


def _over_time(session: Session, campaign_id: int, numbers: Collection[int]) -> dict[str, Any]:
    """Hits on the quote links by minute, hour or day, whichever makes a readable series; empty steps are left out."""
    span = (sa.func.min(_hit.c.at), sa.func.max(_hit.c.at))
    first, last = session.execute(sa.select(*span).where(*_clicks(campaign_id, numbers))).one()
    step = _step(first, last)
    at = moment_text(session, _hit.c.at, _STEPS[step]).label("step")
    columns = (at, _hit.c.judgement, sa.func.count())
    statement = sa.select(*columns).where(*_clicks(campaign_id, numbers)).group_by(at, _hit.c.judgement).order_by(at)
    points: dict[str, dict[str, Any]] = {}
    for begin, judgement, n in session.execute(statement):
        point = points.setdefault(begin, {"at": _instant(begin), **dict.fromkeys(map(str, Judgement), 0)})
        point[judgement.value] = n
    return {"step": step, "points": list(points.values())}


def _step(first: datetime | None, last: datetime | None) -> str:
    hours = (last - first).total_seconds() / 3600 if first and last else 0
    return "minute" if hours <= 2 else "hour" if hours <= 4 * 24 else "day"


def _instant(text: str) -> str:
    """A cut `2026-03-02 09` as a whole instant."""
    return text.replace(" ", "T") + "2026-01-01T00:00:00Z"[len(text) :]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")
