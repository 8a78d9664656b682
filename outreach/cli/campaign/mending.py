"""`outreach campaign retry | resolve`: deliveries that did not end well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from outreach.actions import resolve as resolving
from outreach.actions import retry as retrying
from outreach.actions.resolve import Resolution
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument
from outreach.house import House
from outreach.store import campaigns, figures


def retry(
    name: NameArgument,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Those that the relay refused for good.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Queue failed deliveries again; dead addresses (bounced) and people who left stay out."""
    if not failed:
        raise typer.BadParameter("say what to try again: --failed")
    with opened.house() as house:
        n = retrying.failed(house.store, _number(house, name), now=datetime.now(UTC))
        _tell(house, name, f"{n:,} failed deliveries of {name} are queued again.", as_json)


def resolve(
    name: NameArgument,
    *,
    unknown: Annotated[
        Resolution, typer.Option("--unknown", help="Take them as sent, or send them again: somebody may get two.")
    ],
    as_json: show.JsonOption = False,
) -> None:
    """Decide about deliveries of which nobody can know whether they arrived."""
    with opened.house() as house:
        n = resolving.unknown(house.store, _number(house, name), unknown, now=datetime.now(UTC))
        became = "are taken as sent" if unknown is Resolution.SENT else "are queued again"
        _tell(house, name, f"{n:,} unknown deliveries of {name} {became}.", as_json)


def _number(house: House, name: str) -> int:
    with house.store.reading() as session:
        number = campaigns.by_name(session, name).id
    assert number is not None
    return number


def _tell(house: House, name: str, words: str, as_json: bool) -> None:
    if not as_json:
        show.line(words)
        return
    with house.store.reading() as session:
        show.document(figures.status(session, campaigns.by_name(session, name)))
