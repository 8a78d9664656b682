"""How many of a person's messages in a row did their mailbox turn away, softly? A row that is too long is an end.

The rule, from the newest message back:

- a message is a **soft bounce** where a report said so, or where the relay refused it for good, and the status speaks
  of the mailbox or of the way to it. A status that speaks of the message or of the sender (5.6.x, 5.7.x, too large)
  says nothing about the mailbox: a blocklist that we stand on must not cost us every reader of a provider. Several
  reports about one message are one soft bounce;
- a message that is **known good** ends the row: a report said that it was delivered, or the relay took it and for
  `QUIET` days nobody said that it failed. A server that cannot deliver gives up within five days (RFC 5321, 4.5.4.1);
- everything else says nothing and is passed over: what was sent in these last days, what is in doubt, what was refused
  for other reasons;
- what was sent before the person confirmed (again) that they want mail is no part of it: that mail has reached them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A message without any report for so long has arrived, for all that can be known.
QUIET = timedelta(days=5)

#: Statuses that speak of the mailbox or of the way to it, and not of what was sent or by whom.
_OF_MAILBOX = re.compile(r"[45]\.(?:1\.(?![78]$)|2\.(?!3$)|4\.)\d{1,3}")
#: Statuses that say nothing at all.
_SILENT = re.compile(r"[45]\.0\.0")
#: Words that speak of the sender or of what was sent.
_OF_SENDER = re.compile(
    r"spam|(?:black|block|deny)[ -]?list|blocked|reputation|policy|\bspf\b|\bdkim\b|\bdmarc\b|\b(?:dns)?rbl\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Past:
    """What became of one message to a person."""

    #: When the relay answered.
    at: datetime
    #: Whether a report, or the relay's last word, was a soft bounce.
    soft: bool = False
    #: Whether a report said that it was delivered.
    delivered: bool = False
    #: Whether the relay took it, and no report of a failure came.
    taken: bool = False


def is_of_mailbox(status: str | None) -> bool:
    """Whether an enhanced status code says that it is the mailbox, or the way to it, that takes no mail."""
    return status is not None and _OF_MAILBOX.fullmatch(status) is not None


def counts(status: str | None, words: str | None = None) -> bool:
    """Whether a soft bounce with this status is one for the row; without one that says anything, the words decide."""
    if status is None or _SILENT.fullmatch(status):
        return not _OF_SENDER.search(words or "")
    return is_of_mailbox(status)


def in_a_row(newest_first: Iterable[Past], *, now: datetime, confirmed_at: datetime | None = None) -> int:
    """How many soft bounces there are without a message between them that is known good."""
    n = 0
    for past in newest_first:
        if confirmed_at is not None and past.at <= confirmed_at:
            break
        if past.soft:
            n += 1
        elif past.delivered or (past.taken and now - past.at >= QUIET):
            break
    return n
