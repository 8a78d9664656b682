"""`outreach doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from outreach import address, config, materials, wiring
from outreach.actions import rehearse, specimen
from outreach.cli import asking, holding, returning, show
from outreach.config import Settings
from outreach.diagnosis.finding import Finding, State
from outreach.errors import AddressError, OutreachError
from outreach.house import key_file, open_house
from outreach.store import holds, slowdowns
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Transport

#: Seconds that a relay gets to greet us: a sender is more patient.
PATIENCE = 10.0

#: Below this a full disk is near, in bytes.
SCARCE = 500_000_000


def doctor(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither the DNS nor the public URL.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Look at settings, database, relay and DNS: what is wrong, what to do. Exit code 1 when there is a fault."""
    findings = list(examine(online=not offline))
    if as_json:
        keys = ("part", "state", "message", "remedy")
        show.document([{key: getattr(finding, key) for key in keys} for finding in findings])
    else:
        for finding in findings:
            _show(finding)
    if any(finding.state is State.FAULT for finding in findings):
        raise typer.Exit(1)


def examine(*, online: bool = False) -> Iterator[Finding]:
    """Look at one part after the other; a part that cannot be looked at is a fault, not an end.

    Only with `online` more is asked than the relay: the DNS, and the public URL.
    """
    try:
        settings = config.load()
    except OutreachError as error:
        yield _fault("settings", error)
        return
    with ThreadPoolExecutor(1) as beside:  # the slow questions begin first, while everything else is looked at
        world = beside.submit(_world, settings) if online else None
        yield from _settings(settings)
        yield _guarded("database", _database, settings)
        yield from _pace(settings)
        yield from _relays(settings)
        yield from returning.examine(settings, _sender_domain(settings))
        yield from _signature(settings)
        yield from _home(settings)
        yield from world.result() if world else ()


def _settings(settings: Settings) -> Iterator[Finding]:
    for name in config.unknown_variables():
        yield Finding("settings", State.WARNING, f"{name} is set, but nothing reads it.", "Look for a misspelling.")
    yield _sender(settings)
    yield _wanted("OUTREACH_POSTAL_ADDRESS", settings.postal_address, "mail without a postal address breaks the law")
    yield _guarded("settings", _wording, settings)
    yield _wanted("OUTREACH_QUOTE_URL", settings.quote_url, "the shipped article has no target for its quote link")
    yield _public_url(settings.public_url)
    if settings.public_url.startswith("https://") and not settings.trusted_proxies:
        yield _untrusted_proxy()
    yield from _logo(settings)


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


def _wording(settings: Settings) -> Finding:
    sections = materials.wording(settings).sections.values()
    rules = sum(len(section.never) + len(section.required) for section in sections)
    return Finding("settings", State.OK, f"{rules} rules say what mail must not hold, and what it must.")


def _public_url(url: str) -> Finding:
    parts = urlsplit(url)
    if asking.is_local(parts.hostname or ""):
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


def _logo(settings: Settings) -> Iterator[Finding]:
    folders = materials.media(settings)
    if settings.brand_logo and not any((folder / settings.brand_logo).is_file() for folder in folders):
        words = f"OUTREACH_BRAND_LOGO is {settings.brand_logo}, and no such picture is there: pages show a gap."
        yield Finding("settings", State.WARNING, words, f"Put it into {folders[0]}.")


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
        except TimeoutError:
            words = f"A relay did not answer within {PATIENCE:g} s."
            yield Finding("relay", State.FAULT, words, "Look at OUTREACH_SMTP_URL and whether the relay runs.")


def _relay(transport: Transport) -> Finding:
    return Finding("relay", State.OK, asyncio.run(asyncio.wait_for(transport.probe(), PATIENCE)))


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


def _signature(settings: Settings) -> Iterator[Finding]:
    try:
        signer = materials.signer(settings)
    except OutreachError as error:
        yield _fault("signature", error)
        return
    if signer is None:
        words = "Mail leaves here unsigned (DKIM): large providers refuse or distrust it."
        remedy = "Unless the relay signs, run `outreach dkim create`, which tells what to publish and what to set."
        yield Finding("signature", State.WARNING, words, remedy)
        return
    for key, record in zip(signer.keys, signer.records, strict=True):
        does = "signs" if key in signer.signing else "does not sign (it is to sign next, or has signed)"
        words = f"The key {key.selector} ({key.kind}) of {signer.domain} {does}."
        yield Finding("signature", State.OK, words, f"The DNS must hold: {record.line}")
    sender = _sender_domain(settings)
    if sender is not None and not signer.aligns_with(sender):
        words = f"The signature is for {signer.domain}, but mail is from {sender}: DMARC takes no account of it."
        yield Finding("signature", State.WARNING, words, f"Sign for {sender}, with a key in its DNS.")
    for _, file in settings.dkim:
        if _others_may_read(file):
            words = f"{file} can be read by other users."
            yield Finding("signature", State.FAULT, words, f"Run: chmod 600 {file}")


def _sender_domain(settings: Settings) -> str | None:
    try:
        return address.parse_mailbox(settings.sender).address.domain if settings.sender else None
    except AddressError:  # told already
        return None


def _world(settings: Settings) -> list[Finding]:
    """What the DNS says of the sender, and whether readers can leave with one click where links in mail lead."""
    return rehearse.installation(asking.sender(settings), _test_link(settings), server=settings.resolver)


def _test_link(settings: Settings) -> str | None:
    """An unsubscribe link as a test mail has it; None where there is none to try."""
    if asking.is_local(urlsplit(settings.public_url).hostname or ""):  # told already, as a setting
        return None
    try:
        with closing(open_house(settings)) as house:
            return specimen.stamp(TokenMaker(house.keys), settings.public_url, "example.org").unsubscribe
    except OutreachError:  # told already, of the database
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


def _show(finding: Finding) -> None:
    mark = {State.OK: "ok     ", State.WARNING: "warning", State.FAULT: "FAULT  "}[finding.state]
    show.line(f"{mark}  {finding.part}: {finding.message}")
    if finding.remedy:
        show.line(f"         {finding.remedy}")
