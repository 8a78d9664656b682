"""What does a provider tell in one event, and how is a request of it read?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from outreach.errors import NoticeForged, NoticeGarbled
from outreach.replies import said, verdict
from outreach.replies.kind import Kind, Report

#: Providers try again for a day with the same signature; what was told before changes nothing the second time.
OLDEST = timedelta(hours=26)
#: How far a provider's clock may be ahead of ours.
AHEAD = timedelta(minutes=10)
#: What we say where a provider's own record is all that we have.
DEAD = "the provider holds that the address is dead"
LEFT = "the provider holds that the person left"
SPAM = "reported as spam"
AGAIN = "the provider tries again"

#: Characters that are kept of what a server said.
LONGEST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Notice:
    """One event."""

    #: The provider's own name of the event: told twice, it has the same one.
    key: str
    #: Our Message-ID, whose local part is a delivery's token; None where the provider does not hand it back.
    message_id: str | None
    #: The return path of the mail, which carries a token too; None where the provider does not tell it.
    return_path: str | None
    report: Report


@dataclass(frozen=True, slots=True)
class Told:
    """What a request tells."""

    notices: tuple[Notice, ...] = ()
    #: An address that wants to be fetched once, so that the provider believes that we want its events.
    confirm: str | None = None
    #: The provider was told that we want no more of its events.
    ended: bool = False


class Hook(Protocol):
    """The reader of one provider's requests."""

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Told:
        """What a request tells; header names are in lower case.

        Raises NoticeForged for one that is not the provider's, or too old, and NoticeGarbled for one that is verified
        and cannot be read.
        """


def document(body: bytes) -> Any:
    """The JSON of a body; raises NoticeGarbled."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoticeGarbled("The request is no JSON.") from error


def require_fresh(seconds: str, now: datetime) -> None:
    """Refuse what was signed long ago, or in the future; `seconds` since 1970. Raises NoticeForged."""
    try:
        age = timedelta(seconds=now.timestamp() - float(seconds))
    except (ValueError, OverflowError) as error:
        raise NoticeForged("The time of the signature cannot be read.") from error
    if not -AHEAD <= age <= OLDEST:
        raise NoticeForged("The signature is too old, or from the future: compare the clocks.")


def text(value: Any, longest: int = LONGEST_WORDS) -> str | None:
    """A value as one line of text; None where there is none, or it is something else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:longest] or None


def of(mapping: Any, *path: str) -> Any:
    """What lies in nested objects under a path of names; None where the path breaks off."""
    for name in path:
        if not isinstance(mapping, dict):
            return None
        mapping = mapping.get(name)
    return mapping


def bare(message_id: Any) -> str | None:
    """A Message-ID without its angle brackets."""
    found = text(message_id, 998)
    return found.strip("<> ") if found else None


def given_up(status: str | None, words: str | None, by: str, *, dead: bool | None = None, **facts: Any) -> Report:
    """The report of a message that was given up: judged by the verdict table, from what the receiving server said.

    `dead` is what the provider says of the address: False (it may live) is always believed, True (it is dead) where the
    server's own status code says nothing and its words are not about policy; None says nothing.
    """
    server = said.of(words or "")
    status = status or server.status
    found = verdict.of_report(status, server.words, code=server.code)
    if found.is_dead_address and dead is not False:
        return Report(Kind.HARD, found.reason, status, words, by=by, **facts)
    if dead and verdict.is_silent(status) and not verdict.speaks_of_policy(server.words):
        return Report(Kind.HARD, DEAD, status, words, by=by, **facts)
    reason = "not delivered" if found.is_dead_address else found.reason
    return Report(Kind.SOFT, reason, status, words, by=by, **facts)
