"""`outreach campaign create | ls | show | update | delete`: campaigns before they start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from outreach import materials
from outreach.actions import approve, draft
from outreach.actions.compose import Defaults
from outreach.actions.draft import Draft
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument
from outreach.store import campaigns, lists
from outreach.store.campaigns import Campaign
from outreach.store.database import Store
from outreach.timing.schedule import shown

SubjectOption = Annotated[str | None, typer.Option("--subject", help="The subject, instead of the article's.")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Who the mail is from, such as 'Clinic News <news@clinic.example>'.")
]
PUBLIC = "Everybody may read it in the archive once it is launched; its list must be public, too."

ReplyToOption = Annotated[str | None, typer.Option("--reply-to", help="Where answers go.")]


def create(
    article: Annotated[str, typer.Argument(help="An article file, or the name of a shipped one: car-t-cell-therapy.")],
    *,
    list_name: Annotated[str, typer.Option("--list", metavar="NAME", help="The list to send it to.")],
    name: Annotated[str | None, typer.Option("--name", help="The campaign's name; default: the article's.")] = None,
    subject: SubjectOption = None,
    sender: FromOption = None,
    reply_to: ReplyToOption = None,
    layout: Annotated[str, typer.Option("--layout", help="The mail's layout.")] = "default",
    public: Annotated[bool, typer.Option("--public", help=PUBLIC)] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Make a campaign from an article and a list; it waits as a draft until it is scheduled or sent."""
    with opened.house() as house:
        article_name, text = materials.article(house.settings, article)
        found = materials.layout(house.settings, layout)
        made = draft.create(
            house.store,
            name or draft.slug(article_name),
            Draft((article_name, text), (found.name, found.sources), list_name, subject, sender, reply_to, public),
            defaults=materials.defaults(house.settings),
            now=datetime.now(UTC),
        )
        facts = _facts(house.store, made, materials.defaults(house.settings))
    if as_json:
        show.document(facts)
        return
    show.line(f"Created the campaign {made.name}, a draft for the list {list_name}.")
    show.note(
        f"Next: `outreach campaign check {made.name}`, `outreach campaign preview {made.name}`, then "
        f"`outreach campaign schedule {made.name} --at 'YYYY-MM-DD HH:MM'` or `outreach campaign send {made.name}`."
    )


def ls(as_json: show.JsonOption = False) -> None:
    """List the campaigns, the newest first."""
    with opened.house() as house, house.store.reading() as session:
        found = campaigns.all(session)
        titles = {group.id: group.name for group in lists.all(session)}
    if as_json:
        show.document([_brief(campaign, titles[campaign.list_id]) for campaign in found])
    elif found:
        rows = [
            (campaign.name, campaign.state.value, titles[campaign.list_id], _when(campaign), campaign.reason or "")
            for campaign in found
        ]
        show.table(("name", "state", "list", "when", "why"), rows)
    else:
        show.note("There is no campaign yet. Make one with `outreach campaign create ARTICLE --list NAME`.")


def show_one(name: NameArgument, as_json: show.JsonOption = False) -> None:
    """Show what a campaign says and where it stands."""
    with opened.house() as house:
        with house.store.reading() as session:
            campaign = campaigns.by_name(session, name)
        facts = _facts(house.store, campaign, materials.defaults(house.settings))
    if as_json:
        show.document(facts)
        return
    facts["warnings"] = [warning["message"] for warning in facts["warnings"] or ()]
    facts["accepted"] = [warning["code"] for warning in facts["accepted"] or ()]
    facts["approval"] = show.approval(facts["approval"])
    for label, value in facts.items():
        if value not in (None, [], ""):
            show.line(f"{label + ':':<14} {', '.join(value) if isinstance(value, list) else value}")


def update(
    name: NameArgument,
    *,
    article: Annotated[str | None, typer.Option("--article", help="Replace the article by this file or name.")] = None,
    list_name: Annotated[str | None, typer.Option("--list", metavar="NAME", help="Send it to this list.")] = None,
    subject: SubjectOption = None,
    sender: FromOption = None,
    reply_to: ReplyToOption = None,
    layout: Annotated[str | None, typer.Option("--layout", help="Replace the layout by this one.")] = None,
    public: Annotated[bool | None, typer.Option("--public/--private", help=PUBLIC, show_default=False)] = None,
    as_json: show.JsonOption = False,
) -> None:
    """Replace what is given, as long as the campaign was not launched; files are read anew.

    Whether it is public can be changed at any time.
    """
    if not any((article, list_name, subject, sender, reply_to, layout)) and public is None:
        raise typer.BadParameter("say what to change, such as --article FILE or --subject TEXT")
    with opened.house() as house:
        with house.store.reading() as session:
            campaign = campaigns.by_name(session, name)
        new_article = materials.article(house.settings, article) if article else None
        found = materials.layout(house.settings, layout) if layout else None
        new_layout = (found.name, found.sources) if found else None
        changed = draft.update(
            house.store,
            _number(campaign),
            Draft(new_article, new_layout, list_name, subject, sender, reply_to, public),
            defaults=materials.defaults(house.settings),
            now=datetime.now(UTC),
        )
        facts = _facts(house.store, changed, materials.defaults(house.settings))
    if as_json:
        show.document(facts)
    else:
        show.line(f"Updated the campaign {name}.")


def delete(name: NameArgument) -> None:
    """Delete a campaign that was never launched."""
    with opened.house() as house:
        with house.store.reading() as session:
            campaign = campaigns.by_name(session, name)
        draft.delete(house.store, _number(campaign), now=datetime.now(UTC))
    show.line(f"Deleted the campaign {name}.")


def _number(campaign: Campaign) -> int:
    assert campaign.id is not None
    return campaign.id


def _when(campaign: Campaign) -> str:
    """The time that matters to a person: when it was launched, else when it will be."""
    zone = campaign.timezone or "UTC"
    if campaign.launched_at is not None:
        return f"launched {shown(campaign.launched_at, zone)}"
    if campaign.due_at is None:
        return ""
    return f"{'next ' if campaign.cron else ''}{shown(campaign.due_at, zone)}"


def _brief(campaign: Campaign, list_name: str) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "state": campaign.state.value,
        "reason": campaign.reason,
        "list": list_name,
        "article": campaign.article_name,
        "layout": campaign.layout_name,
        "public": campaign.public,
        "due_at": _iso(campaign.due_at),
        "launched_at": _iso(campaign.launched_at),
        "finished_at": _iso(campaign.finished_at),
    }


def _facts(store: Store, campaign: Campaign, defaults: Defaults) -> dict[str, Any]:
    approval = approve.standing(store, campaign, defaults=defaults, now=datetime.now(UTC))
    with store.reading() as session:
        brief = _brief(campaign, lists.by_id(session, campaign.list_id).name)
        runs = [run.name for run in campaigns.runs(session, _number(campaign))]
        parent = campaigns.by_id(session, campaign.parent_id).name if campaign.parent_id else None
    return {
        **brief,
        "subject": campaign.subject,
        "from": campaign.sender,
        "reply_to": campaign.reply_to,
        "at": campaign.wall_time,
        "cron": campaign.cron,
        "timezone": campaign.timezone,
        "not_after": _iso(campaign.not_after),
        "created_at": _iso(campaign.created_at),
        "run_of": parent,
        "runs": runs,
        "warnings": campaign.warnings,
        "accepted": campaign.accepted,
        "approval": approval and approval.as_dict(),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
