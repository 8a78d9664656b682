"""In which state can the tie between a person and a list be, and who may move it where?"""

from __future__ import annotations

from enum import StrEnum

from outreach.errors import OutreachError


class SubscriptionState(StrEnum):
    """The tie between a subscriber and a mailing list."""

    UNCONFIRMED = "unconfirmed"  # known, never said yes with a proof: not mailed
    CONFIRMED = "confirmed"  # said yes, the wording is on record: mailed
    UNSUBSCRIBED = "unsubscribed"  # left: only the person's own confirmed opt-in leads back


class Mover(StrEnum):
    """Who moves a subscription."""

    PERSON = "person"  # the subscriber's own, confirmed act
    PUBLISHER = "publisher"  # an import or a command
    SYSTEM = "system"  # a bounce or a complaint


#: (from, to) -> who may do it. What is not listed is not allowed: leaving wins.
MOVES: dict[tuple[SubscriptionState, SubscriptionState], frozenset[Mover]] = {
    (SubscriptionState.UNCONFIRMED, SubscriptionState.CONFIRMED): frozenset({Mover.PERSON, Mover.PUBLISHER}),
    (SubscriptionState.UNCONFIRMED, SubscriptionState.UNSUBSCRIBED): frozenset(Mover),
    (SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED): frozenset(Mover),
    (SubscriptionState.UNSUBSCRIBED, SubscriptionState.CONFIRMED): frozenset({Mover.PERSON}),
}


def allows(current: SubscriptionState, wanted: SubscriptionState, mover: Mover) -> bool:
    """Whether `mover` may bring a subscription from `current` to `wanted` (staying is always allowed)."""
    return current == wanted or mover in MOVES.get((current, wanted), frozenset())


def wording(said: str | None) -> str | None:
    """What people agreed to, on one line; None where there was no consent.

    Raises OutreachError for a blank wording: it would make people confirmed with nothing that proves it.
    """
    if said is None:
        return None
    words = " ".join(said.split())
    if not words:
        raise OutreachError(
            "The consent is blank, and a blank one proves nothing.",
            hint="Give the wording that they agreed to, or leave --consent away: they stay unconfirmed then.",
        )
    return words
