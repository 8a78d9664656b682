"""Note what a person prefers: fewer messages, none for a while, and whether clicks may be kept with their name."""

from __future__ import annotations

from datetime import datetime

from outreach.audience.rhythm import Rhythm
from outreach.language import N_
from outreach.store import consents, deliveries, events, freeze, hits, lists, subscribers, subscriptions
from outreach.store.consents import Act, Purpose
from outreach.store.database import Store
from outreach.store.events import EventKind

#: What a person agrees to on the preferences page, in English; pages say it in their language.
WORDING = N_(
    "You may keep, with my name, which links in your mail I open, so that what you send me fits my interests. "
    "I can withdraw this at any time."
)


def less(
    store: Store,
    subscriber_id: int,
    list_id: int,
    *,
    at_most: Rhythm | None,
    until: datetime | None,
    source: str,
    now: datetime,
) -> bool:
    """Note how many messages of a list a person wants at the most, and that they want none before a moment.

    None is "all of them", and "no pause". Whether anything changed. What running campaigns still hold for them and they
    do not want is left out, in the same transaction.
    """
    with store.writing() as session:
        lists.hold(session, [list_id])
        if not subscriptions.choose(session, subscriber_id, list_id, at_most=at_most, paused_until=until):
            return False
        if until is not None and until > now:
            deliveries.exclude_person(session, subscriber_id, list_id, "paused", now)
        elif at_most is not None and freeze.had_lately(session, subscriber_id, list_id, at_most, now):
            deliveries.exclude_person(session, subscriber_id, list_id, "capped", now)
        chosen = {"at_most": at_most and at_most.value, "paused_until": until and until.isoformat()}
        facts = {"list_id": list_id, "subscriber_id": subscriber_id}
        events.append(session, EventKind.PREFERRED, now, detail={**chosen, "source": source}, **facts)
        return True


def tracking(
    store: Store, subscriber_id: int, agreed: bool, *, source: str, now: datetime, wording: str = WORDING
) -> bool:
    """Switch a person's consent to tracking on or off, with its proof; whether anything changed.

    `wording` is what they read, in their language. An agreement holds from the next click on. Who withdraws it is taken
    out of the clicks that were kept with their name, too; sums stay. Raises NotFound where there is no such person.
    """
    with store.writing() as session:
        person = subscribers.by_id(session, subscriber_id)
        if person.tracking_consent == agreed:
            return False
        person.tracking_consent = agreed
        person.updated_at = now
        consents.append(
            session,
            subscriber_id,
            None,
            Act.GIVEN if agreed else Act.WITHDRAWN,
            purpose=Purpose.TRACKING,
            source_id=consents.source(session, wording if agreed else "", source),
            now=now,
        )
        if not agreed:
            hits.untie(session, hits.named_of(session, subscriber_id))
        return True
