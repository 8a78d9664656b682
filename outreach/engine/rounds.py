"""How is a mailbox looked into again and again? By one process at a time, which leaves in it what it could not handle.

Several hosts may name the same mailbox on a server: of these one looks (`store.leader`). Should two do so for a moment,
each report is still handled once. A Maildir is a folder of one host, and looked into there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from outreach.engine.pulse import Pulse
from outreach.errors import DatabaseBusy, InboxError, StoreError
from outreach.inbox.mailbox import Mailbox
from outreach.log import Log
from outreach.store.leader import Leadership

log = Log("outreach.inbox")

#: Seconds between two signs of life, and two questions who leads.
BEAT = 1.0


class Rounds:
    """Looks into one mailbox every so many seconds."""

    def __init__(
        self, mailbox: Mailbox, read: Callable[[bytes, str], object], *, every: float, leads: Leadership | None = None
    ) -> None:
        self._mailbox, self._read, self._every, self._leadership = mailbox, read, every, leads
        self.pulse = Pulse()
        self._stop = threading.Event()
        self._asked_at = 0.0
        self._leads = leads is None
        #: What was said of the trouble last, so that it is said once.
        self._trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Go round until `stop` is set."""
        self._stop = stop
        try:
            while self._wait(0.0):
                self.once()
                if not self._wait(self._every):
                    return
        finally:
            if self._leadership is not None:
                self._leadership.resign()

    def once(self) -> int:
        """Look once; how many messages were handled. A mailbox or a database that is away is waited for."""
        if not self._go_on():
            return 0
        try:
            n = self._mailbox.empty(self._take, self._go_on)
        except (InboxError, StoreError) as error:
            if error.message != self._trouble:
                log.error("mailbox_away", mailbox=self._mailbox.name, why=error.message)
            self._trouble = error.message
            return 0
        if self._trouble:
            log.info("mailbox_back", mailbox=self._mailbox.name)
        self._trouble = ""
        if n:
            log.info("mailbox_emptied", mailbox=self._mailbox.name, messages=n)
        return n

    def _take(self, data: bytes) -> bool:
        try:
            self._read(data, self._mailbox.name)
        except DatabaseBusy:  # a sender is settling that delivery at this moment: the next round
            return False
        except StoreError:
            raise
        except Exception:  # one message that we stumble over must not keep the others
            log.exception("message_left_in_mailbox", mailbox=self._mailbox.name)
            return False
        return True

    def _go_on(self) -> bool:
        """A sign of life; whether this process is (still) the one that looks, and is not told to stop."""
        self.pulse.beat()
        if self._leadership is not None and time.monotonic() - self._asked_at >= BEAT:
            self._asked_at = time.monotonic()
            try:
                self._leads = self._leadership.leads()
            except StoreError:
                self._leads = False
        return self._leads and not self._stop.is_set()

    def _wait(self, seconds: float) -> bool:
        """Wait that long, with signs of life; False when told to stop."""
        until = time.monotonic() + seconds
        while not self._stop.is_set():
            self._go_on()
            left = until - time.monotonic()
            if left <= 0:
                return True
            self._stop.wait(min(BEAT, left))
        return False
