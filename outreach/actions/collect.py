"""Collect what comes back about mail that was sent: write each report down, once, and do what follows from it.

A token of ours proves which delivery a report is about; nothing that it says does. It stands in the address that the
report came to (the return path of each message is one of its own), or, in a complaint, in the mail that it encloses.
Without one a report changes nothing. It is stored in the transaction that draws its consequences, so that whoever
brought it may acknowledge or delete it when this returns, and may bring it again when it did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from outreach.address import Address
from outreach.log import Log
from outreach.replies import carried, identity, report, returnpath
from outreach.replies.kind import Kind
from outreach.store import aftermath, conflict, reports
from outreach.store.aftermath import NOTHING, Done
from outreach.store.database import Store
from outreach.store.reports import About, Report, ReportState
from outreach.tracking.token import Purpose, TokenMaker

log = Log("outreach.reports")

#: How many bytes of a report are kept for a person to look at.
LARGEST_RAW = 64 * 1024
#: How many reports are kept whole at the same time; who floods us gets no more room.
MOST_RAW = 5_000
#: How much is kept of what a server said.
LONGEST_WORDS = 2_000


@dataclass(frozen=True)
class Terms:
    """By what reports are understood."""

    tokens: TokenMaker
    #: The address that the return paths of our mail are made of.
    return_path: Address | None = None
    #: How many soft bounces in a row are too many.
    soft_bounces: int = 5

    def delivery_of_address(self, recipient: str) -> int | None:
        """The delivery whose return path an address is (0: a test mail's); None where it is none, or forged."""
        token = returnpath.tag(recipient, self.return_path) if self.return_path else None
        return self._read(Purpose.BOUNCE, token or "")

    def delivery_of_message_id(self, message_id: str) -> int | None:
        """The delivery whose Message-ID that is, with or without its angle brackets."""
        return self._read(Purpose.MESSAGE, message_id.strip().strip("<>").rpartition("@")[0])

    def _read(self, purpose: Purpose, token: str) -> int | None:
        opened = self.tokens.read(purpose, token)
        return opened.delivery_id if opened else None


class Notice(Protocol):
    """What a provider tells by its webhook."""

    @property
    def key(self) -> str:
        """What the provider knows the notice by."""

    @property
    def message_id(self) -> str | None:
        """The Message-ID of the mail that it is about."""

    @property
    def return_path(self) -> str | None:
        """The return path of that mail."""

    @property
    def report(self) -> report.Report:
        """What it says."""


@dataclass(frozen=True)
class Collected:
    """What became of a report."""

    kind: Kind
    state: ReportState
    #: False: it was collected before, or was not worth a line; nothing changed.
    fresh: bool
    #: What its token proves; None where it proves nothing.
    delivery_id: int | None = None
    done: Done = NOTHING


@dataclass(frozen=True)
class _Arrival:
    """A report as it was read, and what was proved."""

    digest: str
    source: str
    said: report.Report
    #: None: no token; 0: a test mail's.
    delivery_id: int | None
    raw: bytes | None = None


def message(
    store: Store, data: bytes, *, source: str, terms: Terms, now: datetime, recipient: str | None = None
) -> Collected:
    """Collect a message that came back; safe to repeat.

    `recipient` is the address that it came to, where the way that it came tells that; else its header does. Raises
    StoreError where it cannot be stored now: it must be kept where it is, and come again.
    """
    said = report.read(data)
    delivery_id = _proved(data, said.kind, terms, recipient)
    digest = identity.digest(data, about=delivery_id)
    return _collected(store, _Arrival(digest, source, said, delivery_id, data), terms, now=now)


def notices(store: Store, told: Iterable[Notice], *, source: str, terms: Terms, now: datetime) -> list[Collected]:
    """Collect what a provider tells, of whom it is known that it is that provider; safe to repeat, in part too.

    That a message was delivered is told of nearly every message: it is written down only where it changes something.
    """
    arrivals = [
        _Arrival(identity.of_notice(source, each.key), source, each.report, _told_about(each, terms)) for each in told
    ]
    plain = _worth_nothing(store, arrivals)
    return [
        Collected(each.said.kind, ReportState.HANDLED, False, each.delivery_id)
        if each.digest in plain
        else _collected(store, each, terms, now=now)
        for each in arrivals
    ]


def looked_at(store: Store, number: int) -> bool:
    """A person has looked at a report; False where it did not wait for one. Raises NotFound."""
    with store.writing() as session:
        return reports.looked_at(session, number)


def _proved(data: bytes, kind: Kind, terms: Terms, recipient: str | None) -> int | None:
    """The delivery that a message is about; None where nothing, or more than one thing, is proved."""
    if recipient is not None and (known := terms.delivery_of_address(recipient)) is not None:
        return known
    found = carried.of(data)
    numbers = {terms.delivery_of_address(each) for each in found.recipients}
    if kind is Kind.COMPLAINT:  # it comes to an address that the provider was told once, and encloses the mail
        numbers |= {terms.delivery_of_address(each) for each in found.return_paths}
        numbers |= {terms.delivery_of_message_id(each) for each in found.message_ids}
    proved = numbers - {None}
    return proved.pop() if len(proved) == 1 else None


def _told_about(notice: Notice, terms: Terms) -> int | None:
    numbers = {
        terms.delivery_of_address(notice.return_path) if notice.return_path else None,
        terms.delivery_of_message_id(notice.message_id) if notice.message_id else None,
    } - {None}
    return numbers.pop() if len(numbers) == 1 else None


def _worth_nothing(store: Store, arrivals: Sequence[_Arrival]) -> set[str]:
    """The digests of what says that a message was delivered, where that ends no row and settles no doubt."""
    delivered = [each for each in arrivals if each.said.kind is Kind.DELIVERED]
    if not delivered:
        return set()
    with store.reading() as session:
        telling = reports.where_delivered_tells(session, {each.delivery_id for each in delivered if each.delivery_id})
    return {each.digest for each in delivered if each.delivery_id not in telling}


@conflict.redone
def _collected(store: Store, arrival: _Arrival, terms: Terms, *, now: datetime) -> Collected:
    said, done = arrival.said, NOTHING
    with store.writing() as session:
        about = reports.about(session, arrival.delivery_id) if arrival.delivery_id else None
        room = reports.unclear(session) < MOST_RAW
        row = _row(arrival, about, now, room=room)
        number = reports.put(session, row)
        if number is None:
            return Collected(said.kind, row.state, False, arrival.delivery_id)
        if about is not None:
            about = about._replace(reason=row.reason)
            if said.kind is Kind.HARD:
                done = aftermath.of_hard_bounce(session, about, now)
            elif said.kind is Kind.SOFT:
                done = aftermath.of_soft_bounce(session, about, now, most=terms.soft_bounces)
            elif said.kind is Kind.COMPLAINT:
                done = aftermath.of_complaint(session, about, now, report_id=number)
            else:
                done = aftermath.of_anything_else(session, about, now)
    facts: dict[str, Any] = {"delivery": arrival.delivery_id, "suppressed": done.suppressed}
    log.info("report_collected", report=number, source=arrival.source, kind=said.kind, state=row.state, **facts)
    return Collected(said.kind, row.state, True, arrival.delivery_id, done)


def _row(arrival: _Arrival, about: About | None, now: datetime, *, room: bool) -> Report:
    """The report as it is written down; what may quote a person is left out unless the person is known or asked for."""
    said, state = arrival.said, _state(arrival, about)
    unclear = state is ReportState.UNCLEAR
    return Report(
        digest=arrival.digest,
        received_at=now,
        source=arrival.source[:32],
        kind=said.kind,
        state=state,
        reason=_storable(said.reason, 200),
        status=_storable(said.status, 16),
        words=_storable(said.words, LONGEST_WORDS) if about or unclear else None,
        reporter=_storable(said.reporter, 255),
        by=_storable(said.by, 64) or "",
        delivery_id=about.delivery_id if about else None,
        campaign_id=about.campaign_id if about else None,
        subscriber_id=about.subscriber_id if about else None,
        raw=arrival.raw[:LARGEST_RAW] if arrival.raw and unclear and room else None,
    )


def _storable(text: str | None, longest: int) -> str | None:
    """A stranger's text as any database takes it: without NUL, and without halves of characters."""
    return text and text.encode("utf-8", "replace").decode().replace("\0", "")[:longest]


def _state(arrival: _Arrival, about: About | None) -> ReportState:
    if about is not None:
        return ReportState.UNCLEAR if arrival.said.kind is Kind.UNCLEAR else ReportState.HANDLED
    if arrival.delivery_id is not None:  # a true token of a test mail, or of somebody who was erased
        return ReportState.HANDLED
    # Somebody complained who cannot be found: a person may. Other mail without a token is anybody's.
    return ReportState.UNCLEAR if arrival.said.kind is Kind.COMPLAINT else ReportState.IGNORED
