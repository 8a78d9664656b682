"""Who sends, as receivers see it? What the settings, and a campaign, say of it, put together for `diagnosis.sender`."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from outreach import address, materials
from outreach.address import Mailbox
from outreach.config import Settings
from outreach.diagnosis.dkim import Expected
from outreach.diagnosis.sender import Sender
from outreach.errors import AddressError, SettingsError
from outreach.transport.relay import Folder, hello_name


def sender(settings: Settings, mail_from: Mailbox | None = None, reply_to: Mailbox | None = None) -> Sender | None:
    """The sender of the settings, or of a campaign; None where nobody is named.

    Mail to a folder leaves for nobody, so nobody is greeted.
    """
    try:
        mail_from = mail_from or (address.parse_mailbox(settings.sender) if settings.sender else None)
        reply_to = reply_to or (address.parse_mailbox(settings.reply_to) if settings.reply_to else None)
    except AddressError:  # told already, by whoever looks at settings
        return None
    if mail_from is None:
        return None
    domain = mail_from.address.domain
    signs_for, keys = _keys(settings)
    relayed = not isinstance(settings.ways_out, Folder)
    return Sender(
        domain=domain,
        return_path=address.parse(settings.return_path).domain if settings.return_path else domain,
        reply_to=reply_to.address.domain if reply_to else "",
        signer=signs_for,
        keys=keys,
        addresses=settings.sending_addresses,
        hello=(hello_name(settings.public_url, settings.return_path, settings.sender) or "") if relayed else "",
        public_host=public_host(settings),
    )


def public_host(settings: Settings) -> str:
    """The host that readers reach, where it is a name; "" where only this machine can follow it."""
    host = urlsplit(settings.public_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "" if is_local(host) else host
    return ""


def is_local(host: str) -> bool:
    """Whether only this machine can reach a host of that name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _keys(settings: Settings) -> tuple[str | None, tuple[Expected, ...]]:
    try:
        signer = materials.signer(settings)
    except SettingsError:  # told already, of the signature
        return settings.dkim_domain, ()
    if signer is None:
        return None, ()
    standing = zip(signer.keys, signer.records, strict=True)
    return signer.domain, tuple(Expected(*record, signs=key in signer.signing) for key, record in standing)
