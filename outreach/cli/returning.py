"""What does the doctor see of mail that comes back? Whether it can come in, and what of it waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from outreach import address
from outreach.cli import asking
from outreach.config import Settings
from outreach.diagnosis.finding import Finding, State
from outreach.errors import OutreachError
from outreach.house import open_house
from outreach.inbox import place
from outreach.inbox.imap import Imap
from outreach.store import reports

#: How far back reports without a token are told of.
LATELY = timedelta(days=30)


def examine(settings: Settings, sender: str | None) -> Iterator[Finding]:
    """Whether bounces and complaints can come in, and what waits of them; `sender` is the domain that mail is from."""
    if settings.hooks:
        yield from _hooks(settings)
    else:
        yield _way_back(settings)
    if settings.return_path is not None and sender is not None:
        domain = address.parse(settings.return_path).domain
        if domain.split(".")[-2:] != sender.split(".")[-2:]:  # as `Signer.aligns_with` has it
            words = f"Bounces come back to {domain}, but mail is from {sender}: SPF counts nothing for DMARC."
            yield Finding("reports", State.WARNING, words, f"Take a return path at {sender} or below it.")
    if settings.maildir is not None and not (settings.maildir / "new").is_dir():
        words = f"OUTREACH_MAILDIR is {str(settings.maildir)!r}: that is no Maildir."
        yield Finding("reports", State.FAULT, words, "Name a folder with new/ and cur/ that your mail server fills.")
    if settings.imap_url is not None:
        yield _mailbox(settings)
    yield from _collected(settings)


def _way_back(settings: Settings) -> Finding:
    """Whether what comes back has an address, and the address somebody who looks."""
    if settings.return_path is None:
        words = "Bounces go back to the sender's own address, and nobody counts them."
        remedy = "Set OUTREACH_RETURN_PATH, such as bounces@DOMAIN, and OUTREACH_INBOX, OUTREACH_MAILDIR or "
        return Finding("reports", State.WARNING, words, f"{remedy}OUTREACH_IMAP_URL.")
    if not settings.takes_reports:
        words = f"Bounces come back to {settings.return_path}, but nothing takes them in here."
        remedy = "Set OUTREACH_INBOX, OUTREACH_MAILDIR or OUTREACH_IMAP_URL, or feed files to `outreach reports read`."
        return Finding("reports", State.WARNING, words, remedy)
    return Finding("reports", State.OK, f"Bounces come back to {settings.return_path}, and are taken in.")


def _mailbox(settings: Settings) -> Finding:
    """Whether the mailbox can be opened; nothing in it is touched."""
    assert settings.imap_url is not None
    there = place.parse(settings.imap_url.get_secret_value())
    try:
        n = Imap(there).waiting()
    except OutreachError as error:
        return Finding("reports", State.FAULT, error.message, error.hint or "")
    return Finding("reports", State.OK, f"The mailbox {there} can be opened; {n:,} messages wait there.")


def _hooks(settings: Settings) -> Iterator[Finding]:
    """The providers that may tell by webhook; whether they do is seen in `outreach reports ls`."""
    local = asking.is_local(urlsplit(settings.public_url).hostname or "")
    for name in settings.hooks:
        where = f"{settings.public_url.rstrip('/')}/hooks/{name}"
        if local:
            remedy = "Set OUTREACH_PUBLIC_URL to the address under which the world reaches `outreach run`."
            yield Finding("reports", State.WARNING, f"{where} is out of the provider's reach.", remedy)
        elif name == "ses" and settings.return_path is None:
            words = f"SES tells of no message which it was, unless its original headers are included, at {where}."
            remedy = "Set OUTREACH_RETURN_PATH, at a domain that SES has verified."
            yield Finding("reports", State.WARNING, words, remedy)
        else:
            yield Finding("reports", State.OK, f"What a provider tells is taken at {where}.")


def _collected(settings: Settings) -> Iterator[Finding]:
    try:
        house = open_house(settings)
    except OutreachError:  # told already
        return
    now = datetime.now(UTC)
    with closing(house), house.store.reading() as session:
        unclear, unproved = reports.unclear(session), reports.unproved_since(session, now - LATELY)
    if unclear:
        words = f"{unclear:,} reports came back that nobody could make out."
        yield Finding("reports", State.WARNING, words, "Look at them: `outreach reports ls --unclear`.")
    if unproved:
        words = f"{unproved:,} bounces or complaints of the last {LATELY.days} days had no token, and changed nothing."
        remedy = (
            "If they are about your mail, a server on the way changes the return path, or drops what is behind a +."
        )
        yield Finding("reports", State.WARNING, words, remedy)
