"""What was a person sent? The message made again, or one that is given, held against the digest kept with the delivery.

Made again it is by the code that sends. Where a value of the person, a setting or a key is not what it was then, it
comes out differently; a message that somebody kept is proven all the same, for it is taken apart and nothing is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from outreach.engine.letters import Draft, Letters
from outreach.errors import StateError
from outreach.message import proof
from outreach.message.compiled import Compiled
from outreach.message.dkim import Signer
from outreach.message.proof import Difference
from outreach.store import campaigns, decisions, subscribers
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.deliveries import Delivery
from outreach.store.subscribers import Subscriber

#: What is not what it was, where a message made again is another and the person's values are the same.
OTHERWISE = (
    "a setting (OUTREACH_PUBLIC_URL, OUTREACH_LEAVE_ADDRESS, OUTREACH_SECRET_KEY, or OUTREACH_DKIM_KEYS without the "
    "key of that time) or outreach itself is not what it was"
)
NOT_OURS = "it is no message of this campaign, or something was changed in it that all of its mails have alike"
NO_DIGEST = "nothing is kept that could prove it: no message has left, it left before outreach kept such proofs, or "
NO_DIGEST += "they were forgotten in time"


@dataclass(frozen=True)
class Evidence:
    """A message, and whether it is the one that left."""

    #: The delivery as it stands.
    delivery: Delivery
    #: The message made again, as it left where that can be done, else as it would leave now.
    message: bytes
    #: Whether the message in question is the one that left; None: that cannot be told.
    matches: bool | None
    #: Why it does not match, or cannot be told; "" where it matches.
    why: str = ""
    #: What a given message says otherwise than the one made again.
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class _Case:
    """A person in a campaign."""

    compiled: Compiled
    person: Subscriber
    delivery: Delivery
    draft: Draft

    @property
    def digest(self) -> bytes:
        return bytes.fromhex(self.delivery.digest or "")


def made_again(store: Store, letters: Letters, signer: Signer | None, *, name: str, email: str) -> Evidence:
    """The message to a person, made anew; raises NotFound, or StateError where there was none to be."""
    case = _case(store, letters, name, email)
    signatures, found = _signatures(case, signer)
    message = signatures + case.draft.message
    if found or not case.digest:
        return Evidence(case.delivery, message, True if found else None, "" if found else NO_DIGEST)
    return Evidence(case.delivery, message, False, _changed(case))


def given(store: Store, letters: Letters, signer: Signer | None, *, name: str, email: str, data: bytes) -> Evidence:
    """A message that somebody kept: whether it is what the person was sent; raises as `made_again` does.

    Line ends may be those of a file, and fields that relays added above may stay. Where it is not what was sent, or
    is and would not be made so today, the differences to the one made anew are told.
    """
    case = _case(store, letters, name, email)
    signatures, found = _signatures(case, signer)
    anew = proof.filled(case.compiled, case.draft.pieces, signatures)
    message = signatures + case.draft.message
    if not case.digest:
        return Evidence(case.delivery, message, None, NO_DIGEST)
    closest: list[bytes] | None = None
    for filled in proof.taken_apart(case.compiled, _wire(data)):
        closest = closest or filled
        if proof.digest(case.compiled, filled) == case.digest:
            return Evidence(case.delivery, message, True, "", _told(case, filled, anew))
    if closest is None:
        return Evidence(case.delivery, message, False, NOT_OURS)
    why = "it says something else than what was sent" if found else f"it is not what was sent, and {_changed(case)}"
    return Evidence(case.delivery, message, False, why, _told(case, closest, anew))


def _case(store: Store, letters: Letters, name: str, email: str) -> _Case:
    with store.reading() as session:
        campaign, person = campaigns.by_name(session, name), subscribers.require(session, email)
        assert campaign.id is not None
        delivery = decisions.of_person(session, campaign.id, person.number)
        if delivery is None:
            raise StateError(
                f"{person.email} is not in the audience of {name!r}.",
                hint=f"Ask why: outreach campaign explain {name} {person.email}",
            )
        data = campaigns.compiled(session, campaign.id)
    letters.learn(campaign.id, data)
    return _Case(Compiled.from_bytes(data), person, delivery, letters.draft(_claimed(person, delivery)))


def _claimed(person: Subscriber, delivery: Delivery) -> Claimed:
    """The delivery as a sender would get it now."""
    assert delivery.id is not None
    known = person.email, person.name, person.language, person.timezone, person.attributes
    return Claimed(delivery.id, delivery.campaign_id, 0, None, *known, claim="")


def _signatures(case: _Case, signer: Signer | None) -> tuple[bytes, bool]:
    """The signatures with which the message is the one that left, and whether there are any; else those of now."""
    message = case.draft.message
    ways = [b""] if signer is None else [*(signer.signatures(message, keys) for keys in signer.ways()), b""]
    for signatures in ways:
        if case.draft.seal(signatures) == case.digest:
            return signatures, True
    return ways[0], False


def _changed(case: _Case) -> str:
    left, changed = case.delivery.settled_at, case.person.updated_at
    if left is not None and changed > left:
        return f"the person's values were changed on {changed.isoformat(timespec='seconds')}, after it left"
    return OTHERWISE


def _told(case: _Case, sent: list[bytes], now: list[bytes]) -> tuple[Difference, ...]:
    return tuple(proof.differences(case.compiled, sent, now))


def _wire(data: bytes) -> bytes:
    """A message as it was on the wire; files often have other line ends."""
    return data if b"\r\n" in data else data.replace(b"\n", b"\r\n")
