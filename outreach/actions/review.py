"""Look at a campaign before anybody gets it: as files, as a test mail, and for faults. Nothing of it is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from outreach import address
from outreach.actions import compose, specimen
from outreach.actions.compose import Defaults
from outreach.address import Address
from outreach.errors import ArticleError, OutreachError, SettingsError, TemplateError
from outreach.language import Language
from outreach.message import check as preflight
from outreach.message import compile as compiler
from outreach.message import splice
from outreach.message.article import Article
from outreach.message.check import Fault, Severity
from outreach.message.compiled import Compiled
from outreach.message.headers import Identity
from outreach.message.recipient import Recipient
from outreach.replies.smtp import Stage
from outreach.store import campaigns, lists, subscribers, suppressions
from outreach.store.campaigns import Campaign
from outreach.store.database import Store
from outreach.store.lists import MailingList, Tracking
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Outcome, Outgoing, Transport

#: What a test mail's subject begins with.
TEST_MARK = "[Test] "
#: What stands in for a link role without URL, and for a sender whom nobody named, so that the rest can be looked at.
STAND_IN_URL = "https://example.com/"
STAND_IN_SENDER = "Nobody <nobody@example.com>"
#: Makes the links of a specimen that nobody gets, and that is always the same: they need no key of ours.
SPECIMENS = TokenMaker(KeyRing(b"the key of mail that nobody gets"))


@dataclass(frozen=True)
class Preview:
    """The files that a preview wrote, and whose mail they show."""

    html: Path
    text: Path
    message: Path
    recipient: str


@dataclass(frozen=True)
class Tried:
    """What became of one test mail."""

    email: str
    accepted: bool
    #: What the relay said, or why nothing left.
    answer: str


@dataclass(frozen=True)
class Specimen:
    """The mail of a campaign as a person who does not exist would get it."""

    #: As it would leave, links counted where the list's are.
    message: bytes
    #: Its HTML with plain links.
    html: str
    identity: Identity
    #: The links of its own.
    unsubscribe: str
    #: Link roles that lead nowhere yet, for which a stand-in was put.
    stands_in: bool


def preview(
    store: Store, name: str, *, folder: Path, email: str | None, defaults: Defaults, tokens: TokenMaker, now: datetime
) -> Preview:
    """Write NAME.html, NAME.txt and NAME.eml as one recipient gets them; links are plain.

    The recipient is the subscriber with that address (NotFound where there is none), else a person who does not exist.
    """
    draft = _Draft.of(store, name, defaults)
    recipient = specimen.somebody()
    if email is not None:
        with store.reading() as session:
            recipient = specimen.recipient(subscribers.require(session, email))
    stamp = specimen.stamp(tokens, defaults.public_url, draft.domain)
    data = splice.message(draft.compiled(now), recipient, stamp)
    mail = specimen.opened(data)
    _write(folder, {f"{name}.html": mail.html.encode(), f"{name}.txt": mail.text.encode(), f"{name}.eml": data})
    return Preview(folder / f"{name}.html", folder / f"{name}.txt", folder / f"{name}.eml", recipient.email)


def made(
    store: Store,
    name: str,
    *,
    defaults: Defaults,
    tokens: TokenMaker,
    now: datetime,
    sign: Callable[[bytes], bytes] = bytes,
) -> Specimen:
    """A specimen to try on others; its links belong to no delivery. Raises what hinders the mail from being made."""
    draft = _Draft.of(store, name, defaults)
    whole = draft.without_dead_roles()
    stamp = specimen.stamp(tokens, defaults.public_url, draft.domain)
    tracked, plain = (
        splice.message(whole.compiled(now, tracked=counted), specimen.somebody(), stamp)
        for counted in (draft.mailing_list.tracking is not Tracking.OFF, False)
    )
    html = specimen.opened(plain).html
    return Specimen(sign(tracked), html, draft.identity, stamp.unsubscribe, bool(draft.article.dead_roles))


def send_test(
    store: Store,
    name: str,
    emails: Sequence[str],
    *,
    transport: Transport,
    defaults: Defaults,
    tokens: TokenMaker,
    now: datetime,
    return_path: str | None = None,
    sign: Callable[[bytes], bytes] = bytes,
) -> list[Tried]:
    """Send the mail to these addresses, its subject marked; neither lists nor figures are touched.

    Links are plain, and the unsubscribe link leads to a page that says that this was a test. A subscriber's mail has
    their own values, anybody else's made-up ones. Raises AddressError before anything is sent, and TransportError
    where the relay cannot be used at all.
    """
    targets = [address.parse(email) for email in emails]
    draft = _Draft.of(store, name, defaults, mark=TEST_MARK)
    compiled = draft.compiled(now)
    sender = return_path or str(draft.identity.sender.address)
    outgoing: list[Outgoing | Tried] = []
    for target in targets:
        recipient = _reader(store, target)
        if isinstance(recipient, Tried):
            outgoing.append(recipient)
            continue
        stamp = specimen.stamp(tokens, defaults.public_url, draft.domain)
        data = sign(splice.message(compiled, recipient, stamp))
        outgoing.append(Outgoing(0, sender, str(target), data, target.needs_smtputf8))
    return asyncio.run(_sent(transport, outgoing))


def check(store: Store, name: str, *, defaults: Defaults, now: datetime, tokens: TokenMaker = SPECIMENS) -> list[Fault]:
    """Everything that is wrong with a campaign, errors first; an empty list when it may go out.

    The same campaign gives the same words each time, so that a warning which was accepted is known again.
    """
    found = dict.fromkeys(_faults(store, name, defaults, tokens, now))
    return sorted(found, key=lambda fault: fault.severity is not Severity.ERROR)


@dataclass(frozen=True)
class _Draft:
    """A campaign that is ready to be compiled."""

    campaign: Campaign
    mailing_list: MailingList
    article: Article
    identity: Identity
    language: Language

    @classmethod
    def of(cls, store: Store, name: str, defaults: Defaults, *, mark: str = "") -> _Draft:
        """Look it up and read it; raises NotFound, ArticleError or SettingsError."""
        with store.reading() as session:
            campaign = campaigns.by_name(session, name)
            mailing_list = lists.by_id(session, campaign.list_id)
        article = compose.article(campaign, defaults)
        identity = compose.identity(campaign, article, mailing_list, defaults)
        language = defaults.languages.best([article.language])
        return cls(campaign, mailing_list, article, replace(identity, subject=mark + identity.subject), language)

    @property
    def domain(self) -> str:
        """The domain that the mail is from."""
        return self.identity.sender.address.domain

    def compiled(self, now: datetime, *, tracked: bool = False) -> Compiled:
        """The campaign, compiled; raises TemplateError or CompileError."""
        layout = compose.layout(self.campaign)
        return compiler.campaign(self.article, layout, self.identity, date=now, tracked=tracked, language=self.language)

    def without_dead_roles(self) -> _Draft:
        """The same with a stand-in for every link role that has no URL."""
        links = {**self.article.links, **dict.fromkeys(self.article.dead_roles, STAND_IN_URL)}
        return replace(self, article=replace(self.article, links=links))


def _faults(store: Store, name: str, defaults: Defaults, tokens: TokenMaker, now: datetime) -> Iterator[Fault]:
    """Faults in the order in which they hinder; one that hides all others ends the search."""
    try:
        draft = _Draft.of(store, name, defaults)
    except SettingsError as error:
        yield _error("no-sender", error)
        defaults = replace(defaults, sender=STAND_IN_SENDER, reply_to=None)
    except ArticleError as error:
        yield _error("article", error)
        return
    try:
        draft = _Draft.of(store, name, defaults)
        whole = draft.without_dead_roles()
        plain = whole.compiled(now)
        tracked = whole.compiled(now, tracked=draft.mailing_list.tracking is not Tracking.OFF)
    except SettingsError:  # an address of the campaign itself, told already
        return
    except TemplateError as error:
        yield _error("template", error)
        return
    yield from _faults_of_mail(draft, plain, tracked, defaults, tokens)
    yield from _faults_of_list(store, draft, plain)


def _faults_of_mail(
    draft: _Draft, plain: Compiled, tracked: Compiled, defaults: Defaults, tokens: TokenMaker
) -> Iterator[Fault]:
    stamp = specimen.stamp(tokens, defaults.public_url, draft.domain)
    mail, counted = (
        specimen.opened(splice.message(compiled, specimen.somebody(), stamp)) for compiled in (plain, tracked)
    )
    yield from preflight.faults(
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        unsubscribe=stamp.unsubscribe,
        public_url=defaults.public_url,
        postal_address=defaults.postal_address,
        size=max(len(mail.html.encode()), len(counted.html.encode())),
        dead_roles=draft.article.dead_roles,
        sender=str(draft.identity.sender.address),
        reply_to=str(draft.identity.reply_to.address) if draft.identity.reply_to else "",
        relays=defaults.rules.relays,
        wording=defaults.rules.wording,
    )


def _faults_of_list(store: Store, draft: _Draft, compiled: Compiled) -> Iterator[Fault]:
    with store.reading() as session:
        missing = subscribers.missing(session, draft.campaign.list_id, sorted(compiled.required))
    for field, (count, _) in missing.items():  # the example is a person: it stands in no reason that is kept
        message = (
            f"{field!r} is printed without a fallback, and {count:,} of the list {draft.mailing_list.name!r} have "
            f"none: write {{{{ {field} | fallback('...') }}}}."
        )
        yield Fault(Severity.ERROR, "missing-value", message)


def _error(code: str, error: OutreachError) -> Fault:
    return Fault(Severity.ERROR, code, " ".join(filter(None, (error.message, error.hint))))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise OutreachError(f"The preview cannot be written to {folder}: {error.strerror}.") from error


def _reader(store: Store, target: Address) -> Recipient | Tried:
    """Whose values the mail to an address has; an address that is never mailed is not tried either."""
    with store.reading() as session:
        suppression = suppressions.find(session, target.key)
        known = subscribers.by_email(session, str(target))
    if suppression is not None:
        return Tried(str(target), False, f"it is suppressed ({suppression.reason.value}) and never mailed")
    return replace(specimen.recipient(known) if known else specimen.somebody(), email=str(target))


async def _sent(transport: Transport, outgoing: Sequence[Outgoing | Tried]) -> list[Tried]:
    """Send one after the other, so that the answers stand in the order of the addresses."""
    return [mail if isinstance(mail, Tried) else _tried(mail, await transport.send_one(mail)) for mail in outgoing]


def _tried(mail: Outgoing, outcome: Outcome) -> Tried:
    if outcome.reply is None:
        return Tried(mail.recipient, False, outcome.detail or "the connection ended without an answer")
    accepted = outcome.reply.is_positive and outcome.stage is Stage.BODY
    return Tried(mail.recipient, accepted, str(outcome.reply))
