"""Judge every hit of a campaign anew, by today's rules and by what is still kept of who asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from outreach.actions.record import SLICE, fold
from outreach.store import campaigns, hits
from outreach.store.database import Store
from outreach.tracking import robot
from outreach.tracking.robot import BURST, PERSON, SOON, VERDICTS, Bursts, Judgement, Verdict

#: Hits of other campaigns that are looked at before the first one and after the last one, for bursts across campaigns.
MARGIN = 5_000


@dataclass(frozen=True)
class Recounted:
    """What came of it, in hits."""

    hits: int
    #: Those that are judged otherwise now.
    changed: int
    #: Those whose client is forgotten: what was seen of its bursts then stands.
    without_client: int

    @property
    def words(self) -> str:
        """What came of it, in a sentence."""
        kept = f"; of {self.without_client:,} the client is forgotten already: bursts that were seen then stand"
        return f"Judged {self.hits:,} clicks anew, {self.changed:,} otherwise{kept if self.without_client else ''}."


def campaign(store: Store, name: str, *, now: datetime) -> Recounted:
    """Judge the hits of a campaign anew; safe to repeat. Raises NotFound."""
    fold(store, now=now)
    with store.reading() as session:
        number = campaigns.by_name(session, name).id
        assert number is not None
        count = _Count(number)
        for row in hits.around(session, number, margin=MARGIN):
            count.add(row)
    changed = sorted(count.changed.items())
    for at in range(0, len(changed), SLICE):
        with store.writing() as session:
            hits.judge(session, changed[at : at + SLICE])
    return Recounted(count.hits, len(changed), count.without_client)


class _Count:
    """Hits in the order of their time, and which of them are to be judged otherwise."""

    def __init__(self, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._bursts: Bursts[tuple[int, Verdict, Verdict]] = Bursts()
        self.changed: dict[int, Verdict] = {}
        self.hits = self.without_client = 0

    def add(self, row: Any) -> None:
        """Judge a hit by itself, and those before it by the burst that it makes."""
        mine = row.campaign_id == self._campaign_id
        own, stored = alone(row), Verdict(row.judgement, row.rule)
        if mine:
            self.hits += 1
            self.without_client += row.client is None
            self._note(row.id, own, stored)
        mark = (row.id if mine else 0, own, stored)
        for number, by_itself, before in self._bursts.add(
            row.at, reader=row.reader, client=row.client, link=row.link_number, mark=mark
        ):
            if number and by_itself.judgement is not Judgement.MACHINE:
                self._note(number, BURST, before)

    def _note(self, number: int, verdict: Verdict, stored: Verdict) -> None:
        if verdict == stored:
            self.changed.pop(number, None)
        else:
            self.changed[number] = verdict


def alone(row: Any) -> Verdict:
    """What a stored hit is taken for by itself: how soon it came is judged anew, what it showed was judged then."""
    if row.own_rule is None:
        return Verdict(row.judgement, row.rule)
    if row.client is None and row.rule == BURST.rule:
        return BURST  # of its client, perhaps: that cannot be seen any more
    if row.own_rule not in {SOON.rule, PERSON.rule}:
        return VERDICTS[row.own_rule]
    accepted = None if row.waited_ms is None else row.at - timedelta(milliseconds=row.waited_ms)
    return robot.by_time(row.at, accepted)
