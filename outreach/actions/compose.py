"""Compile a campaign from what is stored of it: an option beats the article's front matter, which beats the setting."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from outreach import address
from outreach.address import Mailbox
from outreach.errors import AddressError, SettingsError
from outreach.language import Languages
from outreach.message import article as articles
from outreach.message import compile as compiler
from outreach.message.article import Article
from outreach.message.check.wording import Wording
from outreach.message.compiled import Compiled
from outreach.message.headers import Identity
from outreach.message.template import Layout
from outreach.store.campaigns import Campaign
from outreach.store.lists import MailingList

ENGLISH_ALONE = Languages()


@dataclass(frozen=True)
class Rules:
    """What a publisher asks of a mail before it leaves, beyond what a mail must be."""

    #: Warnings hold a campaign back until a person has accepted them.
    strict: bool = False
    #: Nothing leaves whose content nobody has approved.
    approval: bool = False
    #: What must be said, and what must not.
    wording: Wording = field(default_factory=Wording)
    #: The hosts that mail is handed to.
    relays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Defaults:
    """What the settings say where neither an option nor the article says anything."""

    sender: str | None
    reply_to: str | None
    postal_address: str
    quote_url: str | None
    #: The start of every link of ours, without a slash at its end.
    public_url: str
    #: What mails and pages can speak.
    languages: Languages = ENGLISH_ALONE
    rules: Rules = field(default=Rules(), repr=False)


def campaign(
    campaign: Campaign, mailing_list: MailingList, defaults: Defaults, *, date: datetime, tracked: bool
) -> Compiled:
    """The campaign, compiled; `date` becomes its Date header, `tracked` says whether links are counted.

    Raises ArticleError, TemplateError or CompileError with file and line, SettingsError where nobody sends.
    """
    read = article(campaign, defaults)
    who = identity(campaign, read, mailing_list, defaults)
    language = defaults.languages.best([read.language])
    return compiler.campaign(read, layout(campaign), who, date=date, tracked=tracked, language=language)


def article(campaign: Campaign, defaults: Defaults) -> Article:
    """The stored article, its empty link roles filled from the settings."""
    read = articles.parse(campaign.article, file=f"{campaign.article_name.removesuffix('.md')}.md")
    return read.with_links({"quote": defaults.quote_url})


def layout(campaign: Campaign) -> Layout:
    """The stored layout."""
    return Layout(campaign.layout_name, campaign.layout)


def identity(campaign: Campaign, article: Article, mailing_list: MailingList, defaults: Defaults) -> Identity:
    """Who sends, and about what; raises SettingsError where nobody is named, or what is named is no address."""
    sender = _mailbox("sender", campaign.sender or article.sender or defaults.sender)
    if sender is None:
        raise SettingsError(
            f"Nobody is named as the sender of {campaign.name!r}.",
            hint="Set OUTREACH_FROM, write from: in the article, or use --from 'Clinic News <news@clinic.example>'.",
        )
    return Identity(
        sender=sender,
        reply_to=_mailbox("reply-to address", campaign.reply_to or article.reply_to or defaults.reply_to),
        subject=campaign.subject or article.subject,
        postal_address=defaults.postal_address,
        list_name=mailing_list.name,
        list_title=mailing_list.title,
        public_url=defaults.public_url,
    )


def _mailbox(what: str, text: str | None) -> Mailbox | None:
    if not text:
        return None
    try:
        return address.parse_mailbox(text)
    except AddressError as error:
        raise SettingsError(
            f"The {what} {text!r} cannot be used: {error.message}.",
            hint="Write it like: Clinic News <news@clinic.example>",
        ) from error
