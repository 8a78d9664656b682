"""`outreach dkim ...`: make keys that sign mail, tell what the DNS must hold, change keys without a gap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from outreach import address, config, materials
from outreach.actions import create_key
from outreach.actions.create_key import Made
from outreach.cli import show
from outreach.config import Settings
from outreach.errors import AddressError, SettingsError
from outreach.message.dkimkey import DkimKey, Record

app = typer.Typer(no_args_is_help=True)

#: How long the old record stays in the DNS after the new key signs: mail waits so long at most on servers on the way
#: (RFC 5321, 4.5.4.1), and some readers' servers verify only when the mail is opened.
IN_FLIGHT = "a week"


@app.command()
def create(
    domain: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="For which domain; default: OUTREACH_DKIM_DOMAIN, or From's.")
    ] = None,
    selector: Annotated[
        str | None, typer.Option(metavar="NAME", help="The key's name in the DNS; default: by the month.")
    ] = None,
    *,
    ed25519: Annotated[bool, typer.Option("--ed25519", help="Also an Ed25519 key, which signs beside it.")] = False,
) -> None:
    """Make a key that signs mail (RSA, 2048 bits), and tell what to publish and what to set."""
    settings = config.load()
    made = _made(settings, _domain(settings, domain), selector, ed25519=ed25519)
    _tell_records(made)
    show.line("Then, on each host that sends (with the same files):")
    show.line(f"  export OUTREACH_DKIM_DOMAIN={_domain(settings, domain)}")
    show.line(f"  {_setting(_pairs(settings, made))}")
    show.line("`outreach doctor` tells how mail is signed.")


@app.command("show")
def show_all(as_json: show.JsonOption = False) -> None:
    """Show the keys that are set: which of them sign, and what the DNS must hold for each."""
    settings = config.load()
    signer = materials.signer(settings)
    keys = [] if signer is None else list(zip(signer.keys, signer.records, settings.dkim, strict=True))
    signing = () if signer is None else signer.signing
    told = [_told(key, record, file, key in signing) for key, record, (_, file) in keys]
    if as_json:
        show.document({"domain": settings.dkim_domain, "keys": told})
        return
    if not told:
        show.line("No key is set: mail leaves here unsigned. `outreach dkim create` makes one.")
    for each in told:
        show.line(
            f"{each['selector']} ({each['kind']}) {'signs' if each['signs'] else 'does not sign'}; {each['file']}"
        )
        show.line(f"  {each['line']}")


@app.command()
def rotate(
    selector: Annotated[
        str | None, typer.Option(metavar="NAME", help="The new key's name in the DNS; default: by the month.")
    ] = None,
) -> None:
    """Make the key that is to sign next, and tell the three steps by which it takes over without a gap."""
    settings = config.load()
    signer = materials.signer(settings)
    if signer is None:
        raise SettingsError("No DKIM key is set, so there is none to change.", hint="Run: outreach dkim create")
    made = _made(settings, signer.domain, selector, ed25519=len(signer.signing) > 1)
    new = [(each.key.selector, each.file) for each in made]
    now, were = list(settings.dkim), {key.selector for key in signer.signing}
    old = [(name, file) for name, file in now if name in were]
    show.line("1. Let it stand in the DNS beside the old one.")
    _tell_records(made)
    show.line("   On each host that sends (with the same files); the old key goes on signing:")
    show.line(f"  {_setting([*now, *new])}{_unset(settings)}")
    show.line(
        "2. When every name server has it (an hour is enough where its time to live is less), let the new key sign:"
    )
    show.line(f"  {_setting([*new, *old])}")
    show.line("   Hosts may change one after the other: what either key has signed verifies.")
    show.line(f"3. {IN_FLIGHT.capitalize()} later, when no mail of the old key is on its way, take the old one out:")
    show.line(f"  {_setting(new)}")
    for name, _ in old:
        show.line(
            f"   and out of the DNS: {name}._domainkey.{signer.domain}. Keep its file where proofs are asked for."
        )


def _made(settings: Settings, domain: str, selector: str | None, *, ed25519: bool) -> list[Made]:
    if selector is not None and not config.is_selector(selector):
        raise typer.BadParameter("It is a name of letters, digits, hyphens and dots, such as s2026.")
    folder = (settings.home / "dkim").absolute()
    taken = {name for name, _ in settings.dkim}
    return create_key.for_signing(folder, domain, selector, taken=taken, ed25519=ed25519, now=datetime.now(UTC))


def _domain(settings: Settings, given: str | None) -> str:
    """The domain that is meant, in A-labels."""
    try:
        if given is not None:
            return address.domain_of(given)
        if settings.dkim_domain is not None:
            return settings.dkim_domain
        if settings.sender is not None:
            return address.parse_mailbox(settings.sender).address.domain
    except AddressError as error:
        raise typer.BadParameter(f"{error}; write it as in clinic.example") from None
    raise SettingsError("For which domain is the key?", hint="Say --domain, or set OUTREACH_FROM.")


def _pairs(settings: Settings, made: Sequence[Made]) -> list[tuple[str, Path]]:
    """The keys that are set, and the new ones after them."""
    return [*settings.dkim_keys, *[(each.key.selector, each.file) for each in made]]


def _tell_records(made: Iterable[Made]) -> None:
    for each in made:
        show.line(f"Made {each.file} ({each.key.kind}). The DNS must hold:")
        show.line(f"  {each.record.line}")


def _setting(pairs: Iterable[tuple[str, Path]]) -> str:
    return f"export OUTREACH_DKIM_KEYS='{','.join(f'{name}={file}' for name, file in pairs)}'"


def _unset(settings: Settings) -> str:
    """Where the one key was set by itself, it stands in the list from now on."""
    return "" if settings.dkim_key is None else "; unset OUTREACH_DKIM_SELECTOR OUTREACH_DKIM_KEY"


def _told(key: DkimKey, record: Record, file: Path, signs: bool) -> dict[str, Any]:
    return {
        "selector": key.selector,
        "kind": key.kind,
        "algorithm": key.algorithm,
        "signs": signs,
        "file": str(file),
        "name": record.name,
        "value": record.value,
        "line": record.line,
    }
