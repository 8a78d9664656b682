"""What can go wrong, as one tree; each error says what happened, where, and what to do.

::

    OutreachError                      a clear refusal: exit code 1, never a traceback
    ├── SettingsError                  a setting is missing or wrong
    ├── NotFound                       no such campaign, list, subscriber, article ... (suggests the nearest)
    ├── NameTaken                      a name that must be unique is in use
    ├── StateError                     the thing exists, but its state does not allow this
    ├── AddressError                   not an e-mail address
    ├── ArticleError                   broken front matter or Markdown (file, line)
    ├── TemplateError                  broken template or undefined variable (file, line)
    │   └── CompileError               the layout and article do not make a message
    ├── ListFileError                  a subscriber file cannot be read at all
    ├── ScheduleError                  a wall time, zone or recurrence that means nothing
    ├── TransportError                 the relay cannot be reached or used
    ├── NoticeForged                   a webhook's request is not the provider's, or too old
    ├── NoticeGarbled                  one that is the provider's, and cannot be read
    ├── InboxError                     a mailbox in which reports wait cannot be reached or used
    └── StoreError                     the database, and what is kept beside it so that it can be trusted
        ├── DatabaseUnavailable        cannot be opened, locked too long, full
        │   ├── DatabaseBusy           two transactions stood in each other's way; nothing of this one was written
        │   └── DatabaseMoved          it was copied to another place, and goes on there
        ├── DatabaseNotReady           not initialised, or of an older version
        ├── DatabaseTooNew             made by a newer version of outreach
        ├── DatabaseRewound            older than this host remembers: restored from a copy
        ├── JournalUnavailable         the sender's record of attempts cannot be written
        └── KeyMismatch                this host has another secret key than the database
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OutreachError(Exception):
    """A refusal that a person can act on; ``str()`` is the whole message, ``hint`` the thing to do next."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(OutreachError):
    """A setting is missing or has a value that cannot be right."""


class NotFound(OutreachError):
    """Nothing of that kind has that name; the nearest known name is suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, hint: str | None = None) -> None:
        nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
        if nearest and hint is None:
            hint = f"Did you mean {nearest[0]!r}?"
        super().__init__(f"There is no {kind} named {name!r}.", hint=hint)
        self.kind = kind
        self.name = name


class NameTaken(OutreachError):
    """A name that must be unique is in use already."""

    def __init__(self, kind: str, name: str, *, hint: str | None = None) -> None:
        super().__init__(f"A {kind} named {name!r} exists already.", hint=hint)
        self.kind = kind
        self.name = name


class StateError(OutreachError):
    """The thing exists, but what was asked is not possible in its present state."""


class AddressError(OutreachError):
    """A text that is not an e-mail address; the message gives the reason."""


class PlacedError(OutreachError):
    """A fault in a file that a person wrote, with the place where it is."""

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        place = ", ".join(part for part in (file, f"line {line}" if line else None) if part)
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.file = file
        self.line = line


class ArticleError(PlacedError):
    """An article whose front matter or text cannot be used."""


class TemplateError(PlacedError):
    """A template that does not parse, or that uses a variable which does not exist."""


class CompileError(TemplateError):
    """Article and layout do not make a message (a lost link, a mangled value, a dead link role)."""


class ListFileError(PlacedError):
    """A subscriber file that cannot be read at all: nothing of it was written."""


class ScheduleError(OutreachError):
    """A wall time, time zone or recurrence that cannot be understood."""


class TransportError(OutreachError):
    """The relay cannot be reached, or refuses to talk to us."""


class InboxError(OutreachError):
    """A mailbox in which mail waits for us cannot be reached, or not used."""


class NoticeForged(OutreachError):
    """A request to a webhook that does not come from the provider that it claims, or was signed long ago."""


class NoticeGarbled(OutreachError):
    """A provider's request whose words cannot be read."""


class StoreError(OutreachError):
    """The database, or what is kept beside it, cannot be used as things are."""


class DatabaseUnavailable(StoreError):
    """The database cannot be opened or written: absent, locked for too long, full."""


class DatabaseBusy(DatabaseUnavailable):
    """PostgreSQL took the transaction back whole because another stood in its way: it may be done again at once."""


class DatabaseMoved(DatabaseUnavailable):
    """The database was copied to another place: nothing can be written here any more."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"{words}, and nothing is written here any more.",
            hint="Set OUTREACH_DATABASE_URL to it (with its password) on this host, and start again.",
        )


class DatabaseNotReady(StoreError):
    """The database was never initialised or is of an older version."""


class DatabaseTooNew(StoreError):
    """The database was made by a newer version of outreach than this one."""


class DatabaseRewound(StoreError):
    """The database is older than what this host remembers of it: it was restored from a copy, and might send again."""


class JournalUnavailable(StoreError):
    """The record of attempts cannot be written, and what cannot be written down is not sent."""


class KeyMismatch(StoreError):
    """The secret key of this host is not the one that the database was made with."""
