"""Make or change a mailing list; the one place that says what a list may be called."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from outreach.errors import OutreachError
from outreach.store import lists
from outreach.store.database import Store
from outreach.store.lists import MailingList, Tracking

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def named(
    store: Store,
    name: str,
    *,
    now: datetime,
    title: str | None = None,
    tracking: Tracking = Tracking.INDIVIDUAL,
    public: bool = False,
) -> MailingList:
    """Make a list; raises NameTaken, and OutreachError for a name that cannot be one."""
    fresh = described(name, now=now, title=title, tracking=tracking)
    fresh.public = public
    with store.writing() as session:
        return lists.add(session, fresh)


def update(
    store: Store,
    name: str,
    *,
    title: str | None = None,
    tracking: Tracking | None = None,
    public: bool | None = None,
) -> MailingList:
    """Change what readers call a list, how its links are counted, whether it is public; what is None stays.

    Mail that is out already keeps its links: they lead on, and what they count follows the list. Raises NotFound, and
    OutreachError for a title that cannot be one.
    """
    given = {"tracking": tracking, "public": public}
    changes: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
    if title is not None:
        changes["title"] = _titled(title) or _in_words(name)
    with store.writing() as session:
        found = lists.by_name(session, name)
        lists.change(session, found.number, **changes)
        return lists.by_name(session, name)


def described(
    name: str, *, now: datetime, title: str | None = None, tracking: Tracking = Tracking.INDIVIDUAL
) -> MailingList:
    """A list that is not stored yet; readers see the name in words where no title is given."""
    return MailingList(
        name=checked(name),
        title=_titled(title or "") or _in_words(name),
        tracking=tracking,
        created_at=now,
    )


def _titled(title: str) -> str:
    given = " ".join(title.split())
    if len(given) > 200:
        raise OutreachError("The title of a list has at most 200 characters.")
    return given


def _in_words(name: str) -> str:
    return name.replace("-", " ").capitalize()


def checked(name: str) -> str:
    """The name, where it can be a list's: it stands in List-ID, before a domain."""
    if not _NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")
        raise OutreachError(
            f"{name!r} cannot be the name of a list: lower case letters a-z, digits and hyphens, at most 64.",
            hint=f"For example {suggestion!r}." if suggestion else None,
        )
    return name
