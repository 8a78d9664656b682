"""What do limits hold back today, and how much may still leave? For people: status, doctor, a sender that ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel import Session

from outreach.store import pace
from outreach.store.allowance import WARM_UP, Allowance
from outreach.timing.budget import Budget
from outreach.timing.limits import Limits
from outreach.timing.ways import Way


class Hold(NamedTuple):
    """A day's budget, or a day of a warm-up."""

    #: What it is, in words: `the warm-up of clinic.example`.
    what: str
    #: How many may leave on this day, and how many of them still may.
    most: int
    left: int
    #: When the next day begins.
    until: datetime

    @property
    def is_warm_up(self) -> bool:
        """Whether it is told even where it holds nothing back yet."""
        return self.what.startswith(WARM_UP)


def of_domain(session: Session, domain: str | None, limits: Limits, ways: Sequence[Way] = ()) -> list[Hold]:
    """The budgets of today that mail from this domain comes under; None: those that any mail comes under."""
    allowance = Allowance(session, limits, at=pace.clock(session), ways=ways)
    return [_hold(what, day) for what, day in allowance.days(domain)]


def of_installation(session: Session, limits: Limits, ways: Sequence[Way] = ()) -> list[Hold]:
    """The budgets of today that there are, with the warm-up of every domain that is in one."""
    allowance = Allowance(session, limits, at=pace.clock(session), ways=ways)
    warm_ups = [(what, day) for domain in allowance.domains for what, day in allowance.warm_up(domain)]
    return [_hold(what, day) for what, day in (*warm_ups, *allowance.days(None))]


def _hold(what: str, day: Budget) -> Hold:
    return Hold(what, day.most, day.left, datetime.fromtimestamp(day.ends, UTC))
