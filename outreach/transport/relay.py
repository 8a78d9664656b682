"""Where do messages go, and how is the way there secured? `OUTREACH_SMTP_URL` as a value."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from outreach.address import domain_of
from outreach.errors import AddressError
from outreach.timing.pace import Limit
from outreach.timing.ways import Way

#: Where one of several URLs ends and the next begins; a comma in a password is none.
_BETWEEN = re.compile(r"[\s,]+(?=(?:smtps?://|folder:))", re.IGNORECASE)


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
    #: Its share beside that of other relays; 0: it stands by until they are away.
    weight: int = 1
    limit: Limit | None = None
    #: Connections that a sender holds to it at most; None leaves it to the setting for all.
    connections: int | None = None

    @property
    def name(self) -> str:
        """The relay as records and the pace name it."""
        return f"{self.host}:{self.port}"

    @property
    def way(self) -> Way:
        """The relay as the pace knows it."""
        return Way(self.name, self.weight, self.limit)

    def __str__(self) -> str:
        return f"{'smtps' if self.tls is Tls.IMPLICIT else 'smtp'}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that messages are written to as .eml files instead of being sent."""

    path: Path


def split(text: str) -> list[str]:
    """The URLs of one or several relays, between them white space or commas."""
    return _BETWEEN.split(text.strip())


def parse_all(text: str) -> tuple[Relay, ...] | Folder:
    """One or several relays, between them white space or commas, or one folder; see `parse`. Raises ValueError."""
    found = [parse(url) for url in split(text)]
    relays = tuple(one for one in found if isinstance(one, Relay))
    if len(relays) < len(found):
        if len(found) == 1 and isinstance(found[0], Folder):
            return found[0]
        raise ValueError("a folder stands alone; name relays only, or one folder")
    names = [relay.name for relay in relays]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"it names {twice} twice; write each relay once, with ?weight= for a larger share")
    return relays


def parse(url: str) -> Relay | Folder:
    """`smtp://user:pass@host:587?tls=required`, `smtps://host`, or `folder:path/to/outbox`.

    Options: `tls`, and `weight=3`, `rate=50/s,10000/d`, `connections=10` of a relay. Without `?tls=`, smtp:// is
    opportunistic, and required where a password would travel. Raises ValueError saying what would be right; the
    message never holds the password.
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
    options = _options(parts.query)
    user = unquote(parts.username) if parts.username else None
    tls = _tls(parts.scheme, options.get("tls", ""), authenticates=user is not None)
    if user is not None and tls in {Tls.OFF, Tls.OPPORTUNISTIC} and not _is_loopback(parts.hostname):
        raise ValueError("a password travels only over verified TLS; use smtps:// or ?tls=required")
    return Relay(
        parts.hostname,
        port,
        tls,
        user,
        unquote(parts.password) if parts.password else None,
        _number("weight", options.get("weight", "1"), 0, 1000),
        Limit.parse(options["rate"]) if "rate" in options else None,
        _number("connections", options["connections"], 1, 500) if "connections" in options else None,
    )


_OPTIONS = ("tls", "weight", "rate", "connections")


def _options(query: str) -> dict[str, str]:
    given = {name: values[-1].strip() for name, values in parse_qs(query, keep_blank_values=True).items()}
    unknown = sorted(set(given) - set(_OPTIONS))
    if unknown:
        known = ", ".join(_OPTIONS)
        raise ValueError(f"it has an option {unknown[0]!r} that means nothing; there are {known}")
    return given


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ValueError(f"{name}={text} means nothing; write a whole number from {least} to {most}")
    return int(text)


def _tls(scheme: str, wanted: str, *, authenticates: bool) -> Tls:
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
