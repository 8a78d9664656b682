"""What may a setting hold? Each kind of value, with the words that refuse what is none of that kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from outreach import address
from outreach.address import domain_of
from outreach.errors import AddressError, SettingsError
from outreach.inbox import place
from outreach.replies import returnpath, toll
from outreach.timing import duration, limits
from outreach.timing.pace import Limit
from outreach.timing.warmup import WarmUp
from outreach.tracking import token
from outreach.transport import relay

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: What a URL can be written with: anything but spaces, control characters, quotes and angle brackets.
_BARE = re.compile(r"[^\s\x00-\x20\x7f\"<>]+")
_COLOUR = re.compile(r"#(?:[0-9A-Fa-f]{3}){1,2}")
_PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*\.(?:avif|gif|jpe?g|png|svg|webp)")
#: A host and a port; an IPv6 address in brackets.
_PLACE = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s\[\]:/@]+)):(?P<port>\d{1,5})")
_TOPIC = re.compile(r"arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NO_SELECTOR = "it must be a name of letters, digits, hyphens and dots, such as s2026"


def is_selector(text: str) -> bool:
    """Whether a DKIM key can have that name."""
    return _SELECTOR.fullmatch(text) is not None


def _relays(value: SecretStr) -> SecretStr:
    relay.parse_all(value.get_secret_value())
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("it must be a web address that begins with https:// (or http://) and holds no user name")
    if parts.port == 0 or not _BARE.fullmatch(value):
        raise ValueError("it must be one web address without spaces, quotes or angle brackets")
    return value


def _start_of_links(value: str) -> str:
    if urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("it is the start of links and can have neither ? nor #")
    return value.rstrip("/")


def _listening(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "lmtp"} or not parts.hostname or not parts.port:
        raise ValueError("it must be where to listen, such as lmtp://127.0.0.1:2424 or smtp://127.0.0.1:2525")
    return value


def _mailbox_url(value: SecretStr) -> SecretStr:
    place.parse(value.get_secret_value())
    return value


def _mailbox(value: str) -> str:
    return _parsed(value, address.parse_mailbox, "News <news@clinic.example>")


def _bare_address(value: str) -> str:
    return _parsed(value, address.parse, "bounces@news.clinic.example")


def _parsed(value: str, parse: Callable[[str], object], example: str) -> str:
    try:
        parse(value)
    except AddressError as error:
        raise ValueError(f"{error}; write it as in {example}") from None
    return value


def _with_room(value: str) -> str:
    if len(returnpath.tagged(address.parse(value), "x" * token.LENGTH).rpartition("@")[0]) > 64:
        most = 64 - token.LENGTH - 1
        raise ValueError(f"before the @ it may have {most} characters: a token is put behind them (RFC 5321: 64)")
    return value


def _rate(value: Any) -> Any:
    return value if value is None or isinstance(value, Limit) else Limit.parse(str(value))


def _rates(value: Any) -> Any:
    if isinstance(value, dict) and not all(isinstance(limit, Limit) for limit in value.values()):
        value = "; ".join(f"{name}={limit}" for name, limit in value.items())  # a table of outreach.toml
    return value if isinstance(value, dict) else limits.parse_providers(str(value))


def _warm_up(value: Any) -> Any:
    return value if value is None or isinstance(value, WarmUp) else WarmUp.parse(str(value))


def _host_and_port(value: Any) -> Any:
    if value is None or isinstance(value, tuple):
        return value
    found = _PLACE.fullmatch(str(value).strip())
    if found is None or int(found["port"]) > 65535:
        raise ValueError("it must be a host and a port, such as 127.0.0.1:9100 or [::1]:9100")
    return found["six"] or found["host"], int(found["port"])


def _resolver(value: Any) -> Any:
    if value is None or isinstance(value, tuple):
        return value
    text = str(value).strip()
    found = _PLACE.fullmatch(text)
    host, port = (found["six"] or found["host"], int(found["port"])) if found else (text.strip("[]"), 53)
    try:
        if not 0 < port < 65536:
            raise ValueError(port)
        return str(ip_address(host)), port
    except ValueError:
        raise ValueError("it must be an IP address, perhaps with a port, such as 9.9.9.9 or [::1]:5353") from None


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("it must be an IANA time zone, such as Europe/Berlin or America/New_York") from None
    return value


def _picture(value: str) -> str:
    if not _PICTURE.fullmatch(value):
        raise ValueError("it must be the name of a picture in the folder media of the data folder, such as logo.svg")
    return value


def _colour(value: str) -> str:
    if not _COLOUR.fullmatch(value):
        raise ValueError("it must be a colour such as #0b6e69")
    return value


def _template_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("it must be a folder that exists, laid out like the shipped templates/")
    return value


def _wording_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError("it must be a file that exists, written like templates/wording/medical.yaml")
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 32:
        raise ValueError("it must have at least 32 characters; leave it away and `outreach init` makes one")
    return value


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("it must be the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:bounces")
    return value


def _verification_key(value: str) -> str:
    # Here, since it takes a moment to load, and most commands need it not.
    from outreach.replies.hooks import sendgrid  # noqa: PLC0415

    try:
        sendgrid.read_key(value)
    except SettingsError as error:
        raise ValueError(error.message) from None
    return value


def _hook_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 20:
        raise ValueError("it must have at least 20 characters, since it is all that tells Postmark from others")
    return value


def _domain(value: str) -> str:
    try:
        return domain_of(value)
    except AddressError as error:
        raise ValueError(f"{error}; write it as in clinic.example") from None


def _selector(value: str) -> str:
    if not is_selector(value):
        raise ValueError(_NO_SELECTOR)
    return value


def _keys(value: Any) -> Any:
    if isinstance(value, dict):  # a table of outreach.toml
        value = [f"{selector}={file}" for selector, file in value.items()]
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part if isinstance(part, tuple) else _key(str(part)) for part in parts if part)


def _key(part: str) -> tuple[str, Path]:
    """A key of the list, SELECTOR=FILE."""
    selector, equals, file = (each.strip() for each in part.partition("="))
    if not equals or not file:
        raise ValueError(f"{part.strip()!r} is no key; write each as SELECTOR=FILE, such as s2026=s2026.pem")
    if not is_selector(selector):
        raise ValueError(f"{selector!r} is no selector: {_NO_SELECTOR}")
    return selector, Path(file)


def _commas(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _networks(value: Any) -> Any:
    try:
        return tuple(ip_network(str(part), strict=False) for part in _commas(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{error}; write networks such as 10.0.0.0/8") from None


def _addresses(value: Any) -> Any:
    try:
        return tuple(ip_address(str(part)) for part in _commas(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{error}; write addresses such as 192.0.2.25, 2001:db8::25") from None


Duration = Annotated[
    timedelta, BeforeValidator(lambda it: it if isinstance(it, timedelta) else duration.parse(str(it)))
]
Share = Annotated[float, BeforeValidator(lambda it: it if isinstance(it, float) else toll.share(str(it)))]
Rate = Annotated[Limit | None, NoDecode, BeforeValidator(_rate)]
Rates = Annotated[dict[str, Limit], NoDecode, BeforeValidator(_rates)]
WarmUpPlan = Annotated[WarmUp | None, NoDecode, BeforeValidator(_warm_up)]
HostAndPort = Annotated[tuple[str, int] | None, NoDecode, BeforeValidator(_host_and_port)]
Resolver = Annotated[tuple[str, int] | None, NoDecode, BeforeValidator(_resolver)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Addresses = Annotated[tuple[IPv4Address | IPv6Address, ...], NoDecode, BeforeValidator(_addresses)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_commas)]
Keys = Annotated[tuple[tuple[str, Path], ...], NoDecode, BeforeValidator(_keys)]
Relays = Annotated[SecretStr, AfterValidator(_relays)]
SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
HookSecret = Annotated[SecretStr, AfterValidator(_hook_secret)]
MailboxUrl = Annotated[SecretStr, AfterValidator(_mailbox_url)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
StartOfLinks = Annotated[WebAddress, AfterValidator(_start_of_links)]
Listening = Annotated[str, AfterValidator(_listening)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
BareAddress = Annotated[str, AfterValidator(_bare_address)]
#: One that takes a token behind a plus.
TaggedAddress = Annotated[BareAddress, AfterValidator(_with_room)]
Domain = Annotated[str, AfterValidator(_domain)]
Selector = Annotated[str, AfterValidator(_selector)]
Topic = Annotated[str, AfterValidator(_topic)]
VerificationKey = Annotated[str, AfterValidator(_verification_key)]
Zone = Annotated[str, AfterValidator(_zone)]
Picture = Annotated[str, AfterValidator(_picture)]
Colour = Annotated[str, AfterValidator(_colour)]
TemplateFolder = Annotated[Path, AfterValidator(_template_folder)]
WordingFile = Annotated[Path, AfterValidator(_wording_file)]
