"""Who are the people, apart from any list?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach import address
from outreach.address import Address
from outreach.audience.consent import SubscriptionState
from outreach.errors import NotFound
from outreach.store import suppressions
from outreach.store.database import BigKey, Document, Moment, insert, table_of
from outreach.store.subscriptions import Subscription
from outreach.store.suppressions import Suppression


class Subscriber(SQLModel, table=True):
    """A person with an address; what lists they are on stands in Subscription."""

    __tablename__ = "subscriber"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    #: The address as mailed: local part as given, domain in A-labels.
    email: str = Field(max_length=320)
    #: The address as compared: `address.Address.key`.
    email_key: str = Field(max_length=320, unique=True)
    name: str = Field(default="", max_length=500)
    language: str = Field(default="", max_length=35)
    timezone: str = Field(default="", max_length=64)
    #: Every further CSV column, header -> text.
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=Document)
    #: Whether this person agreed that clicks are kept with their name (Consent holds the proof).
    tracking_consent: bool = Field(default=False)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)

    #: A number is never given twice: deliveries keep the number of a person who was erased.
    __table_args__ = {"sqlite_autoincrement": True}

    @property
    def number(self) -> int:
        """The id of a person who is stored."""
        assert self.id is not None, "the person is not stored yet"
        return self.id


_subscriber = table_of(Subscriber)
_subscription = table_of(Subscription)
_suppression = table_of(Suppression)


def by_email(session: Session, email: str) -> Subscriber | None:
    """The person with that address, however it is spelt; raises AddressError where it is none."""
    key = address.parse(email).key
    found: Subscriber | None = session.execute(
        sa.select(Subscriber).where(_subscriber.c.email_key == key)
    ).scalar_one_or_none()
    return found


def require(session: Session, email: str) -> Subscriber:
    """The person with that address; raises NotFound, which suggests the nearest among those that begin alike."""
    found = by_email(session, email)
    if found is None:
        raise NotFound("subscriber", email, _alike(session, address.parse(email).key))
    return found


def by_id(session: Session, subscriber_id: int) -> Subscriber:
    """The person with that number; raises NotFound."""
    found = session.get(Subscriber, subscriber_id)
    if found is None:
        raise NotFound("subscriber", str(subscriber_id))
    return found


def put(session: Session, parsed: Address, values: Mapping[str, Any], *, now: datetime) -> tuple[int, bool]:
    """The number of the person with that address, who is made where missing; whether anything was written.

    `values` (name, language, timezone, attributes) go over those that are kept; attributes are merged.
    """
    fresh = {"name": "", "language": "", "timezone": "", "attributes": {}, **values, "email": str(parsed)}
    fresh |= {"email_key": parsed.key, "tracking_consent": False, "created_at": now, "updated_at": now}
    statement = insert(session, _subscriber).values(**fresh).on_conflict_do_nothing(index_elements=["email_key"])
    number = session.execute(statement.returning(_subscriber.c.id)).scalar_one_or_none()
    if number is not None:
        return number, True
    # Held until the end: nobody erases the person while something is written that names them.
    mine = sa.select(Subscriber).where(_subscriber.c.email_key == parsed.key).with_for_update()
    person: Subscriber = session.execute(mine).scalar_one()
    wanted = dict(values)
    if "attributes" in wanted:
        wanted["attributes"] = {**person.attributes, **wanted["attributes"]}
    changed = {name: value for name, value in wanted.items() if getattr(person, name) != value}
    if changed:
        person.sqlmodel_update({**changed, "updated_at": now})
        session.flush()
    return person.number, bool(changed)


def blank(session: Session, subscriber_id: int, *, now: datetime) -> None:
    """Take everything off a person who is being erased, the address too; the number is all that is left."""
    nothing = {"name": "", "language": "", "timezone": "", "attributes": {}, "tracking_consent": False}
    gone = {"email": "erased", "email_key": f"erased:{subscriber_id}", "updated_at": now}
    session.execute(sa.update(_subscriber).where(_subscriber.c.id == subscriber_id).values(**nothing, **gone))


def remove(session: Session, subscriber_id: int) -> None:
    """Delete a person to whom nothing refers any more."""
    session.execute(sa.delete(_subscriber).where(_subscriber.c.id == subscriber_id))


def sample(session: Session, list_id: int, limit: int) -> list[Subscriber]:
    """A few people of a list who would be mailed; where there is nobody yet, a few of the others on it."""
    on_list = (
        sa.select(Subscriber)
        .join(_subscription, _subscription.c.subscriber_id == _subscriber.c.id)
        .where(_subscription.c.list_id == list_id)
        .order_by(_subscription.c.subscriber_id)
        .limit(limit)
    )
    mailed = on_list.where(_mailable(session))
    return list(session.execute(mailed).scalars()) or list(session.execute(on_list).scalars())


def missing(session: Session, list_id: int, fields: Iterable[str]) -> dict[str, tuple[int, str]]:
    """How many people of a list who would be mailed have no value for a field, and the address of one of them.

    A field is a column (name, language, timezone, email) or a key of the attributes. Fields that everybody has are
    left out. One pass over the list, however many fields.
    """
    wanted = list(dict.fromkeys(fields))
    if not wanted:
        return {}
    columns: list[sa.ColumnElement[Any]] = []
    for field in wanted:
        lacks = sa.func.coalesce(_value(field), "") == ""
        columns += [sa.func.count().filter(lacks), sa.func.min(_subscriber.c.email).filter(lacks)]
    statement = (
        sa.select(*columns)
        .select_from(_subscription)
        .join(_subscriber, _subscriber.c.id == _subscription.c.subscriber_id)
        .where(_subscription.c.list_id == list_id, _mailable(session))
    )
    row = session.execute(statement).one()
    found = {field: (row[2 * index], row[2 * index + 1]) for index, field in enumerate(wanted)}
    return {field: (count, email) for field, (count, email) in found.items() if count}


def _value(field: str) -> sa.ColumnElement[Any]:
    if field in {"email", "name", "language", "timezone"}:
        return _subscriber.c[field]
    value: sa.ColumnElement[Any] = _subscriber.c.attributes[field].as_string()
    return value


def _mailable(session: Session) -> sa.ColumnElement[bool]:
    """Confirmed on the list, and neither the address nor its domain suppressed."""
    suppressed: sa.ColumnElement[bool] = sa.exists().where(_suppression.c.email_key == _subscriber.c.email_key)
    if suppressions.some_domain(session):
        suppressed = sa.or_(suppressed, suppressions.at_barred_domain(_subscriber.c.email_key))
    return sa.and_(_subscription.c.state == SubscriptionState.CONFIRMED, ~suppressed)


def _alike(session: Session, key: str) -> list[str]:
    """Some addresses that begin like this one: enough for a suggestion, never the whole table."""
    begin = key[:1]
    within = sa.and_(_subscriber.c.email_key >= begin, _subscriber.c.email_key < begin + "\U0010ffff")
    return list(session.execute(sa.select(_subscriber.c.email_key).where(within).limit(500)).scalars())
