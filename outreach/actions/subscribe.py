"""Bring one person onto a list, with the proof that they agreed; who left comes back by their own act alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from outreach import address
from outreach.audience import erasure
from outreach.audience.consent import Mover, SubscriptionState, wording
from outreach.audience.listfile import fault_of_person
from outreach.errors import OutreachError, StateError
from outreach.store import consents, subscribers, subscriptions, suppressions
from outreach.store.consents import Act
from outreach.store.database import Store


@dataclass(frozen=True)
class Person:
    """What is said of a person; what is empty leaves a value that is kept as it is."""

    email: str
    name: str = ""
    language: str = ""
    timezone: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subscribed:
    """How the person stands to the list now."""

    subscriber_id: int
    email: str
    state: SubscriptionState
    #: Whether they are new on the list; whether anything was written at all.
    added: bool
    changed: bool
    #: Why the address is not mailed in spite of everything; "" where it is.
    suppressed: str


def add(
    store: Store,
    person: Person,
    list_id: int,
    *,
    consent: str | None,
    source: str,
    now: datetime,
    mover: Mover = Mover.PUBLISHER,
    erasure_keys: Sequence[bytes] = (),
) -> Subscribed:
    """Bring a person onto a list: confirmed with a consent, unconfirmed without. Safe to repeat.

    `mover` is PERSON only for their own confirmed opt-in, which also lifts what kept their address from being mailed.
    Raises AddressError, OutreachError for a name that cannot stand in a mail, StateError where they left or were erased
    and somebody else would bring them back.
    """
    parsed = address.parse(person.email)
    fault = fault_of_person(person.name, person.language, person.timezone, person.attributes)
    if fault is not None:
        raise OutreachError(f"{parsed}: {fault}.")
    hashes = [erasure.pseudonym(key, parsed.key) for key in erasure_keys]
    agreed = wording(consent)
    own = mover is Mover.PERSON and agreed is not None
    with store.writing() as session:
        if own:
            suppressions.lift(session, [parsed.key, *hashes])
        elif any(suppressions.find(session, each) for each in hashes):
            raise StateError(f"{parsed} was erased; only they themselves can come back.")
        number, changed = subscribers.put(session, parsed, _values(person), now=now)
        before = subscriptions.state(session, number, list_id)
        if before is SubscriptionState.UNSUBSCRIBED and not own:
            raise StateError(f"{parsed} left this list; only they themselves can come back.")
        state, moved = before or SubscriptionState.UNCONFIRMED, before is None
        if before is None:
            state = SubscriptionState.CONFIRMED if agreed is not None else state
            subscriptions.add(session, number, list_id, state, now=now)
        elif agreed is not None:
            moved = subscriptions.move(session, number, list_id, SubscriptionState.CONFIRMED, mover, now=now)
            state = SubscriptionState.CONFIRMED
        if moved and agreed is not None:
            source_id = consents.source(session, agreed, source)
            act = Act.CONFIRMED if own else Act.GIVEN
            consents.append(session, number, list_id, act, source_id=source_id, now=now)
        barred = suppressions.find(session, parsed.key)
        return Subscribed(
            number, str(parsed), state, before is None, changed or moved, barred.reason.value if barred else ""
        )


def _values(person: Person) -> dict[str, Any]:
    """What is said of the person, without what is left empty."""
    texts = {"name": person.name, "language": person.language, "timezone": person.timezone}
    attributes = {key: value.strip() for key, value in person.attributes.items() if value.strip()}
    values: dict[str, Any] = {key: value.strip() for key, value in texts.items() if value.strip()}
    return {**values, "attributes": attributes} if attributes else values
