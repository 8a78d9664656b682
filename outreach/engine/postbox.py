"""What does mail want that comes in? To leave a list, or to tell what became of mail that was sent.

The token in the address that it comes to says which: that of the leave address takes a person off a list, a return path
of ours brings a report. What comes to the leave address is not kept: what the mail says, and who it claims to be from,
is nobody's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from outreach.actions import collect, unsubscribe
from outreach.actions.collect import Collected, Terms
from outreach.address import Address
from outreach.inbox.smtp import Reception
from outreach.log import Log
from outreach.replies import carried, returnpath
from outreach.store.database import Store
from outreach.tracking.token import Purpose

log = Log("outreach.inbox")

#: Where leaving is recorded to have come from.
SOURCE = "mail to leave"


@dataclass(frozen=True)
class Addresses:
    """The addresses of ours that mail comes in to, beside the return paths; None where there is none."""

    leave: Address | None = None
    #: Where providers send complaints.
    complaint: Address | None = None


class Postbox:
    """Takes in whatever comes, whichever way; threads may share it."""

    def __init__(
        self,
        store: Store,
        terms: Terms,
        ours: Addresses,
        *,
        now: Callable[[], datetime],
        told: Callable[[Collected], object] = lambda _: None,
    ) -> None:
        self._store, self._terms, self._ours, self._now, self._told = store, terms, ours, now, told

    @property
    def reception(self) -> Reception:
        """For the listener: who tells it whose mail is ours, and handles it."""
        return Reception(self.knows, self.take)

    def knows(self, recipient: str) -> bool:
        """Whether mail to an address is for us: forged and foreign ones are refused before anything is sent."""
        if self._leaver(recipient) is not None or self._terms.delivery_of_address(recipient) is not None:
            return True
        bare = recipient.strip().strip("<>").lower()
        return any(bare == str(each).lower() for each in (self._terms.return_path, self._ours.complaint) if each)

    def take(self, recipient: str, data: bytes) -> None:
        """Handle a message to one address of ours; raises StoreError where that is not possible now."""
        leaver = self._leaver(recipient)
        if leaver is not None:
            self._leave(leaver)
        else:
            self._collect(data, "listener", recipient)

    def read(self, data: bytes, source: str) -> None:
        """Handle a message of which nobody tells whom it came to: its header does. Raises StoreError."""
        leavers = {number for each in carried.of(data).recipients if (number := self._leaver(each)) is not None}
        for number in leavers:
            self._leave(number)
        if not leavers:
            self._collect(data, source, None)

    def _leaver(self, recipient: str) -> int | None:
        """The delivery whose reader wants to leave (0: a test mail's); None where it is no leave address of ours."""
        token = returnpath.tag(recipient, self._ours.leave) if self._ours.leave else None
        opened = self._terms.tokens.read(Purpose.UNSUBSCRIBE, token) if token else None
        return opened.delivery_id if opened else None

    def _leave(self, number: int) -> None:
        if number:  # a test mail's leads to nobody
            done = unsubscribe.by_delivery(self._store, number, now=self._now(), source=SOURCE)
            log.info("left_by_mail", delivery=number, changed=bool(done and done.changed))

    def _collect(self, data: bytes, source: str, recipient: str | None) -> None:
        facts = {"source": source, "terms": self._terms, "now": self._now()}
        self._told(collect.message(self._store, data, recipient=recipient, **facts))  # type: ignore[arg-type]
