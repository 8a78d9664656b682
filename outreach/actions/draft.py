"""Make, change and delete campaigns that have not been launched: article and layout are stored whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from outreach.actions import compose
from outreach.actions.compose import Defaults
from outreach.errors import NameTaken, OutreachError, StateError
from outreach.message import compile as compiler
from outreach.message.compiled import Compiled
from outreach.store import campaigns, lists
from outreach.store.campaigns import Campaign, CampaignState
from outreach.store.database import Store
from outreach.store.lists import MailingList

#: What stands in for a sender and URLs that are still missing while an article is tried out.
STAND_IN = "Sender <sender@example.org>"
STAND_IN_URL = "https://example.org/"

#: Names stand in commands and file names; a run adds -YYYYMMDD-HHMM to it.
LONGEST_NAME = 80
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")

#: What the table keeps of each, in characters.
LONGEST = {"subject": 500, "sender": 500, "reply_to": 500, "article_name": 255, "layout_name": 255}

#: Who may still be changed or deleted, as long as it was never launched.
CHANGEABLE = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.PAUSED)


@dataclass(frozen=True)
class Draft:
    """What a person gave; None is "not given", and on an update "as it was"."""

    #: The article's name and text.
    article: tuple[str, str] | None = None
    #: The layout's name and files.
    layout: tuple[str, Mapping[str, str]] | None = None
    list_name: str | None = None
    subject: str | None = None
    sender: str | None = None
    reply_to: str | None = None
    #: Whether it goes into the archive for everybody once it is launched.
    public: bool | None = None

    def columns(self) -> dict[str, Any]:
        """The columns that this changes, apart from the list."""
        given: dict[str, Any] = {"subject": self.subject, "sender": self.sender, "reply_to": self.reply_to}
        given["public"] = self.public
        if self.article is not None:
            given["article_name"], given["article"] = self.article
        if self.layout is not None:
            given["layout_name"], given["layout"] = self.layout[0], dict(self.layout[1])
        return {column: value for column, value in given.items() if value is not None}


def create(store: Store, name: str, draft: Draft, *, defaults: Defaults, now: datetime) -> Campaign:
    """Write a campaign in state draft; `draft` holds article, layout and list.

    Article and layout are compiled once, so that a fault in them is told now, with its file and line. Nothing is
    written on a refusal: NotFound (the list), NameTaken, ArticleError, TemplateError, OutreachError for a wrong name.
    """
    _require_name(name)
    assert draft.list_name is not None, "a new campaign has a list"
    with store.reading() as session:
        mailing_list = lists.by_name(session, draft.list_name)
        if name in campaigns.names(session):
            raise NameTaken("campaign", name, hint="Give it another name with --name, or change it with update.")
    campaign = Campaign(name=name, list_id=_number(mailing_list), created_at=now, updated_at=now, **draft.columns())
    _require_storable(draft.columns())
    _try_out(campaign, mailing_list, defaults, now)
    with store.writing() as session:
        return campaigns.add(session, campaign)


def update(store: Store, campaign_id: int, draft: Draft, *, defaults: Defaults, now: datetime) -> Campaign:
    """Replace what was given of a campaign that was not launched yet; tried out first, as on creation.

    Raises StateError after the launch: what was sent stays what it was, and only the archive can have it or not.
    """
    with store.reading() as session:
        campaign = campaigns.by_id(session, campaign_id)
        if draft.public is not None and draft == Draft(public=draft.public):
            return _publish(store, campaign, draft.public, defaults, now)
        _require_changeable(campaign, "changed")
        target = lists.by_name(session, draft.list_name) if draft.list_name else lists.by_id(session, campaign.list_id)
    changes = {**draft.columns(), "list_id": _number(target)}
    _require_storable(changes)
    _try_out(Campaign(**{**campaign.model_dump(), **changes}), target, defaults, now)
    with store.writing() as session:
        _require_changeable(campaigns.locked(session, campaign_id), "changed")
        campaigns.change(session, campaign_id, now=now, **changes)
        return campaigns.by_id(session, campaign_id)


def _publish(store: Store, campaign: Campaign, public: bool, defaults: Defaults, now: datetime) -> Campaign:
    """Put a campaign into the archive, or take it out, in whatever state it is."""
    assert campaign.id is not None
    with store.reading() as session:
        mailing_list = lists.by_id(session, campaign.list_id)
    wanted = Campaign(**{**campaign.model_dump(), "public": public})
    if public:
        _try_out(wanted, mailing_list, defaults, now)
    with store.writing() as session:
        campaigns.note(session, campaign.id, public=public)
        return campaigns.by_id(session, campaign.id)


def delete(store: Store, campaign_id: int, *, now: datetime) -> None:
    """Delete a campaign that was never launched; raises StateError for any other, which keeps its figures."""
    with store.writing() as session:
        campaign = campaigns.locked(session, campaign_id)
        if campaign.launched_at is not None:
            raise StateError(
                f"Campaign {campaign.name!r} was launched, so its figures stay.",
                hint="`outreach campaign cancel` ends one that is still sending.",
            )
        if campaigns.runs(session, campaign_id):
            raise StateError(
                f"Campaign {campaign.name!r} has runs that belong to it, so it stays.",
                hint="`outreach campaign cancel` ends its schedule.",
            )
        campaigns.remove(session, campaign, now=now)


def slug(text: str) -> str:
    """A campaign name made of any text: `Spring News 2026!` -> `spring-news-2026`."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:LONGEST_NAME].rstrip("-._")


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise OutreachError(
            f"{name!r} cannot be a campaign's name.",
            hint=f"Use lower case letters, digits, hyphens and dots, at most {LONGEST_NAME}, "
            f"such as {slug(name) or 'spring-news'!r}.",
        )


def _require_storable(columns: Mapping[str, Any]) -> None:
    """Refuse what one of the databases cannot keep: values that are too long, or that are no text."""
    for column, value in columns.items():
        for text in value.values() if isinstance(value, dict) else [value]:
            longest = LONGEST.get(column)
            if isinstance(text, str) and longest is not None and len(text) > longest:
                raise OutreachError(
                    f"The {column.replace('_', ' ')} has {len(text):,} characters; {longest} is the most."
                )
            if isinstance(text, str) and not _is_text(text):
                raise OutreachError(f"The {column.replace('_', ' ')} holds characters that are no text.")


def _is_text(text: str) -> bool:
    """Whether a text has neither a NUL nor half a character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _require_changeable(campaign: Campaign, verb: str) -> None:
    if campaign.launched_at is not None or campaign.state not in CHANGEABLE:
        raise StateError(
            f"Campaign {campaign.name!r} is {campaign.state.value} and can no longer be {verb}: "
            "article, layout, list and sender are fixed at launch.",
            hint="Make another one with `outreach campaign create ... --name NAME`.",
        )


def _try_out(campaign: Campaign, mailing_list: MailingList, defaults: Defaults, now: datetime) -> None:
    """Compile what would be stored; a sender and URLs that are still missing are stood in for.

    A draft may lack them: check tells of them, and a launch refuses.
    """
    lenient = replace(defaults, sender=defaults.sender or STAND_IN)
    read = compose.article(campaign, lenient)
    whole = replace(read, links={**read.links, **dict.fromkeys(read.dead_roles, STAND_IN_URL)})
    who = compose.identity(campaign, whole, mailing_list, lenient)
    language = defaults.languages.best([whole.language])
    made = compiler.campaign(whole, compose.layout(campaign), who, date=now, tracked=True, language=language)
    if campaign.public:
        _require_for_everybody(campaign, mailing_list, made)


def _require_for_everybody(campaign: Campaign, mailing_list: MailingList, made: Compiled) -> None:
    """Refuse to make public what belongs to a private list, or cannot be written to nobody in particular."""
    if not mailing_list.public:
        raise StateError(
            f"The list {mailing_list.name!r} is private, so {campaign.name!r} cannot be public.",
            hint=f"Make it public first: `outreach list update {mailing_list.name} --public`.",
        )
    if made.required:
        field = sorted(made.required)[0]
        raise StateError(
            f"{field!r} is printed without a fallback, so {campaign.name!r} cannot be read by everybody.",
            hint=f"Write {{{{ {field} | fallback('...') }}}} in the article.",
        )


def _number(mailing_list: MailingList) -> int:
    assert mailing_list.id is not None
    return mailing_list.id
