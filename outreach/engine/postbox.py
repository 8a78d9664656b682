"""What does mail ask for that comes in? To leave a list, when it comes to the address that a message names for that.

The token in the address is the proof; what the mail says, and who it claims to be from, is nobody's business and is
not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from outreach.actions import unsubscribe
from outreach.address import Address
from outreach.inbox.smtp import Reception
from outreach.log import Log
from outreach.replies import returnpath
from outreach.store.database import Store
from outreach.tracking.token import Purpose, TokenMaker

log = Log("outreach.inbox")

#: Where the act is recorded to have come from.
SOURCE = "mail to leave"


def reception(store: Store, tokens: TokenMaker, leave: Address, *, now: Callable[[], datetime]) -> Reception:
    """Who takes mail to the leave address."""

    def delivery(recipient: str) -> int | None:
        token = returnpath.tag(recipient, leave)
        opened = tokens.read(Purpose.UNSUBSCRIBE, token) if token else None
        return opened.delivery_id if opened else None

    def take(recipient: str, _: bytes) -> None:
        number = delivery(recipient)
        if number:  # a test mail's leads to nobody
            done = unsubscribe.by_delivery(store, number, now=now(), source=SOURCE)
            log.info("left_by_mail", delivery=number, changed=bool(done and done.changed))

    return Reception(lambda recipient: delivery(recipient) is not None, take)
