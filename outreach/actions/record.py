"""Store who asked for a tracked link, judge it, and say where the link leads; later, fold bursts and forget keys.

A batch of requests is one transaction, committed durably before any of them is answered. What is read for it is read
before the write begins, so that the write lock is held for the inserts alone.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from outreach.store import hits, links
from outreach.store.database import Store
from outreach.store.hits import Target
from outreach.store.lists import Tracking
from outreach.tracking import destination, pseudonym, robot
from outreach.tracking.robot import BURST, Bursts, Judgement, Signs

#: Hits younger than this may still get neighbours (a commit may wait for its turn): they are folded again next time.
FOLD_MARGIN = timedelta(seconds=30)
#: Rows that are folded or forgotten in one transaction, so that clicks and sends are held up for milliseconds only.
SLICE = 1_000
#: Campaigns whose destinations are kept in memory.
_KNOWN_CAMPAIGNS = 1_000


class Ask(NamedTuple):
    """A request for a tracked link, by a token that was found to be ours."""

    delivery_id: int
    #: The link's number within its campaign.
    number: int
    at: datetime
    #: The client's IP address; "" where it is not known.
    address: str
    signs: Signs


@dataclass(slots=True)
class _Entry:
    row: dict[str, Any]
    stored: bool = False


class Recorder:
    """Records batches of requests, one at a time; remembers destinations and the hits of the last two seconds.

    Several processes may each have one: bursts that run across them are found when a report folds.
    """

    def __init__(
        self,
        store: Store,
        stored: Callable[[Judgement], object] = lambda _: None,
        *,
        keep: timedelta | None = None,
    ) -> None:
        """`stored` is told the judgement of each hit that is on the disk."""
        self._store = store
        #: How long after a message was sent its hits may name it.
        self._keep = keep
        self._told = stored
        self._bursts: Bursts[_Entry] = Bursts()
        self._locations: dict[int, dict[int, str | None]] = {}
        self._day, self._key = "", b""

    def clicks(self, asks: Sequence[Ask]) -> list[str | None]:
        """Store a hit for each request; where each is to be sent, as a Location header carries it.

        None: there is no such delivery or link, or it leads nowhere a link may lead; no hit is stored for that one.
        Links of a list whose tracking was switched off meanwhile lead on and are not counted. Raises
        DatabaseUnavailable when nothing of the batch was stored.
        """
        with self._store.reading() as session:
            targets = hits.targets(session, {ask.delivery_id for ask in asks})
            self._learn({target.campaign_id for target in targets.values()} - self._locations.keys())
        answers = [self._location(targets.get(ask.delivery_id), ask.number) for ask in asks]
        found = [(ask, targets[ask.delivery_id]) for ask, answer in zip(asks, answers, strict=True) if answer]
        counted = [(ask, target) for ask, target in found if target.tracking is not Tracking.OFF]
        if counted:
            self._store_hits(counted)
        return answers

    def _location(self, target: Target | None, number: int) -> str | None:
        return self._locations[target.campaign_id].get(number) if target else None

    def _learn(self, campaign_ids: set[int]) -> None:
        if not campaign_ids:
            return
        if len(self._locations) > _KNOWN_CAMPAIGNS:
            self._locations.clear()
        with self._store.reading() as session:
            urls = links.urls(session, campaign_ids)
        for campaign_id in campaign_ids:
            self._locations[campaign_id] = {}
        for (campaign_id, number), url in urls.items():
            self._locations[campaign_id][number] = destination.location(url)

    def _store_hits(self, counted: Sequence[tuple[Ask, Target]]) -> None:
        entries = [self._entry(ask, target) for ask, target in counted]
        earlier = [found for entry in entries for found in self._judged_by_burst(entry) if found.stored]
        with self._store.writing() as session:
            hits.add_all(session, [entry.row for entry in entries])
            hits.fold_back(session, [(entry.row["reader"], entry.row["at"]) for entry in earlier])
        for entry in entries:
            entry.stored = True
            self._told(entry.row["judgement"])

    def _entry(self, ask: Ask, target: Target) -> _Entry:
        key = self._key_of(ask.at)
        verdict = robot.judge(ask.signs, at=ask.at, accepted_at=target.accepted_at)
        return _Entry(
            {
                "campaign_id": target.campaign_id,
                "link_number": ask.number,
                "at": ask.at,
                "delivery_id": ask.delivery_id if target.named(ask.at, self._keep) else None,
                "reader": pseudonym.of_message(key, ask.delivery_id),
                "client": pseudonym.of_client(key, ask.address),
                "waited_ms": _waited(ask.at, target.accepted_at),
                "own_rule": verdict.rule,
                "judgement": verdict.judgement,
                "rule": verdict.rule,
                "folded": False,
            }
        )

    def _judged_by_burst(self, entry: _Entry) -> list[_Entry]:
        row = entry.row
        found = self._bursts.add(
            row["at"], reader=row["reader"], client=row["client"], link=row["link_number"], mark=entry
        )
        people = [each for each in found if each.row["judgement"] is not Judgement.MACHINE]
        for each in people:
            each.row.update(judgement=BURST.judgement, rule=BURST.rule)
        return people

    def _key_of(self, at: datetime) -> bytes:
        day = at.date().isoformat()
        if day != self._day:
            self._key, self._day = _day_key(self._store, day), day
        return self._key


def _waited(at: datetime, accepted_at: datetime | None) -> int | None:
    """Milliseconds, rounded up: what was not too soon does not become so."""
    return None if accepted_at is None else math.ceil((at - accepted_at) / timedelta(milliseconds=1))


def _day_key(store: Store, day: str) -> bytes:
    with store.reading() as session:
        key = hits.day_key(session, day)
    if key is not None:
        return key
    with store.writing() as session:
        return hits.keep_day_key(session, day, secrets.token_bytes(pseudonym.KEY_BYTES))


def fold(store: Store, *, now: datetime) -> int:
    """Fold bursts back onto hits that were judged by themselves; how many of them were a machine's after all.

    To be called before a report reads, and now and then so that a report has little to fold. It finds what a recorder
    cannot: bursts that ran across several web processes. Safe to repeat, and to run twice at once.
    """
    bursts: Bursts[tuple[int, Judgement]] = Bursts()
    after: tuple[datetime, int] | None = None
    folded = 0
    while True:
        with store.reading() as session:
            rows = hits.unfolded(session, after=after, limit=SLICE)
        if not rows:
            return folded
        marks = [
            mark
            for row in rows
            for mark in bursts.add(
                row.at, reader=row.reader, client=row.client, link=row.link_number, mark=(row.id, row.judgement)
            )
        ]
        burst = {number for number, judgement in marks if judgement is not Judgement.MACHINE}
        done = [row.id for row in rows if row.at < now - FOLD_MARGIN]
        if burst or done:
            with store.writing() as session:
                hits.fold(session, burst, done)
        folded += len(burst)
        after = (rows[-1].at, rows[-1].id)


def forget_old_days(store: Store, *, now: datetime) -> int:
    """Delete the pseudonym keys of the days before yesterday (UTC); how many there were.

    After that nobody can say whose message a pseudonym stood for. Bursts are folded first.
    """
    fold(store, now=now)
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    with store.writing() as session:
        return hits.forget_day_keys(session, yesterday.isoformat())
