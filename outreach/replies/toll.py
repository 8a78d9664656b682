"""When has so much come back that a campaign must not go on by itself?

A list that is old or was bought shows in its bounces, a mail that nobody asked for in its complaints: both harm the
sender's name with every further message, and a person is asked before they do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Toll:
    """What has become of a campaign's messages so far, in messages."""

    sent: int = 0
    failed: int = 0
    #: Hard: the address is dead.
    bounced: int = 0
    unknown: int = 0
    complaints: int = 0

    @property
    def ended(self) -> int:
        """The messages whose attempts have ended, one way or the other."""
        return self.sent + self.failed + self.bounced + self.unknown

    @property
    def lost(self) -> int:
        """Those that a server refused for good."""
        return self.failed + self.bounced


@dataclass(frozen=True, slots=True)
class StopRule:
    """How much may come back."""

    #: The share of messages that may fail or bounce.
    share: float = 0.10
    #: The share of messages whose readers may complain.
    complaints: float = 0.003
    #: Messages that must have ended before any share says something.
    after: int = 500


def reason(toll: Toll, rule: StopRule, *, since: Toll | None = None) -> str | None:
    """Why a campaign must stop, in words that hold the figures; None where it may go on.

    `since` is the toll at which a person said that it may: of failures and bounces only those count that came later,
    as a share of what ended later. Complaints come days after their message, so those that came later count as a
    share of everything that is out.
    """
    before = since or Toll()
    ended = toll.ended - before.ended
    if ended < rule.after:
        return None
    lost = toll.lost - before.lost
    again = " since it was resumed" if since else ""
    if lost > rule.share * ended:
        return (
            f"{lost:,} of {ended:,} messages{again} failed or bounced ({lost / ended:.1%}, the limit is "
            f"{shown(rule.share)})"
        )
    complaints = toll.complaints - before.complaints
    if complaints > rule.complaints * toll.sent:
        told = f"{complaints / toll.sent:.2%}" if toll.sent else "nobody's message is out"
        return (
            f"{complaints:,} readers complained{again}, of {toll.sent:,} messages that are out ({told}, the limit is "
            f"{shown(rule.complaints)})"
        )
    return None


def share(text: str) -> float:
    """A share as people write it: `10%`, `0.3%`; 100% never stops anything. Raises ValueError saying what is right."""
    match = _SHARE.fullmatch(text.strip())
    if not match or not 0 < float(match[1]) <= 100:
        raise ValueError(f"{text!r} is not a share; write a percentage up to 100%, such as 10% or 0.3%")
    return float(match[1]) / 100


def shown(part: float) -> str:
    """A share as people write it."""
    return f"{part * 100:.6g}%"
