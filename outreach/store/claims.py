"""Which deliveries does a sender hold, and for how long?

A claim is a batch of rows under one random token with a lease. Whoever gives a row back (`settlements`) must still hold
it: state `claimed` and the same token. So a sender that lost its lease cannot overwrite what has happened since.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from outreach.store import candidates, deliveries, rows
from outreach.store.allowance import Allowance
from outreach.store.campaigns import Campaign, CampaignKind, CampaignState
from outreach.store.candidates import Row, bar
from outreach.store.database import Moment, table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.paced import Paced
from outreach.store.subscribers import Subscriber

#: How many rows one claim holds at most.
LARGEST = 256

#: How many campaigns one claim takes from at most; the next claim goes on with the others.
MOST_CAMPAIGNS = 32


Keys = tuple[str, ...]


class Claimed(NamedTuple):
    """One delivery that a sender holds, with what it needs to know of the person."""

    delivery_id: int
    campaign_id: int
    attempts: int
    first_at: datetime | None
    email: str
    name: str
    language: str
    timezone: str
    attributes: Mapping[str, Any]
    #: The token of the claim.
    claim: str
    #: In how many seconds from the moment of the claim it may leave.
    wait: float = 0.0
    #: The budgets that it was taken from, to be given back where it is not tried.
    budgets: Keys = ()


class Sending(NamedTuple):
    """A campaign that is sending."""

    campaign_id: int
    list_id: int
    #: The domain that its mail is from; None where it was launched before that was written down.
    domain: str | None
    #: Whether it holds what people asked for by an act of their own: that goes first.
    is_notice: bool = False


def claimable(session: Session, now: datetime, *, only: int | None = None, allowance: Allowance | None = None) -> bool:
    """Whether a claim would find something; only reads, so that idle senders do not take the writer's lock."""
    if allowance is not None and not allowance.most:
        return False
    return any(_has_work(session, campaign, now, allowance) for campaign in sending(session, only))


def claim(
    session: Session,
    *,
    limit: int,
    token: str,
    lease_until: datetime,
    now: datetime,
    only: int | None = None,
    turn: int = 0,
    allowance: Allowance | None = None,
) -> list[Claimed]:
    """Take up to `limit` deliveries of campaigns that are sending, shared fairly between these.

    `turn`, counted up by the caller, says which campaign comes first. People who left or were suppressed since the
    launch are excluded on the way. Deliveries whose retry is due take half of a campaign's share. With an allowance,
    which belongs to who holds the pace, no more is taken than it lets go, and each gets its time to leave.
    """
    catch = _Catch(session, token, lease_until, now)
    most = min(limit, LARGEST) if allowance is None else min(limit, LARGEST, allowance.most)
    for left, campaign in _in_turn(sending(session, only), turn):
        share = -(-(most - len(catch.claimed)) // left)
        if share <= 0:
            continue
        if allowance is None:
            found = candidates.common(session, campaign.campaign_id, campaign.list_id, share, now)
            for state, rows_of_state in found:
                catch.land(campaign.campaign_id, state, rows_of_state)
        else:
            place = (campaign.campaign_id, campaign.list_id)
            Paced(session, place, campaign.domain, now=now, allowance=allowance, land=catch.land).take(share)
    deliveries.shift(session, catch.moved)
    if allowance is None:
        return catch.claimed
    waits = allowance.let_go([row.wait for row in catch.claimed])
    allowance.more = allowance.more and allowance.most > 0
    allowance.write()
    return [row._replace(wait=wait) for row, wait in zip(catch.claimed, waits, strict=True)]


def renew(session: Session, held: Mapping[int, str], lease_until: datetime) -> set[int]:
    """Prolong the lease of these deliveries (number -> token); the numbers of those that are still held."""
    statement = sa.update(_delivery).where(
        _delivery.c.id.in_(list(held)),
        _delivery.c.claim.in_(set(held.values())),
        deliveries.is_in(DeliveryState.CLAIMED),
    )
    prolonged = session.execute(statement.values(lease_until=lease_until).returning(_delivery.c.id))
    return set(prolonged.scalars())


def held(session: Session, tokens: Collection[str]) -> list[Claimed]:
    """What is still held under these tokens; of the person only the address, "" where they were erased."""
    subscriber = table_of(Subscriber)
    person = subscriber.c.id == _delivery.c.subscriber_id
    columns = (_delivery.c.id, _delivery.c.campaign_id, _delivery.c.attempts, _delivery.c.first_at, _delivery.c.claim)
    statement = (
        sa.select(*columns, subscriber.c.email)
        .select_from(_delivery.outerjoin(subscriber, person))
        .where(deliveries.is_in(DeliveryState.CLAIMED), _delivery.c.claim.in_(tokens))
        .order_by(deliveries.SORTED)
    )
    return [
        Claimed(row.id, row.campaign_id, row.attempts, row.first_at, row.email or "", "", "", "", {}, row.claim)
        for row in session.execute(statement)
    ]


def leases(session: Session) -> dict[str, datetime]:
    """Every claim that holds something, and until when at the longest."""
    statement = sa.select(_delivery.c.claim, sa.func.max(_delivery.c.lease_until, type_=Moment()))
    held_now = statement.where(deliveries.is_in(DeliveryState.CLAIMED)).group_by(_delivery.c.claim)
    return {row[0]: row[1] for row in session.execute(held_now)}


def held_now(session: Session, now: datetime) -> int:
    """How many deliveries senders hold whose lease has not run out."""
    live = sa.and_(deliveries.is_in(DeliveryState.CLAIMED), _delivery.c.lease_until >= now)
    n: int = session.execute(sa.select(sa.func.count()).where(live)).scalar_one()
    return n


def sending(session: Session, only: int | None = None) -> list[Sending]:
    """The campaigns that are sending (all, or `only` that one)."""
    campaign = table_of(Campaign)
    columns = (campaign.c.id, campaign.c.list_id, campaign.c.from_domain)
    statement = sa.select(*columns, campaign.c.kind == CampaignKind.NOTICE).where(
        campaign.c.state == CampaignState.SENDING
    )
    if only is not None:
        statement = statement.where(campaign.c.id == only)
    return [
        Sending(number, group, domain, bool(notice))
        for number, group, domain, notice in session.execute(statement.order_by(campaign.c.id))
    ]


def held_until(session: Session, campaign_id: int, allowance: Allowance) -> float | None:
    """Until when (seconds since 1970) a day's budget or a warm-up holds all that waits of a campaign.

    None: something may leave, if not at once then when its rate comes round.
    """
    for campaign in sending(session, campaign_id):
        whole = allowance.held_until(None, campaign.domain)
        if whole is not None:
            return whole
        if session.execute(sa.select(candidates.QUEUED_ANY.exists()), {"campaign": campaign_id}).scalar():
            return None
        ends = [allowance.held_until(lane, None) for lane in candidates.lanes(session, campaign_id)]
        return None if None in ends else min((end for end in ends if end is not None), default=None)
    return None


def _in_turn(campaigns: list[Sending], turn: int) -> Iterator[tuple[int, Sending]]:
    """Notices, then the campaigns from the one whose turn it is, each with how many are left to share what is left."""
    notices, others = ([each for each in campaigns if each.is_notice is which] for which in (True, False))
    start = turn % len(others) if others else 0
    # A notice takes what there is of it, which is little; the others share the rest.
    yield from zip(itertools.repeat(1), notices)
    chosen = (others[start:] + others[:start])[:MOST_CAMPAIGNS]
    yield from zip(range(len(chosen), 0, -1), chosen, strict=True)


def _has_work(session: Session, campaign: Sending, now: datetime, allowance: Allowance | None) -> bool:
    facts = {"campaign": campaign.campaign_id, "now": now}

    def any_of(*queries: sa.Select[Any], **more: str) -> bool:
        return any(session.execute(sa.select(query.exists()), {**facts, **more}).scalar() for query in queries)

    if allowance is not None and not allowance.left_of(campaign.domain):
        return False
    if any_of(candidates.QUEUED_ANY, candidates.DUE_ANY):
        return True
    return allowance is not None and any(
        allowance.open(lane) and any_of(candidates.LANE_QUEUED_ANY, candidates.LANE_DUE_ANY, lane=lane)
        for lane in candidates.lanes(session, campaign.campaign_id)
    )


class _Catch:
    """What a claim has taken so far, written down as it goes."""

    def __init__(self, session: Session, token: str, lease_until: datetime, now: datetime) -> None:
        self._session = session
        self._token = token
        self._lease_until = lease_until
        self._now = now
        self.claimed: list[Claimed] = []
        self.moved: Counter[tuple[int, DeliveryState]] = Counter()

    def land(
        self,
        campaign_id: int,
        state: DeliveryState,
        found: Sequence[Row],
        waits: Sequence[float] = (),
        budgets: Sequence[Keys] = (),
    ) -> None:
        """Take rows of a state, and exclude those whose person is not mailed any more.

        `waits` and `budgets`, where there are any, are of those that are taken, in their order.
        """
        barred = [(row, why) for row in found if (why := bar(row)) is not None]
        self._exclude(barred)
        kept = [row for row in found if bar(row) is None] if barred else found
        taken = [_claimed(row, campaign_id, self._token) for row in kept]
        if waits:
            taken = [each._replace(wait=w, budgets=b) for each, w, b in zip(taken, waits, budgets, strict=True)]
        self.claimed += taken
        self._take([row[0] for row in kept])
        self.moved[campaign_id, state] -= len(found)
        self.moved[campaign_id, DeliveryState.EXCLUDED] += len(barred)
        self.moved[campaign_id, DeliveryState.CLAIMED] += len(kept)

    def _exclude(self, barred: Sequence[tuple[Row, str]]) -> None:
        for row, why in barred:
            statement = sa.update(_delivery).where(_delivery.c.id == row.id)
            values = {"state": DeliveryState.EXCLUDED, "reason": why, "due_at": None, "settled_at": self._now}
            self._session.execute(statement.values(**values))

    def _take(self, ids: Sequence[int]) -> None:
        if ids:
            given = rows.packed(self._session, [[number] for number in ids])
            facts = {"rows": given, "token": self._token, "until": self._lease_until}
            self._session.execute(_taken(self._session.get_bind().dialect.name), facts)


def _claimed(row: Row, campaign_id: int, token: str) -> Claimed:
    number, attempts, first_at, email, name, language, timezone, attributes, *_ = tuple(row)
    known = json.loads(attributes) if attributes != "{}" else {}
    return Claimed(number, campaign_id, attempts, first_at, email, name, language, timezone, known, token)


@cache
def _taken(backend: str) -> sa.Update:
    given = rows.handed_over(backend, {"id": sa.BigInteger()})
    values: dict[str, Any] = {
        "state": DeliveryState.CLAIMED,
        "claim": sa.bindparam("token"),
        "lease_until": sa.bindparam("until"),
        "due_at": None,
    }
    return sa.update(_delivery).where(_delivery.c.id.in_(sa.select(given.c.id))).values(**values)


_delivery = table_of(Delivery)
