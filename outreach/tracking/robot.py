"""Was it a person or a machine that asked for a link?

Scanners look like browsers, so what gives them away is less who they say they are than what they do: they open all
links of a message at once. A hit is judged by itself when it arrives, and again by the burst that it turns out to be
part of; nothing is ever dropped or blocked for what it is taken for.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from crawlerdetect import CrawlerDetect

#: A hit this soon after the relay accepted the message is suspect: few people are so fast.
TOO_SOON = timedelta(seconds=2)
#: As many distinct links within the window make a burst.
BURST_LINKS = 3
BURST_WINDOW = timedelta(seconds=2)

#: Longer user agents are cut: what tells a robot stands at the front, and the patterns should not be fed at will.
_LONGEST_AGENT = 512


class Judgement(StrEnum):
    """What a hit is taken for."""

    HUMAN = "human"
    SUSPECT = "suspect"
    MACHINE = "machine"


class Verdict(NamedTuple):
    """A judgement, and the rule that led to it ("" for the rest that no rule catches)."""

    judgement: Judgement
    rule: str


HEAD = Verdict(Judgement.MACHINE, "head")
PREFETCH = Verdict(Judgement.MACHINE, "prefetch")
ROBOT = Verdict(Judgement.MACHINE, "robot")
BURST = Verdict(Judgement.MACHINE, "burst")
NO_AGENT = Verdict(Judgement.SUSPECT, "no-agent")
SOON = Verdict(Judgement.SUSPECT, "too-soon")
PERSON = Verdict(Judgement.HUMAN, "")


#: Every verdict by its rule.
VERDICTS = {each.rule: each for each in (HEAD, PREFETCH, ROBOT, BURST, NO_AGENT, SOON, PERSON)}


class Signs(NamedTuple):
    """What a request shows of who made it."""

    #: Whether it was a HEAD request.
    head: bool = False
    #: Whether a header says that nobody has asked to see the page yet.
    prefetch: bool = False
    #: The user agent; "" where there is none.
    agent: str = ""


def judge(signs: Signs, *, at: datetime, accepted_at: datetime | None) -> Verdict:
    """What a single hit is taken for.

    `accepted_at` is when the relay took the message; None where that is not settled yet, which is as soon as can be.
    """
    if signs.head:
        return HEAD
    if signs.prefetch:
        return PREFETCH
    if not signs.agent.strip():
        return NO_AGENT
    if is_robot(signs.agent):
        return ROBOT
    return by_time(at, accepted_at)


def by_time(at: datetime, accepted_at: datetime | None) -> Verdict:
    """What a hit is taken for that nothing else speaks against."""
    return SOON if accepted_at is None or at - accepted_at <= TOO_SOON else PERSON


#: Request headers that announce a page to be loaded ahead, and the words that do so.
PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_AHEAD = re.compile("prefetch|prerender|preview", re.IGNORECASE)


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Whether headers (lower-case names) say that the page is loaded ahead of any wish to see it."""
    return any(_AHEAD.search(headers[name]) for name in PREFETCH_HEADERS if name in headers)


@lru_cache(maxsize=4096)
def is_robot(agent: str) -> bool:
    """Whether a user agent is that of a known robot.

    Outlook's own agent is on the list of robots, since Office fetches with it too; it is also what a person's click
    in Outlook shows, so it counts as a person's.
    """
    return bool(_detector().is_crawler(_OUTLOOK.sub("", agent[:_LONGEST_AGENT])))


_OUTLOOK = re.compile(
    r"Microsoft (?:Outlook|Office)(?! \w+ Discovery)[ /\d.]*|ms-office|MSOffice|Outlook-(?:iOS|Android)"
)


@lru_cache(maxsize=1)
def _detector() -> CrawlerDetect:
    return CrawlerDetect()


Mark = TypeVar("Mark")


class Bursts(Generic[Mark]):
    """Finds bursts in hits that are added in the order of their time; keeps no more than the last two seconds.

    A burst is three or more distinct links within two seconds, of one message or from one client across messages.
    Every hit carries a mark of the caller's, by which the hits of a burst are told.
    """

    def __init__(self) -> None:
        self._groups: OrderedDict[str, _Group[Mark]] = OrderedDict()

    def add(self, at: datetime, *, reader: str, client: str | None, link: int, mark: Mark) -> list[Mark]:
        """Add a hit; the marks of the hits that are now known to be part of a burst and were not before.

        A hit that is part of two bursts, its message's and its client's, may be told twice.
        """
        self._forget(at - BURST_WINDOW)
        found = self._group(f"r{reader}", at).add(at, (reader, link), mark)
        if client is not None:
            found = found + self._group(f"c{client}", at).add(at, (reader, link), mark)
        return found

    def _group(self, name: str, at: datetime) -> _Group[Mark]:
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(at)
        self._groups.move_to_end(name)
        return group

    def _forget(self, before: datetime) -> None:
        while self._groups and next(iter(self._groups.values())).newest < before:
            self._groups.popitem(last=False)


class _Group(Generic[Mark]):
    """The hits of one message or one client within the window; a step costs the same, however many there are."""

    __slots__ = ("_loose", "_recent", "_tidy_at", "newest")

    def __init__(self, at: datetime) -> None:
        #: The links seen last, each with the time it was seen last: more than make a burst need not be known.
        self._recent: list[tuple[tuple[str, int], datetime]] = []
        #: Hits that are in no burst so far; those that have left the window go when the list has doubled.
        self._loose: list[tuple[datetime, Mark]] = []
        self._tidy_at = 16
        self.newest = at

    def add(self, at: datetime, link: tuple[str, int], mark: Mark) -> list[Mark]:
        since = at - BURST_WINDOW
        self.newest = at
        self._recent = [seen for seen in self._recent if seen[0] != link][1 - BURST_LINKS :]
        self._recent.append((link, at))
        self._loose.append((at, mark))
        if len(self._recent) == BURST_LINKS and self._recent[0][1] >= since:
            burst = [entry[1] for entry in self._loose if entry[0] >= since]
            self._loose = []
            return burst
        if len(self._loose) > self._tidy_at:
            self._loose = [entry for entry in self._loose if entry[0] >= since]
            self._tidy_at = 2 * len(self._loose) + 16
        return []


def sweep(hits: Iterable[tuple[datetime, str, str | None, int]]) -> list[bool]:
    """For hits (time, reader, client, link) in the order of their time: which of them are part of a burst."""
    bursts: Bursts[int] = Bursts()
    found: list[bool] = []
    for number, (at, reader, client, link) in enumerate(hits):
        found.append(False)
        for mark in bursts.add(at, reader=reader, client=client, link=link, mark=number):
            found[mark] = True
    return found
