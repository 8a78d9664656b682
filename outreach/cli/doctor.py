"""`outreach doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import typer

from outreach import address, config, wiring
from outreach.cli import holding, show
from outreach.config import Settings
from outreach.errors import AddressError, OutreachError
from outreach.house import key_file, open_house
from outreach.inbox import place
from outreach.inbox.imap import Imap
from outreach.store import holds, reports, slowdowns
from outreach.transport.base import Transport

#: How far back reports without a token are told of.
LATELY = timedelta(days=30)

#: Below this a full disk is near, in bytes.
SCARCE = 500_000_000


class State(StrEnum):
    """How one finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    state: State
    message: str
    #: What to do; "" where nothing is to be done.
    remedy: str = ""


def doctor(as_json: show.JsonOption = False) -> None:
    """Look at settings, database and relay: what is wrong, and what to do. Exit code 1 when there is a fault."""
    findings = list(examine())
    if as_json:
        show.document([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            _show(finding)
    if any(finding.state is State.FAULT for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at one part after the other; a part that cannot be looked at is a fault, not an end."""
    try:
        settings = config.load()
    except OutreachError as error:
        yield _fault("settings", error)
        return
    yield from _settings(settings)
    yield _guarded("database", _database, settings)
    yield from _pace(settings)
    yield from _relays(settings)
    yield from _reports(settings)
    yield from _signature(settings)
    yield from _home(settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    for name in config.unknown_variables():
        yield Finding("settings", State.WARNING, f"{name} is set, but nothing reads it.", "Look for a misspelling.")
    yield _sender(settings)
    yield _wanted("OUTREACH_POSTAL_ADDRESS", settings.postal_address, "mail without a postal address breaks the law")
    yield _wanted("OUTREACH_QUOTE_URL", settings.quote_url, "the shipped article has no target for its quote link")
    yield _public_url(settings.public_url)
    if settings.public_url.startswith("https://") and not settings.trusted_proxies:
        yield _untrusted_proxy()


def _sender(settings: Settings) -> Finding:
    if settings.sender is None:
        return _wanted("OUTREACH_FROM", None, "every campaign needs --from or a sender of its article")
    try:
        mailbox = address.parse_mailbox(settings.sender)
    except AddressError as error:
        return Finding("settings", State.FAULT, f"OUTREACH_FROM: {error}.", "Write: Name <name@domain>.")
    return Finding("settings", State.OK, f"Mail is from {mailbox}.")


def _wanted(name: str, value: str | None, otherwise: str) -> Finding:
    if value:
        return Finding("settings", State.OK, f"{name} is set.")
    return Finding("settings", State.WARNING, f"{name} is not set: {otherwise}.", f"Set {name}.")


def _public_url(url: str) -> Finding:
    parts = urlsplit(url)
    if _is_local(parts.hostname or ""):
        remedy = "Set OUTREACH_PUBLIC_URL to the address under which readers reach `outreach run`."
        return Finding("settings", State.WARNING, f"Links in mail lead to {url}: only this machine can follow.", remedy)
    if parts.scheme != "https":
        remedy = "Serve it over https: one-click unsubscribe (RFC 8058) wants it."
        return Finding("settings", State.WARNING, f"Links in mail lead to {url}, unencrypted.", remedy)
    return Finding("settings", State.OK, f"Links in mail lead to {url}.")


def _untrusted_proxy() -> Finding:
    """`outreach web` speaks no TLS itself, so an https address means that a proxy stands before it."""
    words = "No proxy is trusted, so all readers seem to come from one address and a busy moment looks like a machine."
    remedy = "Set OUTREACH_TRUSTED_PROXIES to the network of the web server in front, such as 127.0.0.1/32."
    return Finding("settings", State.WARNING, words, remedy)


def _database(settings: Settings) -> Finding:
    house = open_house(settings)
    try:
        place = house.store.place
        wiring.watermark(house).require()
    finally:
        house.close()
    return Finding("database", State.OK, f"{place} is of this version and belongs to this secret key.")


def _relays(settings: Settings) -> Iterator[Finding]:
    """Each relay is asked by itself: of several, one that is away is a fault too."""
    each: list[Transport] = [transport for _, transport in wiring.relays(settings)] or [wiring.transport(settings)]
    for transport in each:
        try:
            yield _relay(transport)
        except OutreachError as error:
            yield _fault("relay", error)


def _relay(transport: Transport) -> Finding:
    return Finding("relay", State.OK, asyncio.run(transport.probe()))


def _pace(settings: Settings) -> Iterator[Finding]:
    """What limits hold back today, and who asked us to slow down."""
    try:
        house = open_house(settings)
    except OutreachError:  # told already
        return
    with closing(house), house.store.reading() as session:
        found = holds.of_installation(session, settings.limits, settings.ways)
        slowed = slowdowns.rates(session)
    for hold in found:
        yield Finding("pace", State.OK if hold.left else State.WARNING, holding.words(hold, settings))
    for provider, rate in sorted(slowed.items()):
        words = f"{provider} puts messages off and gets {rate:.3g} a second until it takes more."
        yield Finding("pace", State.WARNING, words)


def _reports(settings: Settings) -> Iterator[Finding]:
    """Whether bounces and complaints can come in, and what waits of them."""
    if settings.hooks:
        yield from _hooks(settings)
    else:
        yield _way_back(settings)
    sender = _sender_domain(settings)
    if settings.return_path is not None and sender is not None:
        domain = address.parse(settings.return_path).domain
        if domain.split(".")[-2:] != sender.split(".")[-2:]:  # as `Signer.aligns_with` has it
            words = f"Bounces come back to {domain}, but mail is from {sender}: SPF counts nothing for DMARC."
            yield Finding("reports", State.WARNING, words, f"Take a return path at {sender} or below it.")
    if settings.maildir is not None and not (settings.maildir / "new").is_dir():
        words = f"OUTREACH_MAILDIR is {str(settings.maildir)!r}: that is no Maildir."
        yield Finding("reports", State.FAULT, words, "Name a folder with new/ and cur/ that your mail server fills.")
    if settings.imap_url is not None:
        yield _guarded("reports", _mailbox, settings)
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
    n = Imap(there).waiting()
    return Finding("reports", State.OK, f"The mailbox {there} can be opened; {n:,} messages wait there.")


def _hooks(settings: Settings) -> Iterator[Finding]:
    """The providers that may tell by webhook; whether they do is seen in `outreach reports ls`."""
    local = _is_local(urlsplit(settings.public_url).hostname or "")
    for name in settings.hooks:
        where = f"{settings.public_url.rstrip('/')}/hooks/{name}"
        if local:
            remedy = "Set OUTREACH_PUBLIC_URL to the address under which the world reaches `outreach run`."
            yield Finding("reports", State.WARNING, f"{where} is out of the provider's reach.", remedy)
        elif name == "ses" and settings.return_path is None:
            words = f"SES tells of no message which it was, unless its original headers are included, at {where}."
            yield Finding(
                "reports", State.WARNING, words, "Set OUTREACH_RETURN_PATH, at a domain that SES has verified."
            )
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


def _signature(settings: Settings) -> Iterator[Finding]:
    try:
        signer = wiring.signer(settings)
    except OutreachError as error:
        yield _fault("signature", error)
        return
    if signer is None or settings.dkim_key is None:
        words = "Mail leaves here unsigned (DKIM): large providers refuse or distrust it."
        remedy = "Unless the relay signs, set OUTREACH_DKIM_DOMAIN, OUTREACH_DKIM_SELECTOR and OUTREACH_DKIM_KEY."
        yield Finding("signature", State.WARNING, words, remedy)
        return
    words = f"Mail is signed for {signer.domain} (DKIM)."
    yield Finding("signature", State.OK, words, f"Its DNS must hold: {signer.record}")
    sender = _sender_domain(settings)
    if sender is not None and not signer.aligns_with(sender):
        words = f"The signature is for {signer.domain}, but mail is from {sender}: DMARC takes no account of it."
        yield Finding("signature", State.WARNING, words, f"Sign for {sender}, with a key in its DNS.")
    if _others_may_read(settings.dkim_key):
        words = f"{settings.dkim_key} can be read by other users."
        yield Finding("signature", State.FAULT, words, f"Run: chmod 600 {settings.dkim_key}")


def _sender_domain(settings: Settings) -> str | None:
    try:
        return address.parse_mailbox(settings.sender).address.domain if settings.sender else None
    except AddressError:  # told already
        return None


def _home(settings: Settings) -> Iterator[Finding]:
    try:
        if not settings.home.is_dir():
            return
    except OSError:  # told already, of the database in it
        return
    free = shutil.disk_usage(settings.home).free
    words = f"{free / 1e9:,.1f} GB are free in {settings.home}."
    if free < SCARCE:
        yield Finding("disk", State.WARNING, words, "Make room: a full disk stops sending.")
    else:
        yield Finding("disk", State.OK, words)
    key = key_file(settings)
    if key.exists() and _others_may_read(key):
        yield Finding("secret key", State.FAULT, f"{key} can be read by other users.", f"Run: chmod 600 {key}")


def _others_may_read(file: Path) -> bool:
    return bool(stat.S_IMODE(file.stat().st_mode) & 0o077)


def _guarded(part: str, look: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return look(settings)
    except OutreachError as error:
        return _fault(part, error)


def _fault(part: str, error: OutreachError) -> Finding:
    return Finding(part, State.FAULT, error.message, error.hint or "")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _show(finding: Finding) -> None:
    mark = {State.OK: "ok     ", State.WARNING: "warning", State.FAULT: "FAULT  "}[finding.state]
    show.line(f"{mark}  {finding.part}: {finding.message}")
    if finding.remedy:
        show.line(f"         {finding.remedy}")
