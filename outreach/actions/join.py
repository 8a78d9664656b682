"""Let a person join a list by themselves: they ask on a form, get a mail, and confirm (double opt-in).

Until they confirm, nothing is sent but that mail, and nothing they had decided before changes: a form can be filled
in by anybody. What is answered never tells whether an address is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from outreach import address
from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.audience import erasure
from outreach.audience.consent import Mover, SubscriptionState
from outreach.errors import NotFound
from outreach.message.template import Layout
from outreach.store import (
    campaigns,
    consents,
    deliveries,
    joinings,
    lists,
    notices,
    subscribers,
    subscriptions,
    suppressions,
    throttles,
)
from outreach.store.campaigns import Campaign, CampaignKind, CampaignState
from outreach.store.consents import Act, Purpose
from outreach.store.database import Store
from outreach.store.lists import MailingList
from outreach.store.suppressions import SuppressionReason

#: How long a confirmation link works; afterwards a new one can be had.
LINK_LASTS = timedelta(days=7)
#: How many confirmations an address gets in a day, and how many a client may ask for in an hour.
MOST = {"address": (3, timedelta(days=1)), "client": (20, timedelta(hours=1))}

#: Where consents are recorded to have come from.
SOURCE = "subscribe form"


@dataclass(frozen=True)
class Letter:
    """The mail that asks for a confirmation, in every language that there is."""

    #: Language -> article.
    articles: Mapping[str, str]
    layout: Layout
    defaults: Defaults

    def language(self, wanted: str) -> str:
        """The language of the mail for somebody who reads this one; English where there is none."""
        tag = wanted.lower().partition("-")[0]
        return tag if tag in self.articles else "en"


@dataclass(frozen=True)
class Wish:
    """What a person filled in."""

    email: str
    name: str = ""
    language: str = ""
    #: What they agreed to, as the form said it.
    wording: str = ""
    #: The same about clicks kept with their name; "" where they did not agree to that.
    tracking_wording: str = ""


class Outcome(Enum):
    """What a confirmation came to."""

    CONFIRMED = "confirmed"
    #: They had confirmed before; nothing changed.
    ALREADY = "already"
    EXPIRED = "expired"
    #: Nothing is known of it: no such request, or the person was erased.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Confirmation:
    """What a confirmation came to, and for which list."""

    outcome: Outcome
    list_name: str = ""
    list_title: str = ""
    #: The address as mailed; "" where nothing is known.
    email: str = ""
    language: str = ""


def ask(store: Store, list_id: int, wish: Wish, *, letter: Letter, client: str, key: bytes, now: datetime) -> bool:
    """Note what a person wants and queue the mail that they confirm by; whether one was queued, which nobody is told.

    `client` stands for who filled in the form, `key` makes the hashes under which requests are counted. Nothing is
    queued for who is on the list already, who was suppressed by the publisher, and who asks too often. Raises
    AddressError, and what compiling the mail raises.
    """
    parsed = address.parse(wish.email)
    nth = _counted(store, {"client": client, "address": parsed.key}, key, now)
    if not nth:
        return False
    notice = _notice(store, list_id, letter, language=letter.language(wish.language), nth=nth, now=now)
    with store.writing() as session:
        barred = suppressions.find(session, parsed.key)
        if barred is not None and barred.reason is SuppressionReason.MANUAL:
            return False
        known = subscribers.by_email(session, str(parsed))
        number = known.number if known else subscribers.put(session, parsed, _values(wish), now=now)[0]
        if subscriptions.state(session, number, list_id) is SubscriptionState.CONFIRMED and barred is None:
            return False
        subscriptions.add(session, number, list_id, SubscriptionState.UNCONFIRMED, now=now)
        tracked = consents.source(session, wish.tracking_wording, SOURCE) if wish.tracking_wording else None
        agreed = consents.source(session, wish.wording, SOURCE)
        consents.append(session, number, list_id, Act.ASKED, source_id=agreed, now=now)
        joinings.put(session, number, list_id, source_id=agreed, tracking_source_id=tracked, now=now)
        return notices.queue(session, notice, number)


def look(store: Store, delivery_id: int, *, now: datetime) -> Confirmation:
    """What confirming would come to; changes nothing."""
    with store.reading() as session:
        try:
            delivery = deliveries.by_id(session, delivery_id)
            campaign = campaigns.by_id(session, delivery.campaign_id)
            group = lists.by_id(session, campaign.list_id)
            person = subscribers.by_id(session, delivery.subscriber_id)
        except NotFound:
            return Confirmation(Outcome.UNKNOWN)
        if campaign.kind is not CampaignKind.NOTICE:
            return Confirmation(Outcome.UNKNOWN)
        wish = joinings.find(session, person.number, group.number)
        state = subscriptions.state(session, person.number, group.number)
    if wish is None:
        outcome = Outcome.ALREADY if state is SubscriptionState.CONFIRMED else Outcome.EXPIRED
    else:
        outcome = Outcome.CONFIRMED if now - wish.at <= LINK_LASTS else Outcome.EXPIRED
    return Confirmation(outcome, group.name, group.title, person.email, person.language)


def confirm(store: Store, delivery_id: int, *, erasure_keys: Sequence[bytes], now: datetime) -> Confirmation:
    """The person confirms what they asked for: they are on the list, with the proof. Safe to repeat.

    Lifts what kept their address from being mailed, since it is their own act; only what the publisher suppressed
    stays so.
    """
    found = look(store, delivery_id, now=now)
    if found.outcome is not Outcome.CONFIRMED:
        return found
    with store.writing() as session:
        delivery = deliveries.by_id(session, delivery_id)
        group = lists.by_id(session, campaigns.by_id(session, delivery.campaign_id).list_id)
        lists.hold(session, [group.number])
        person = subscribers.by_id(session, delivery.subscriber_id)
        wish = joinings.find(session, person.number, group.number)
        if wish is None:  # somebody pressed twice, and the other one was first
            return found
        hashes = [erasure.pseudonym(each, person.email_key) for each in erasure_keys]
        suppressions.lift(session, [person.email_key, *hashes])
        subscriptions.move(session, person.number, group.number, SubscriptionState.CONFIRMED, Mover.PERSON, now=now)
        consents.append(session, person.number, group.number, Act.CONFIRMED, source_id=wish.source_id, now=now)
        if wish.tracking_source_id is not None and not person.tracking_consent:
            person.tracking_consent, person.updated_at = True, now
            facts = {"source_id": wish.tracking_source_id, "purpose": Purpose.TRACKING, "now": now}
            consents.append(session, person.number, None, Act.CONFIRMED, **facts)  # type: ignore[arg-type]
        joinings.end(session, person.number, group.number)
    return found


def _values(wish: Wish) -> dict[str, str]:
    """What a form may say of somebody who is not known yet; of others, nobody but themselves may say anything."""
    return {name: value for name, value in (("name", wish.name), ("language", wish.language)) if value}


def _counted(store: Store, who: Mapping[str, str], key: bytes, now: datetime) -> int:
    """Count the request: 1 for the first of its address in a day, and so on; 0 where somebody asks too often."""
    with store.writing() as session:
        counts = {
            what: throttles.count(session, f"join {what} {_hashed(key, text)}", window=MOST[what][1], now=now)
            for what, text in who.items()
        }
    return counts["address"] if all(n <= MOST[what][0] for what, n in counts.items()) else 0


def _notice(store: Store, list_id: int, letter: Letter, *, language: str, nth: int, now: datetime) -> int:
    """The campaign that this mail belongs to: of today, since the mail says when it was written, and of what it says.

    The second mail to an address on a day belongs to another one than the first: it is a message of its own.
    """
    with store.reading() as session:
        group = lists.by_id(session, list_id)
        wanted = _campaign(group, letter, language, nth, now)
        found = campaigns.find(session, wanted.name)
    if found is not None and found.id is not None:
        return found.id
    compiled = compose.campaign(wanted, group, letter.defaults, date=now, tracked=False)
    with store.writing() as session:
        return notices.make(session, wanted, compiled.to_bytes())


def _campaign(group: MailingList, letter: Letter, language: str, nth: int, now: datetime) -> Campaign:
    parts = (letter.articles[language], *sorted(letter.layout.sources.items()), letter.defaults, group.title)
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:10]
    return Campaign(
        name=f"~confirm:{group.name}:{language}:{now:%Y%m%d}:{nth}:{digest}",
        kind=CampaignKind.NOTICE,
        list_id=group.number,
        state=CampaignState.SENDING,
        article_name=f"confirm.{language}",
        article=letter.articles[language],
        layout_name=letter.layout.name,
        layout=dict(letter.layout.sources),
        created_at=now,
        updated_at=now,
        launched_at=now,
    )


def _hashed(key: bytes, text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), key=key[:64], digest_size=16).hexdigest()
