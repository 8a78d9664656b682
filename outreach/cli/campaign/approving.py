"""`outreach campaign approve`: a person signs off what is to be sent."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from outreach import materials
from outreach.actions import approve as approving
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument
from outreach.store import campaigns


def approve(
    name: NameArgument,
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who approves; default: this user.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the approval back.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Sign off a campaign's content as it is now; any change of it makes that void."""
    now = datetime.now(UTC)
    with opened.house() as house:
        with house.store.reading() as session:
            number = campaigns.by_name(session, name).id
        assert number is not None
        if withdraw:
            done = approving.withdraw(house.store, number, now=now)
            made = None
        else:
            who = by if by is not None else getpass.getuser()
            made = approving.campaign(house.store, number, by=who, defaults=materials.defaults(house.settings), now=now)
    if as_json:
        show.document({"name": name, "approval": made and made.as_dict()})
    elif made is not None:
        show.line(f"Approved {name} as it is now: {made.by}, content {made.content[:12]}.")
    else:
        show.line(f"Withdrew the approval of {name}." if done else f"Nobody had approved {name}.")
