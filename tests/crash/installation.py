"""An installation to do harm to: made, filled and launched through the same actions that the commands call."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from outreach import materials
from outreach.actions import draft, import_list, launch
from outreach.actions.draft import Draft
from outreach.config import Settings
from outreach.house import prepare
from outreach.store import campaigns, deliveries
from outreach.store.campaigns import CampaignState
from outreach.store.database import table_of
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.tracking.token import Purpose, TokenMaker
from outreach.wiring import House

#: Connections to the relay that each sender holds.
CONNECTIONS = 20

_ARTICLE = """---
title: Spring news
subject: News for {{ name | fallback('you') }}
preheader: What is new
language: en
links:
  quote: https://example.org/quote
---

Dear {{ name | fallback('reader') }},

here is the news.

**[Receive a Free Medical Quote](quote)**
"""

_LAYOUT = """<!doctype html>
<html lang="{{ article.language }}"><head><meta charset="utf-8"><title>{{ article.title }}</title></head>
<body><h1>{{ article.title }}</h1>{{ article.body }}
<p>{{ postal_address }} <a href="{{ links.unsubscribe }}">Unsubscribe</a></p></body></html>
"""


_delivery = table_of(Delivery)


@dataclass(frozen=True)
class Look:
    """Where every delivery stands at one moment."""

    #: The tallies of every campaign together.
    tallies: Mapping[str, int]
    #: state -> the deliveries that are in it.
    states: Mapping[str, set[int]]
    #: delivery -> why it is in doubt.
    doubts: Mapping[int, str]


class Installation:
    """One database, one list, and campaigns to all of it, one after another."""

    def __init__(self, home: Path, people: int, *, relay: int, database: str | None = None) -> None:
        self.home = home
        self.people = people
        self._base = {
            "OUTREACH_HOME": str(home),
            "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{relay}?tls=off",
            "OUTREACH_FROM": "Clinic News <news@clinic.example>",
            "OUTREACH_POSTAL_ADDRESS": "1 Harbour Street, 10115 Berlin, Germany",
            "OUTREACH_RETURN_PATH": "b@bounces.clinic.example",
            "OUTREACH_CONNECTIONS": str(CONNECTIONS),
            "OUTREACH_RETRY_FIRST": "1s",
        }
        if database is not None:
            self._base["OUTREACH_DATABASE_URL"] = database
        self.house = self._made()
        self._tokens = TokenMaker(self.house.keys)
        self.campaigns: list[int] = []
        self._import()

    @property
    def journals(self) -> Path:
        """Where the senders' journals lie."""
        return self.home / "journal"

    def environment(self, sender: str) -> dict[str, str]:
        """The settings of one sender, which greets the relay by that name."""
        return {**self._base, "OUTREACH_PUBLIC_URL": f"https://{sender}.clinic.example"}

    def delivery_of(self, kind: str, token: str) -> int | None:
        """The delivery that a Message-ID or a return path names."""
        opened = self._tokens.read(Purpose(kind), token)
        return opened.delivery_id if opened else None

    def launch(self) -> int:
        """Another campaign to everybody; its number."""
        name = f"spring-{len(self.campaigns) + 1}"
        given = Draft(article=("spring", _ARTICLE), layout=("plain", {"layout.html": _LAYOUT}), list_name="sample")
        defaults = materials.defaults(self.house.settings)
        now = datetime.now(UTC)
        made = draft.create(self.house.store, name, given, defaults=defaults, now=now)
        assert made.id is not None
        launch.campaign(self.house.store, made.id, defaults=defaults, now=now)
        self.campaigns.append(made.id)
        return made.id

    def left(self) -> int:
        """How many deliveries are still to do."""
        with self.house.store.reading() as session:
            return sum(deliveries.open_count(session, number) for number in self.campaigns)

    def finished(self) -> bool:
        """Whether every campaign says that it is."""
        with self.house.store.reading() as session:
            found = [campaigns.by_id(session, number).state for number in self.campaigns]
        return set(found) == {CampaignState.FINISHED}

    def look(self) -> Look:
        """Read tallies and rows in one view."""
        tallies = {state.value: 0 for state in DeliveryState}
        with self.house.store.reading() as session:
            for number in self.campaigns:
                for state, n in deliveries.tallies(session, number).items():
                    tallies[state.value] += n
            # As one text for each state: 200,000 rows would take much longer.
            numbers = sa.func.aggregate_strings(sa.cast(_delivery.c.id, sa.String), ",")
            rows = session.execute(sa.select(_delivery.c.state, numbers).group_by(_delivery.c.state)).all()
            unknown = sa.select(_delivery.c.id, _delivery.c.reason).where(deliveries.is_in(DeliveryState.UNKNOWN))
            doubts = {number: reason or "" for number, reason in session.execute(unknown)}
        states: dict[str, set[int]] = {state.value: set() for state in DeliveryState}
        states.update((state.value, set(map(int, text.split(",")))) for state, text in rows)
        return Look(tallies, states, doubts)

    def addresses(self) -> dict[int, str]:
        """delivery -> address."""
        wanted = "SELECT d.id, s.email FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id"
        with self.house.store.reading() as session:
            return dict(map(tuple, session.connection().exec_driver_sql(wanted).all()))

    def repeated(self) -> int:
        """How many people have more than one delivery of a campaign."""
        wanted = "SELECT 1 FROM delivery GROUP BY campaign_id, subscriber_id HAVING count(*) > 1"
        with self.house.store.reading() as session:
            return len(session.execute(sa.text(wanted)).all())

    def close(self) -> None:
        """Give back the database."""
        self.house.close()

    def _made(self) -> House:
        # Settings read the environment; here they are given, so that no process has to change its own.
        given = {name.removeprefix("OUTREACH_").lower(): value for name, value in self.environment("office").items()}
        given["OUTREACH_FROM"] = given.pop("from")
        return prepare(Settings(**given))[0]

    def _import(self) -> None:
        rows = "\n".join(f"p{number}@example.org,Person {number}" for number in range(1, self.people + 1))
        report = import_list.file(
            self.house.store,
            io.BytesIO(f"email,name\n{rows}\n".encode()),
            list_name="sample",
            consent="I want the newsletter",
            source="crash test",
            now=datetime.now(UTC),
        )
        assert report.tally.added == self.people, report
