"""Which rows of a campaign may leave, where some providers have enough? A bounded look at its lanes and its queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from outreach.store import candidates
from outreach.store.allowance import Allowance
from outreach.store.candidates import Row, bar
from outreach.store.deliveries import DeliveryState

#: How many rows of a campaign's queue one claim looks at in one place.
LOOK = 512

#: Takes rows of a campaign and a state: those that may leave, with their waits and budgets, and those whose person is
#: not mailed.
Land = Callable[[int, DeliveryState, Sequence[Row], Sequence[float], Sequence[tuple[str, ...]]], None]


class Paced:
    """One campaign's part of a claim, where some providers may have enough."""

    def __init__(
        self,
        session: Session,
        place: tuple[int, int],
        domain: str | None,
        *,
        now: datetime,
        allowance: Allowance,
        land: Land,
    ) -> None:
        """`place` is the campaign and its list, `domain` the one that it is from; `land` takes rows."""
        self._session = session
        self._place = place
        self._domain = domain
        self._now = now
        self._allowance = allowance
        self._land = land
        self._room = 0

    def take(self, share: int) -> None:
        """Take up to `share` rows: of lanes that are open half of them at most, of the common lane the rest."""
        self._room = min(share, self._allowance.left_of(self._domain))
        if not self._room:
            return
        lanes = self._open_lanes()
        for_lanes = -(-self._room // 2) if lanes else 0
        self._room -= for_lanes
        self._take_due()
        self._take_queued()
        self._room += for_lanes
        self._take_lanes(lanes)
        if lanes:
            self._take_queued()

    def _open_lanes(self) -> list[str]:
        number, cursors = self._place[0], self._allowance.habits.cursors
        lanes = candidates.lanes(self._session, number, cursors.get(number, ""))
        if len(lanes) == candidates.MOST_LANES:
            cursors[number] = lanes[-1]
        return [lane for lane in lanes if self._allowance.open(lane)]

    def _take_due(self) -> None:
        """Retries that are due take half of the room at most."""
        others = self._room // 2
        self._room -= others
        self._look_through(
            DeliveryState.DEFERRED,
            lambda most: candidates.common_due(self._session, *self._place, most, self._now),
        )
        self._room += others

    def _take_queued(self) -> None:
        """From the head of the queue; where that is all of providers that have enough, from somewhere else too.

        So a long run of one of them at the head is set aside piece by piece, and the others do not wait until it is.
        """
        wanted = self._room
        if not wanted or self._look_at_queue(0) or self._room < wanted:
            return
        first = self._allowance.habits.somewhere(*candidates.span(self._session, self._place[0]))
        self._look_at_queue(first)

    def _look_at_queue(self, first: int) -> bool:
        return self._look_through(
            DeliveryState.QUEUED,
            lambda most: candidates.common_queued(self._session, *self._place, most, self._now, first=first),
        )

    def _look_through(self, state: DeliveryState, fetched: Callable[[int], Sequence[Row]]) -> bool:
        """Look on until there is enough, or until enough was looked at; whether the end was reached before."""
        look, most = LOOK, self._room
        while self._room and look:
            most = min(look, max(most, self._room))
            rows = fetched(most)
            look -= len(rows)
            self._sort_out(state, rows)
            if len(rows) < most and self._room:
                return True
            most *= 4
        self._allowance.more = True
        return False

    def _take_lanes(self, lanes: Sequence[str]) -> None:
        for left, lane in zip(range(len(lanes), 0, -1), lanes, strict=True):
            most = min(-(-self._room // left), self._allowance.open(lane))
            if most:
                found = candidates.of_lane(self._session, *self._place, lane, most=most, now=self._now)
                for state, rows in found:
                    self._sort_out(state, rows, lane)
                if sum(len(rows) for _, rows in found) == most and self._allowance.open(lane):
                    self._allowance.more = True

    def _sort_out(self, state: DeliveryState, rows: Sequence[Row], of_lane: str | None = None) -> None:
        """Take what may leave, as long as there is room; set the others aside."""
        allowance, domain = self._allowance, self._domain
        taken: list[Row] = []
        waits: list[float] = []
        budgets: list[tuple[str, ...]] = []
        aside: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows:
            if bar(row) is not None:
                taken.append(row)
                continue
            lane = allowance.lane_of(row.email)
            if lane is not None and not allowance.open(lane):
                if of_lane is None:
                    aside[lane].append(row.id)
            elif self._room:
                self._room -= 1
                taken.append(row)
                waits.append(allowance.take(lane, domain))
                budgets.append(allowance.budgets(lane, domain))
        self._land(self._place[0], state, taken, waits, budgets)
        candidates.set_aside(self._session, aside)
