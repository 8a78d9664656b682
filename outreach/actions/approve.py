"""Sign off a campaign: who approved exactly this content, and when. Any change of the content makes that void.

The hash is of what readers would get (`message.content`), not of who may do what: whoever can run the command can
approve, and says who that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.errors import OutreachError, StateError
from outreach.message import content
from outreach.message.compiled import Compiled
from outreach.store import campaigns, events, lists
from outreach.store.campaigns import Campaign
from outreach.store.database import Store
from outreach.store.events import EventKind
from outreach.store.lists import MailingList, Tracking

#: What the table keeps of a name.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Approval:
    """A sign-off, and whether the content is still the one that was approved."""

    by: str
    at: datetime
    content: str
    valid: bool

    def as_dict(self) -> dict[str, Any]:
        """The approval as ``--json`` prints it."""
        at = self.at.isoformat(timespec="seconds")
        return {"by": self.by, "at": at, "content": self.content, "valid": self.valid}


def campaign(store: Store, campaign_id: int, *, by: str, defaults: Defaults, now: datetime) -> Approval:
    """Approve the content as it is now, in place of an earlier approval.

    Raises StateError after the launch, and what compiling raises where there is no content yet to approve.
    """
    by = " ".join(by.split())
    if not by or len(by) > LONGEST_NAME:
        raise OutreachError(f"Who approves must be told in 1 to {LONGEST_NAME} characters.", hint="Use --by 'NAME'.")
    with store.reading() as session:
        seen = campaigns.by_id(session, campaign_id)
        mailing_list = lists.by_id(session, seen.list_id)
    approved = digest(seen, mailing_list, defaults, now=now)
    with store.writing() as session:
        fresh = _unlaunched(campaigns.locked(session, campaign_id))
        if fresh.updated_at != seen.updated_at:
            raise StateError(f"Campaign {seen.name!r} was changed at this moment by somebody else.", hint="Look again.")
        campaigns.note(session, campaign_id, approved_content=approved, approved_by=by, approved_at=now)
        detail = {"by": by, "content": approved}
        events.append(session, EventKind.APPROVED, now, campaign_id=campaign_id, detail=detail)
    return Approval(by, now, approved, valid=True)


def withdraw(store: Store, campaign_id: int, *, now: datetime) -> bool:
    """Take an approval back; False where there was none. Raises StateError after the launch."""
    with store.writing() as session:
        fresh = _unlaunched(campaigns.locked(session, campaign_id))
        if fresh.approved_content is None:
            return False
        detail = {"by": fresh.approved_by, "content": fresh.approved_content}
        campaigns.note(session, campaign_id, approved_content=None, approved_by=None, approved_at=None)
        events.append(session, EventKind.WITHDRAWN, now, campaign_id=campaign_id, detail=detail)
        return True


def standing(store: Store, seen: Campaign, *, defaults: Defaults, now: datetime) -> Approval | None:
    """The approval of a campaign, or None; after the launch it is held against what was launched."""
    if seen.approved_content is None or seen.approved_at is None:
        return None
    assert seen.id is not None
    with store.reading() as session:
        mailing_list = lists.by_id(session, seen.list_id)
        launched = campaigns.compiled(session, seen.id) if seen.launched_at is not None else None
    try:
        fresh = None if launched else digest(seen, mailing_list, defaults, now=now)
        there = fresh or content.digest(Compiled.from_bytes(launched or b""))
    except OutreachError:  # what cannot be compiled is not what was approved
        there = ""
    return Approval(seen.approved_by or "", seen.approved_at, seen.approved_content, there == seen.approved_content)


def digest(seen: Campaign, mailing_list: MailingList, defaults: Defaults, *, now: datetime) -> str:
    """The number of the content that would leave as things are; raises what compiling raises."""
    tracked = mailing_list.tracking is not Tracking.OFF
    return content.digest(compose.campaign(seen, mailing_list, defaults, date=now, tracked=tracked))


def _unlaunched(fresh: Campaign) -> Campaign:
    if fresh.launched_at is not None:
        raise StateError(f"Campaign {fresh.name!r} was launched: what was sent stays as it was approved, or not.")
    return fresh
