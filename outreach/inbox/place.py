"""Where does mail wait for us on a server? `OUTREACH_IMAP_URL` as a value."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

#: The folder that handled messages are moved to.
HANDLED = "Outreach"
#: What to write instead of a folder, to have them deleted.
DELETE = "delete"

_EXAMPLE = "imaps://user:password@mail.clinic.example/INBOX"
_OPTIONS = ("tls", "handled")


class Tls(StrEnum):
    """How the connection is secured."""

    OFF = "off"  # on this machine alone
    REQUIRED = "required"  # STARTTLS with a verified certificate
    IMPLICIT = "implicit"  # TLS from the first byte (imaps://), verified


@dataclass(frozen=True, slots=True)
class Place:
    """A folder on an IMAP server, and what becomes of a message there once it is handled."""

    host: str
    port: int
    tls: Tls
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    #: The folder that it is moved to; None deletes it.
    handled: str | None = HANDLED

    def __str__(self) -> str:
        return f"{'imaps' if self.tls is Tls.IMPLICIT else 'imap'}://{self.host}:{self.port}/{self.folder}"


def parse(url: str) -> Place:
    """`imaps://user:password@host/INBOX?handled=Outreach`; `?handled=delete` deletes, imap:// is STARTTLS.

    `?tls=off` is for a server on this machine. Raises ValueError saying what would be right; the message never holds
    the password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username or parts.password is None:
        raise ValueError(f"it must name server, user and password, such as {_EXAMPLE}")
    try:
        port = parts.port or (993 if parts.scheme == "imaps" else 143)
    except ValueError:
        raise ValueError("its port is not a number from 1 to 65535") from None
    options = _options(parts.query)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    handled = options.get("handled", HANDLED)
    for name in (folder, handled):
        if not (name.isascii() and name.isprintable()):
            raise ValueError("a folder's name must be of printable ASCII")
    if folder == handled:
        raise ValueError("what is handled must go to another folder than the one that it waits in")
    tls = _tls(parts.scheme, options.get("tls", ""), parts.hostname)
    moved_to = None if handled == DELETE else handled
    return Place(parts.hostname, port, tls, unquote(parts.username), unquote(parts.password), folder, moved_to)


def _options(query: str) -> dict[str, str]:
    given = {name: values[-1].strip() for name, values in parse_qs(query, keep_blank_values=True).items()}
    unknown = sorted(set(given) - set(_OPTIONS))
    if unknown:
        raise ValueError(f"it has an option {unknown[0]!r} that means nothing; there are {', '.join(_OPTIONS)}")
    if given.get("handled") == "":
        raise ValueError("handled= names no folder; write one, or delete")
    return given


def _tls(scheme: str, wanted: str, host: str) -> Tls:
    if wanted not in {"", "off", "required"} or (scheme == "imaps" and wanted == "off"):
        raise ValueError("tls is verified; only imap:// to this machine may say ?tls=off")
    if wanted == "off" and not _is_loopback(host):
        raise ValueError("a password travels only over verified TLS; leave ?tls=off away")
    if scheme == "imaps":
        return Tls.IMPLICIT
    return Tls.OFF if wanted == "off" else Tls.REQUIRED


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
