"""Where do messages go, and how is the way there secured? `OUTREACH_SMTP_URL` as a value."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from outreach.address import domain_of
from outreach.errors import AddressError


class Tls(StrEnum):
    """How a connection to the relay is secured."""

    OFF = "off"
    OPPORTUNISTIC = "opportunistic"  # STARTTLS where offered, certificate not checked
    REQUIRED = "required"  # STARTTLS with a verified certificate, or nothing is sent
    IMPLICIT = "implicit"  # TLS from the first byte (smtps://), verified


@dataclass(frozen=True, slots=True)
class Relay:
    """A server that we hand messages to."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{'smtps' if self.tls is Tls.IMPLICIT else 'smtp'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that messages are written to as .eml files instead of being sent."""

    path: Path


def parse(url: str) -> Relay | Folder:
    """`smtp://user:pass@host:587?tls=required`, `smtps://host`, or `folder:path/to/outbox`.

    Without `?tls=`, smtp:// is opportunistic, and required where a password would travel. Raises ValueError saying
    what would be right; the message never holds the password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme == "folder":
        if not parts.netloc + parts.path:
            raise ValueError("it names no folder; write folder:PATH, such as folder:outbox")
        return Folder(Path(unquote(parts.netloc + parts.path)))
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("it must begin with smtp://, smtps:// or folder:, such as smtp://user:password@host:587")
    if not parts.hostname:
        raise ValueError("it names no host; write smtp://host:port")
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587 if parts.username else 25)
    except ValueError:
        raise ValueError("its port is not a number from 1 to 65535") from None
    user = unquote(parts.username) if parts.username else None
    tls = _tls(parts.scheme, parts.query, authenticates=user is not None)
    if user is not None and tls in {Tls.OFF, Tls.OPPORTUNISTIC} and not _is_loopback(parts.hostname):
        raise ValueError("a password travels only over verified TLS; use smtps:// or ?tls=required")
    return Relay(parts.hostname, port, tls, user, unquote(parts.password) if parts.password else None)


def _tls(scheme: str, query: str, *, authenticates: bool) -> Tls:
    options = parse_qs(query, keep_blank_values=True)
    unknown = sorted(set(options) - {"tls"})
    if unknown:
        raise ValueError(f"it has an option {unknown[0]!r} that means nothing; the one there is, is tls")
    wanted = options.get("tls", [""])[-1]
    if scheme == "smtps":
        if wanted:
            raise ValueError("smtps:// is TLS from the first byte; leave ?tls= away")
        return Tls.IMPLICIT
    if not wanted:
        return Tls.REQUIRED if authenticates else Tls.OPPORTUNISTIC
    if wanted not in {"off", "opportunistic", "required"}:
        raise ValueError(f"tls={wanted} means nothing; write off, opportunistic or required")
    return Tls(wanted)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hello_name(public_url: str, *addresses: str | None) -> str | None:
    """The name to greet relays with (RFC 5321 4.1.4): of the public web address, else of one of these mail addresses.

    From settings alone: the name of the machine may be an inner one that nobody should see. None where the settings
    hold no full name; the greeting is then the connection's own address.
    """
    hosts = [urlsplit(public_url).hostname or "", *(text.rpartition("@")[2].rstrip("> ") for text in addresses if text)]
    for host in hosts:
        try:
            return domain_of(host)
        except AddressError:
            continue
    return None
