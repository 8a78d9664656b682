"""Launch a campaign: compile it, freeze its audience, hand it to the senders, all in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from outreach.actions import compose, review
from outreach.actions.compose import Defaults
from outreach.audience.consent import SubscriptionState
from outreach.errors import StateError
from outreach.message import sender
from outreach.message.check import Severity
from outreach.message.compiled import Compiled
from outreach.store import campaigns, conflict, freeze, identities, links, lists, subscribers, subscriptions
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.deliveries import DeliveryState
from outreach.store.lists import MailingList, Tracking
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker

FROM = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED)


class Result(Enum):
    """What a launch came to."""

    LAUNCHED = "launched"
    #: It was launched before: nothing was done.
    ALREADY = "already"
    #: Its list is being imported; a launch now would miss people.
    WAITING = "waiting"
    #: Its schedule was changed since the caller looked.
    CHANGED = "changed"


@dataclass(frozen=True)
class Outcome:
    """What a launch came to, and the audience that it froze."""

    result: Result
    #: Deliveries by state.
    audience: Mapping[DeliveryState, int] = field(default_factory=dict)
    #: What a careful sender would have mended before.
    warnings: tuple[str, ...] = ()

    @property
    def queued(self) -> int:
        """How many messages will be sent."""
        return self.audience.get(DeliveryState.QUEUED, 0)


@conflict.redone
def campaign(
    store: Store, campaign_id: int, *, defaults: Defaults, now: datetime, due: datetime | None = None
) -> Outcome:
    """Launch a campaign; safe to repeat and to race, the audience is frozen once.

    `due` is the time that a clock saw: where the schedule has changed since, nothing happens. Nothing is written on a
    refusal: StateError (its state, nobody to mail, a fault in the mail), SettingsError, ArticleError, TemplateError.
    """
    with store.reading() as session:
        seen = campaigns.by_id(session, campaign_id)
        mailing_list = lists.by_id(session, seen.list_id)
    early = _not_now(seen, mailing_list, due)
    if early is not None:
        return Outcome(early)
    compiled = _compiled(store, seen, mailing_list, defaults, now)
    warnings = _warnings(store, seen, defaults, now)
    with store.writing() as session:
        fresh = campaigns.locked(session, campaign_id)
        late = _not_now(fresh, lists.locked(session, fresh.list_id), due)
        if late is not None:
            return Outcome(late)
        if fresh.updated_at != seen.updated_at:
            return Outcome(Result.CHANGED)
        domain = sender.of_campaign(compiled).domain
        to = CampaignState.SENDING
        campaigns.move(session, campaign_id, fresh.state, to, now=now, launched_at=now, from_domain=domain)
        identities.meet(session, domain, now)
        campaigns.store_compiled(session, campaign_id, compiled.to_bytes())
        links.add_all(session, campaign_id, compiled.links)
        audience = freeze.audience(session, campaign_id, seen.list_id, now)
        _require_somebody(seen, mailing_list, audience)
        return Outcome(Result.LAUNCHED, audience, warnings)


def rehearse(store: Store, campaign_id: int, *, defaults: Defaults, now: datetime) -> tuple[str, ...]:
    """Raise what a launch would raise as things are, or tell what it would tell; writes nothing."""
    with store.reading() as session:
        seen = campaigns.by_id(session, campaign_id)
        mailing_list = lists.by_id(session, seen.list_id)
    _compiled(store, seen, mailing_list, defaults, now)
    warnings = _warnings(store, seen, defaults, now)
    with store.reading() as session:
        people = subscriptions.counts(session, seen.list_id)
    mailable = people[SubscriptionState.CONFIRMED]
    others = sum(people.values()) - mailable
    _require_somebody(seen, mailing_list, {DeliveryState.QUEUED: mailable, DeliveryState.EXCLUDED: others})
    return warnings


def _not_now(seen: Campaign, mailing_list: MailingList, due: datetime | None) -> Result | None:
    """Why nothing is to be done, or None; raises StateError for a campaign that has ended."""
    if due is not None and (seen.due_at != due or seen.state is not CampaignState.SCHEDULED):
        return Result.CHANGED
    if seen.state is CampaignState.SENDING:
        return Result.ALREADY
    if seen.cron:
        raise StateError(
            f"Campaign {seen.name!r} recurs: each of its runs is a campaign of its own, launched at its time.",
            hint="To send now, make another one with `outreach campaign create ... --name NAME`.",
        )
    if seen.launched_at is not None or seen.state not in FROM:
        hint = "Resume it with `outreach campaign resume`." if seen.state is CampaignState.PAUSED else None
        raise StateError(f"Campaign {seen.name!r} is {seen.state.value}: it cannot be launched again.", hint=hint)
    return Result.WAITING if mailing_list.importing else None


def _compiled(store: Store, seen: Campaign, mailing_list: MailingList, defaults: Defaults, now: datetime) -> Compiled:
    tracked = mailing_list.tracking is not Tracking.OFF
    compiled = compose.campaign(seen, mailing_list, defaults, date=now, tracked=tracked)
    with store.reading() as session:
        lacking = subscribers.missing(session, seen.list_id, sorted(compiled.required))
    if lacking:
        name, (count, _) = next(iter(lacking.items()))
        raise StateError(
            f"{name!r} is printed without a fallback, and {count:,} of the list {mailing_list.name!r} have none.",
            hint=f"Write {{{{ {name} | fallback('...') }}}} in the article, or complete the list.",
        )
    return compiled


def _warnings(store: Store, seen: Campaign, defaults: Defaults, now: datetime) -> tuple[str, ...]:
    """What is wrong with the mail but does not stop it; raises StateError for the first fault that does."""
    # Nobody gets the specimen that is looked at, so its links need no key of ours.
    tokens = TokenMaker(KeyRing(secrets.token_bytes(32)))
    faults = review.check(store, seen.name, defaults=defaults, tokens=tokens, now=now)
    for fault in faults:
        if fault.severity is Severity.ERROR:
            raise StateError(
                f"{fault.message.rstrip('.')}, so {seen.name!r} is not sent.",
                hint=f"`outreach campaign check {seen.name}` shows everything that is wrong.",
            )
    return tuple(fault.message for fault in faults)


def _require_somebody(seen: Campaign, mailing_list: MailingList, audience: Mapping[DeliveryState, int]) -> None:
    if audience.get(DeliveryState.QUEUED, 0):
        return
    excluded = audience.get(DeliveryState.EXCLUDED, 0)
    if not excluded:
        raise StateError(
            f"The list {mailing_list.name!r} is empty, so there is nobody to send {seen.name!r} to.",
            hint=f"Import people with `outreach subscriber import FILE --list {mailing_list.name}`.",
        )
    raise StateError(
        f"Nobody of the {excluded:,} on the list {mailing_list.name!r} may be mailed: they are unconfirmed, "
        "have unsubscribed or are suppressed.",
        hint="Import them with the --consent that they gave, or have them confirm.",
    )
