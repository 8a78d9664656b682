"""`outreach campaign preview | test | check`: a campaign before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from outreach import materials, wiring
from outreach.actions import approve, review, vet
from outreach.actions.approve import Approval
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument, rehearsing
from outreach.message.check import Fault, Severity
from outreach.store import campaigns
from outreach.tracking.token import TokenMaker


def preview(
    name: NameArgument,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write the files.")] = Path("preview"),
    email: Annotated[
        str | None,
        typer.Option("--for", metavar="EMAIL", help="A subscriber whose mail it is; default: a sample person."),
    ] = None,
    as_json: show.JsonOption = False,
) -> None:
    """Write the mail as NAME.html, NAME.txt and NAME.eml, as one recipient gets it."""
    with opened.house() as house:
        made = review.preview(
            house.store,
            name,
            folder=out,
            email=email,
            defaults=materials.defaults(house.settings),
            tokens=TokenMaker(house.keys),
            now=datetime.now(UTC),
        )
    if as_json:
        files = {"html": str(made.html), "text": str(made.text), "message": str(made.message)}
        show.document({"name": name, "recipient": made.recipient, **files})
        return
    for file in (made.html, made.text, made.message):
        show.line(str(file))
    show.note(f"The mail as {made.recipient} would get it; its links are plain, and nothing was sent.")


def send_test(
    name: NameArgument,
    emails: Annotated[list[str], typer.Argument(metavar="EMAIL...", help="Who gets the test mail.")],
    *,
    as_json: show.JsonOption = False,
) -> None:
    """Send the mail to these addresses, marked [Test]; lists and figures stay as they are."""
    with opened.house() as house:
        settings = house.settings
        tried = review.send_test(
            house.store,
            name,
            emails,
            transport=wiring.transport(settings),
            defaults=materials.defaults(settings),
            tokens=TokenMaker(house.keys),
            now=datetime.now(UTC),
            return_path=settings.return_path,
            sign=materials.sign(settings),
        )
    if as_json:
        show.document([{"email": one.email, "accepted": one.accepted, "answer": one.answer} for one in tried])
    else:
        for one in tried:
            show.line(f"{one.email}: {'accepted' if one.accepted else 'not accepted'} ({one.answer})")
    if not all(one.accepted for one in tried):
        raise typer.Exit(1)


def check(
    name: NameArgument,
    *,
    online: Annotated[
        bool, typer.Option("--online", help="Ask the DNS, the links, one-click and a spam filter too; half a minute.")
    ] = False,
    no_links: Annotated[bool, typer.Option("--no-links", help="With --online: leave the links alone.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Look for faults; exit code 1 when one would keep it back: warnings do so only where OUTREACH_STRICT is set."""
    if no_links and not online:
        raise typer.BadParameter("it goes with --online; without, no link is asked.", param_hint="--no-links")
    now = datetime.now(UTC)
    with opened.house() as house:
        defaults = materials.defaults(house.settings)
        faults = review.check(house.store, name, defaults=defaults, now=now)
        with house.store.reading() as session:
            campaign = campaigns.by_name(session, name)
        approval = approve.standing(house.store, campaign, defaults=defaults, now=now)
        new = vet.unaccepted(faults, campaign.accepted) if defaults.rules.strict else []
        if online:  # what the world says changes from day to day: nobody is asked to accept it
            faults = rehearsing.added(faults, rehearsing.asked(house, name, follow_links=not no_links))
    if as_json:
        told = {"faults": [fault.as_dict() for fault in faults], "approval": approval and approval.as_dict()}
        show.document({"name": name, **told})
    else:
        _show(faults, approval)
    if new or any(fault.severity is Severity.ERROR for fault in faults):
        raise typer.Exit(1)


def _show(faults: Sequence[Fault], approval: Approval | None) -> None:
    if faults:
        show.table(("", "code", "what"), [(fault.severity.value, fault.code, fault.message) for fault in faults])
    else:
        show.line("No faults.")
    if approval is not None:
        show.line(f"Approved by {show.approval(approval.as_dict())}.")
