"""Make a mailing list; the one place that says what a list may be called."""

from __future__ import annotations

import re
from datetime import datetime

from outreach.errors import OutreachError
from outreach.store import lists
from outreach.store.database import Store
from outreach.store.lists import MailingList, Tracking

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def named(
    store: Store, name: str, *, now: datetime, title: str | None = None, tracking: Tracking = Tracking.INDIVIDUAL
) -> MailingList:
    """Make a list; raises NameTaken, and OutreachError for a name that cannot be one."""
    fresh = described(name, now=now, title=title, tracking=tracking)
    with store.writing() as session:
        return lists.add(session, fresh)


def described(
    name: str, *, now: datetime, title: str | None = None, tracking: Tracking = Tracking.INDIVIDUAL
) -> MailingList:
    """A list that is not stored yet; readers see the name in words where no title is given."""
    given = " ".join((title or "").split())
    if len(given) > 200:
        raise OutreachError("The title of a list has at most 200 characters.")
    return MailingList(
        name=checked(name),
        title=given or name.replace("-", " ").capitalize(),
        tracking=tracking,
        created_at=now,
    )


def checked(name: str) -> str:
    """The name, where it can be a list's: it stands in List-ID, before a domain."""
    if not _NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")
        raise OutreachError(
            f"{name!r} cannot be the name of a list: lower case letters a-z, digits and hyphens, at most 64.",
            hint=f"For example {suggestion!r}." if suggestion else None,
        )
    return name
