"""`outreach list ...`: the mailing lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from outreach.actions import create_list
from outreach.audience.consent import SubscriptionState
from outreach.cli import show
from outreach.cli.open import house
from outreach.errors import StateError
from outreach.store import lists, subscriptions
from outreach.store.lists import MailingList, Tracking

app = typer.Typer(no_args_is_help=True)

PUBLIC = "Anybody may know of the list, and read those of its campaigns that are public."

Name = Annotated[str, typer.Argument(help="The name of the list.", show_default=False)]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and hyphens.", show_default=False)],
    title: Annotated[str | None, typer.Option(help="What readers see; else the name in words.")] = None,
    tracking: Annotated[
        Tracking, typer.Option(help="How links are counted: per person who agreed, in total, or not at all.")
    ] = Tracking.INDIVIDUAL,
    public: Annotated[bool, typer.Option("--public", help=PUBLIC)] = False,
) -> None:
    """Make a list."""
    with house() as opened:
        made = create_list.named(
            opened.store, name, title=title, tracking=tracking, public=public, now=datetime.now(UTC)
        )
    show.line(f"Made the list {made.name!r}; readers see “{made.title}”; links are counted: {made.tracking.value}.")


@app.command("update")
def update(
    name: Name,
    title: Annotated[str | None, typer.Option(help="What readers see.")] = None,
    tracking: Annotated[
        Tracking | None, typer.Option(help="How links are counted: per person who agreed, in total, or not at all.")
    ] = None,
    public: Annotated[bool | None, typer.Option("--public/--private", help=PUBLIC, show_default=False)] = None,
) -> None:
    """Change what readers see of a list, how its links are counted from now on, or whether it is public."""
    if title is None and tracking is None and public is None:
        raise typer.BadParameter("say what to change: --title TEXT, --tracking KIND, --public or --private")
    with house() as opened:
        now = create_list.update(opened.store, name, title=title, tracking=tracking, public=public)
    known = "public" if now.public else "private"
    counted = f"links are counted: {now.tracking.value}"
    show.line(f"The list {now.name!r}: readers see “{now.title}”; it is {known}; {counted}.")


@app.command("form")
def form(name: Name) -> None:
    """Print a form for a page of your own, by which people join a public list."""
    # Here, since loading pages takes longer than everything else that is done with lists.
    from outreach.web.joining import TRAP, WORDING  # noqa: PLC0415
    from outreach.web.pages import Pages  # noqa: PLC0415

    with house() as opened:
        with opened.store.reading() as session:
            group = lists.by_name(session, name)
        if not group.public:
            raise StateError(
                f"The list {name!r} is private: nobody can join it by themselves.",
                hint=f"Make it public with `outreach list update {name} --public`.",
            )
        settings = opened.settings
        pages = Pages(settings.template_folders("pages"))
        action = f"{settings.public_url}/subscribe/{group.name}"
        wording = WORDING % {"title": group.title}
        show.line(pages.html("subscribe-embedded.html", action=action, wording=wording, trap=TRAP).strip())


@app.command("show")
def show_one(name: Name, as_json: show.JsonOption = False) -> None:
    """Show one list: who is on it, and how its links are counted."""
    with house() as opened, opened.store.reading() as session:
        group = lists.by_name(session, name)
        found = _described(group, subscriptions.counts(session, group.number))
    if as_json:
        show.document(found)
        return
    show.table(["", ""], [(key.replace("_", " "), "-" if value is None else value) for key, value in found.items()])
    if found["importing_since"]:
        show.note("An import into this list did not end: repeat it with the same file. Launches wait until then.")


@app.command("ls")
def ls(as_json: show.JsonOption = False) -> None:
    """Show every list."""
    with house() as opened, opened.store.reading() as session:
        found = [_described(each, subscriptions.counts(session, each.number)) for each in lists.all(session)]
    if as_json:
        show.document(found)
    elif not found:
        show.line("There is no list yet: `outreach list create NAME` makes one.")
    else:
        keys = ("name", "title", "confirmed", "unconfirmed", "unsubscribed", "tracking")
        show.table(keys, [[each[key] for key in keys] for each in found])


def _described(group: MailingList, counts: dict[SubscriptionState, int]) -> dict[str, Any]:
    return {
        "name": group.name,
        "title": group.title,
        "tracking": group.tracking.value,
        "public": group.public,
        "created_at": group.created_at.isoformat(),
        **{state.value: count for state, count in counts.items()},
        "importing_since": group.importing_since.isoformat() if group.importing_since else None,
    }
