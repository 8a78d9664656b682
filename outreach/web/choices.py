"""What can a reader choose about the lists they are on? Read from a form of our pages, done, and told in few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from outreach.actions import prefer, unsubscribe
from outreach.audience import rhythm
from outreach.audience.rhythm import LONGEST_PAUSE, Rhythm
from outreach.store.database import Store
from outreach.store.readers import Membership, Reader
from outreach.web import form

#: What the choice of every message is called in forms.
EVERY = "every"


@dataclass(frozen=True)
class Done:
    """What became of a form."""

    #: A word that the templates know: left, noted, wrong-day, agreed, withdrawn.
    what: str
    titles: tuple[str, ...] = ()
    #: The list that it was about, where it is still one of the reader's.
    list_id: int | None = None


@dataclass(frozen=True)
class Visit:
    """Somebody with a message of ours on one of our pages."""

    store: Store
    reader: Reader
    delivery_id: int
    #: The page, as the acts are recorded to have come from.
    source: str
    now: datetime

    def leave(self, wanted: str) -> Done | None:
        """Leave the list with that number, or `all`; None where the reader is on no such list."""
        leaving = [each for each in self.reader.current if wanted in {str(each.list_id), "all"}]
        for each in leaving:
            here = each.list_id == self.reader.list_id
            unsubscribe.person(
                self.store,
                self.reader.subscriber_id,
                each.list_id,
                source=self.source,
                now=self.now,
                campaign_id=self.reader.campaign_id if here else None,
                delivery_id=self.delivery_id if here else None,
            )
        return Done("left", tuple(each.title for each in leaving)) if leaving else None

    def less(self, given: Mapping[str, str]) -> Done | None:
        """Keep to what a form says of one list (`less`): how often (`at_most`), and not before a day (`until`).

        None where the form means nothing; a day that cannot be is told, and then nothing is done.
        """
        found = next((each for each in self.reader.current if str(each.list_id) == form.line(given, "less")), None)
        often = form.line(given, "at_most")
        if found is None or often not in {EVERY, *Rhythm}:
            return None
        typed = form.line(given, "until")
        until = self._until(typed)
        if typed and until is None:
            return Done("wrong-day", (found.title,), found.list_id)
        person, at_most = self.reader.subscriber_id, None if often == EVERY else Rhythm(often)
        prefer.less(self.store, person, found.list_id, at_most=at_most, until=until, source=self.source, now=self.now)
        return Done("noted", (found.title,), found.list_id)

    def _until(self, typed: str) -> datetime | None:
        """When a pause ends whose last day was typed; None where there is none, or it cannot be."""
        try:
            day = date.fromisoformat(typed)
        except ValueError:
            return None
        return rhythm.pause_until(day, timezone=self.reader.timezone, now=self.now)


def shown(reader: Reader, now: datetime) -> dict[str, Any]:
    """What the templates need in order to show a reader's lists: `lists`, and the days that a pause may end on."""
    today = rhythm.day_of(now, timezone=reader.timezone)
    return {
        "lists": [_shown(reader, each, now) for each in reader.current],
        "first_day": (today + timedelta(days=1)).isoformat(),
        "last_day": (today + timedelta(days=LONGEST_PAUSE)).isoformat(),
    }


def _shown(reader: Reader, membership: Membership, now: datetime) -> dict[str, Any]:
    paused = membership.paused_until is not None and membership.paused_until > now
    return {
        "list_id": membership.list_id,
        "title": membership.title,
        "at_most": membership.at_most.value if membership.at_most else EVERY,
        "until": rhythm.day_of(membership.paused_until, timezone=reader.timezone)
        if paused and membership.paused_until
        else None,
    }


def masked(email: str) -> str:
    """An address that its owner recognises and nobody else learns: `m•••@example.org`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"
