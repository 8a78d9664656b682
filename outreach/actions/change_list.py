"""Change what readers see of a list, and how its links are counted; both hold from the next click and mail on."""

from __future__ import annotations

from outreach.errors import OutreachError
from outreach.store import lists
from outreach.store.database import Store
from outreach.store.lists import MailingList, Tracking


def named(store: Store, name: str, *, title: str | None = None, tracking: Tracking | None = None) -> MailingList:
    """Change a list and return it as it is now. Raises NotFound, and OutreachError for a title that cannot be one.

    Mail that is out already keeps its links: they lead on, and what they count follows the list.
    """
    given = None if title is None else " ".join(title.split())
    if given is not None and not 0 < len(given) <= 200:
        raise OutreachError("The title of a list has 1 to 200 characters.")
    with store.writing() as session:
        group = lists.locked(session, lists.by_name(session, name).number)
        group.title = given or group.title
        group.tracking = tracking or group.tracking
        return group
