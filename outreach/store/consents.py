"""What did each person agree to, when, by which wording, from which source, and how was it confirmed? Append-only.

The entries of a transaction become one link of a chain when it commits (`chain`), so that a change of any entry shows.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.audience import ledger
from outreach.audience.ledger import Facts
from outreach.store import chain
from outreach.store.database import BigKey, Choice, Moment, moment_text, table_of
from outreach.store.lists import MailingList
from outreach.store.subscribers import Subscriber


class Purpose(StrEnum):
    """What the consent is for."""

    MAIL = "mail"
    TRACKING = "tracking"


class Act(StrEnum):
    """What was done."""

    ASKED = "asked"  # filled in a form, and has not confirmed that it was them: allows nothing
    GIVEN = "given"  # said so to the publisher, who keeps the wording as proof
    CONFIRMED = "confirmed"  # the person's own act, by a link that only their mailbox held
    WITHDRAWN = "withdrawn"


class ConsentSource(SQLModel, table=True):
    """One wording from one source (a file, a form, a command): many people share it, so it is written once."""

    __tablename__ = "consent_source"

    id: int | None = Field(default=None, primary_key=True)
    #: The words that the person agreed to, as shown to them; empty where a person withdrew.
    wording: str = Field(sa_type=sa.Text)
    #: Where it came from: "import subscribers.csv", "one-click unsubscribe", "command".
    source: str = Field(max_length=500)


class Consent(SQLModel, table=True):
    """One act of one person; never changed, never deleted but with the person. Without foreign keys, as a subscription.

    Sealed by its salt (`audience.ledger.commitment`) together with the person's address, which never changes.
    """

    __tablename__ = "consent"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    subscriber_id: int = Field(index=True, sa_type=BigKey)
    list_id: int | None = Field(default=None)
    purpose: Purpose = Field(sa_type=Choice(Purpose))
    act: Act = Field(sa_type=Choice(Act))
    source_id: int
    at: datetime = Field(sa_type=Moment)
    #: How it was confirmed that it was them: "the link in the mail of 2026-03-02"; empty where it was not.
    confirmation: str = Field(default="", max_length=500)
    salt: bytes = Field(default_factory=lambda: secrets.token_bytes(ledger.SALT), sa_type=sa.LargeBinary)

    #: A number is never given twice: the chain knows entries by their numbers.
    __table_args__ = {"sqlite_autoincrement": True}


@dataclass
class _Open:
    """What a transaction has done to the ledger so far."""

    now: datetime
    #: Its own entries have higher numbers.
    low: int
    #: Whether its entries say the same of different people, as those of an import do.
    alike: bool
    erased: list[int] = field(default_factory=list)


_source, _consent, _list = table_of(ConsentSource), table_of(Consent), table_of(MailingList)
_person = table_of(Subscriber)

#: Where a session keeps what it has open.
_OPEN = "open link of the consent chain"

#: What an entry says beside who and which number.
_TERMS = ("list_id", "purpose", "act", "source_id", "confirmation")

#: Entries that are taken into one link where they are older than the chain.
_ADOPTED = 10_000


def source(session: Session, wording: str, source: str) -> int:
    """The number of a wording from a source; written down the first time."""
    same = sa.and_(_source.c.wording == wording, _source.c.source == source)
    found: int | None = session.execute(sa.select(sa.func.min(_source.c.id)).where(same)).scalar_one()
    if found is not None:
        return found
    statement = sa.insert(_source).values(wording=wording, source=source).returning(_source.c.id)
    added: int = session.execute(statement).scalar_one()
    return added


def append(
    session: Session,
    subscriber_id: int,
    list_id: int | None,
    act: Act,
    *,
    source_id: int,
    now: datetime,
    purpose: Purpose = Purpose.MAIL,
    confirmation: str = "",
) -> None:
    """Write down one act of one person, for ever."""
    begin(session, now)
    facts = {"list_id": list_id, "purpose": purpose, "act": act, "source_id": source_id, "at": now}
    proof = {"confirmation": confirmation[:500], "salt": secrets.token_bytes(ledger.SALT)}
    session.execute(sa.insert(_consent).values(subscriber_id=subscriber_id, **facts, **proof))


def begin(session: Session, now: datetime, *, alike: bool = False) -> None:
    """To be called before a transaction writes entries: when it commits, they become a link of the chain.

    `alike` promises that all it writes say the same of different people, which spares looking at each.
    """
    opened: _Open | None = session.info.get(_OPEN)
    if opened is not None:
        opened.alike = opened.alike and alike
        return
    newest = sa.select(sa.func.coalesce(sa.func.max(_consent.c.id), 0))
    if session.get_bind().dialect.name == "postgresql":
        # Numbers that others have taken, and not committed yet, are none of ours either.
        newest = sa.select(sa.text("CASE WHEN is_called THEN last_value ELSE 0 END FROM consent_id_seq"))
    session.info[_OPEN] = _Open(now, int(session.execute(newest).scalar_one()), alike)


def of_person(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """Every act of a person with its wording and source, the oldest first."""
    columns = (_consent.c.list_id, _list.c.name.label("list"), _consent.c.purpose, _consent.c.act, _consent.c.at)
    statement = (
        sa.select(*columns, _source.c.wording, _source.c.source, _consent.c.confirmation, _consent.c.id.label("entry"))
        .join(_source, _source.c.id == _consent.c.source_id)
        .outerjoin(_list, _list.c.id == _consent.c.list_id)
        .where(_consent.c.subscriber_id == subscriber_id)
        .order_by(_consent.c.id)
    )
    rows = (dict(row) for row in session.execute(statement).mappings())
    return [{**row, "version": ledger.version(row["wording"])} for row in rows]


def last_confirmed(session: Session, subscriber_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these people last confirmed, by an act of their own, that they want mail; those who ever did."""
    confirmed = sa.and_(_consent.c.purpose == Purpose.MAIL, _consent.c.act == Act.CONFIRMED)
    latest = sa.select(_consent.c.subscriber_id, sa.func.max(_consent.c.at, type_=Moment).label("at"))
    statement = latest.where(_consent.c.subscriber_id.in_(subscriber_ids), confirmed)
    return {row.subscriber_id: row.at for row in session.execute(statement.group_by(_consent.c.subscriber_id))}


def forget(session: Session, subscriber_id: int, *, now: datetime, list_id: int | None = None) -> int:
    """Delete every act of a person who is being erased (or those for one list), salts and all; how many they were.

    Their commitments stay in the chain, which says which numbers were forgotten.
    """
    begin(session, now)
    gone = sa.delete(_consent).where(_consent.c.subscriber_id == subscriber_id).returning(_consent.c.id)
    if list_id is not None:
        gone = gone.where(_consent.c.list_id == list_id)
    numbers = list(session.execute(gone).scalars())
    session.info[_OPEN].erased += numbers
    return len(numbers)


def count(session: Session) -> int:
    """How many entries there are."""
    return int(session.execute(sa.select(sa.func.count()).select_from(_consent)).scalar_one())


def between(session: Session, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """The number of every entry from `first` to `last`, and the commitment that its row amounts to now."""
    return zip(*_sealed(session, _consent.c.id.between(first, last)), strict=True)


def numbers(session: Session) -> Iterator[int]:
    """The number of every entry, ascending."""
    return iter(session.execute(sa.select(_consent.c.id).order_by(_consent.c.id)).scalars())


def adopt(session: Session) -> int:
    """Take entries that are older than the chain into its first links, where there is none yet; how many they were."""
    position, _ = chain.head(session)
    taken, low = 0, 0
    while not position:
        chunk = sa.select(_consent.c.id, _consent.c.at).where(_consent.c.id > low).order_by(_consent.c.id)
        rows = session.execute(chunk.limit(_ADOPTED)).all()
        if not rows:
            break
        numbers, commitments = _sealed(session, _consent.c.id.between(rows[0].id, rows[-1].id))
        newest = max(row.at for row in rows)
        chain.add(session, entries=numbers, erased=[], commitments=b"".join(commitments), now=newest)
        taken, low = taken + len(rows), rows[-1].id
    return taken


@sa.event.listens_for(Session, "before_commit")
def _close(session: Session) -> None:
    """Seal what the transaction has written. Everything else of it was done before, so nobody waits long for a turn."""
    opened: _Open | None = session.info.pop(_OPEN, None)
    if opened is None:
        return
    mine: list[sa.ColumnElement[bool]] = [_consent.c.id > opened.low]
    if session.get_bind().dialect.name == "postgresql":
        mine.append(sa.text("consent.xmin = pg_current_xact_id()::xid"))  # type: ignore[arg-type]
    numbers, commitments = _sealed(session, *mine, alike=opened.alike)
    if numbers or opened.erased:
        sealed = b"".join(commitments)
        chain.add(session, entries=numbers, erased=opened.erased, commitments=sealed, now=opened.now)


def _sealed(session: Session, *which: sa.ColumnElement[bool], alike: bool = False) -> tuple[list[int], list[bytes]]:
    """The numbers and the commitments of entries, by number; `alike`: all of them are known to say the same."""
    # Plain columns, and what the driver gives: a million of them are read, and converting costs more than all else.
    terms: list[sa.ColumnElement[Any]] = [sa.type_coerce(_consent.c[name], sa.types.NULLTYPE) for name in _TERMS]
    kind = [*terms, moment_text(session, _consent.c.at, 26)]
    salt = sa.type_coerce(_consent.c.salt, sa.types.NULLTYPE)
    own: tuple[sa.ColumnElement[Any], ...] = (_consent.c.id, salt, sa.func.coalesce(_person.c.email_key, ""))
    rows = sa.select(*own).select_from(_consent.outerjoin(_person, _person.c.id == _consent.c.subscriber_id))
    rows = rows.where(*which).order_by(_consent.c.id)
    kinds = session.execute(sa.select(*kind).where(*which).distinct().limit(1 if alike else 2)).all()
    if len(kinds) == 1:
        found = _fetched(session, rows)
        seal = _seal(session, kinds[0])
        return [row[0] for row in found], ledger.commitments(seal, [(row[1], row[2]) for row in found])
    numbers: list[int] = []
    commitments: list[bytes] = []
    seals: dict[tuple[Any, ...], bytes] = {}
    for number, its_salt, who, *said in _fetched(session, rows.add_columns(*kind)):
        same = tuple(said)
        if same not in seals:
            seals[same] = _seal(session, same)
        numbers.append(number)
        commitments.append(ledger.commitment(seals[same], its_salt, who))
    return numbers, commitments


def _fetched(session: Session, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    result: Any = session.connection().execute(statement)
    rows: list[tuple[Any, ...]] = result.cursor.fetchall()
    return rows


def _seal(session: Session, said: Sequence[Any]) -> bytes:
    """The seal of what entries say, in the order of `_TERMS`, and the time."""
    list_id, purpose, act, source_id, proof, at = said
    found = session.execute(sa.select(_source.c.wording, _source.c.source).where(_source.c.id == source_id)).first()
    wording, origin = found or ("", "")
    return ledger.sealed(Facts(list_id, purpose, act, wording, origin, proof, at))
