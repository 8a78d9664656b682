"""Note what a person prefers: whether clicks may be kept with their name."""

from __future__ import annotations

from datetime import datetime

from outreach.store import consents, hits, subscribers
from outreach.store.consents import Act, Purpose
from outreach.store.database import Store

#: What a person agrees to on the preferences page.
WORDING = (
    "You may keep, with my name, which links in your mail I open, so that what you send me fits my interests. "
    "I can withdraw this at any time."
)


def tracking(store: Store, subscriber_id: int, agreed: bool, *, source: str, now: datetime) -> bool:
    """Switch a person's consent to tracking on or off, with its proof; whether anything changed.

    An agreement holds from the next click on. Who withdraws it is taken out of the clicks that were kept with their
    name, too; sums stay. Raises NotFound where there is no such person.
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
            source_id=consents.source(session, WORDING if agreed else "", source),
            now=now,
        )
        if not agreed:
            hits.untie(session, hits.named_of(session, subscriber_id))
        return True
