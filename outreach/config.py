"""What does this installation want? Settings from the environment and `outreach.toml`, read once, refused when wrong.

The environment beats the file. Nothing below the doors reads either: settings travel down as values.
"""

from __future__ import annotations

import difflib
import os
import re
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from outreach import address
from outreach.address import domain_of
from outreach.errors import AddressError, SettingsError
from outreach.inbox import place
from outreach.replies import returnpath, toll
from outreach.timing import duration, limits
from outreach.timing.limits import Limits
from outreach.timing.pace import Limit
from outreach.timing.warmup import WarmUp
from outreach.timing.ways import Way
from outreach.tracking import token
from outreach.transport import relay

#: The settings file, looked for in the folder that a command is run in.
FILE = Path("outreach.toml")

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

Duration = Annotated[
    timedelta, BeforeValidator(lambda it: it if isinstance(it, timedelta) else duration.parse(str(it)))
]

Share = Annotated[float, BeforeValidator(lambda it: it if isinstance(it, float) else toll.share(str(it)))]


class _SettingsFile(TomlConfigSettingsSource):
    """`outreach.toml`, where the sender is called `from`, as everywhere but in Python."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        return {"OUTREACH_FROM" if key == "from" else key: value for key, value in values.items()}


class Settings(BaseSettings):
    """Every setting; in the environment its name is OUTREACH_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="OUTREACH_", env_ignore_empty=True, extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="The data folder: database, secret key, journal, media.")
    database_url: str | None = Field(
        None, description="sqlite:///file or postgresql+psycopg://user:password@host/name; default: SQLite in the home."
    )
    smtp_url: SecretStr = Field(
        SecretStr("smtp://localhost:25"),
        description="The relay: smtp://user:password@host:587, smtps://host, with ?tls=off|opportunistic|required; "
        "several with a space between them, each with &weight=3, &rate=50/s or &connections=10 where wanted; "
        "or folder:PATH to write .eml files instead.",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", description="Where readers reach the web part: the start of every link in mail."
    )
    secret_key: SecretStr | None = Field(
        None, description="At least 32 characters; default: the file secret.key in the home, made by `outreach init`."
    )
    old_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Earlier secret keys, comma-separated, that links in older mail are still read with."
    )
    sender: str | None = Field(
        None, alias="OUTREACH_FROM", description="Who mail is from, such as: Clinic News <news@clinic.example>."
    )
    reply_to: str | None = Field(None, description="Where answers go; default: the sender.")
    postal_address: str | None = Field(
        None, description="The publisher's postal address, for the footer of every mail."
    )
    quote_url: str | None = Field(None, description="Where the article's quote link leads.")
    return_path: str | None = Field(
        None,
        description="The address that bounces come back to, such as bounces@news.clinic.example; each message gets one "
        "of its own, bounces+TOKEN@news.clinic.example.",
    )
    complaint_address: str | None = Field(
        None,
        description="The address that providers send complaints to (feedback loops), such as fbl@news.clinic.example.",
    )
    leave_address: str | None = Field(
        None,
        description="The address that takes mail to leave, such as leave@news.clinic.example; see OUTREACH_INBOX.",
    )
    inbox: str | None = Field(
        None,
        description="Where `outreach run` takes bounces, complaints and mail to leave from your mail server, such as "
        "lmtp://127.0.0.1:2424 or smtp://127.0.0.1:2525.",
    )
    maildir: Path | None = Field(
        None,
        description="A Maildir of its own, on this host, that `outreach run` and `outreach clock` take the same from.",
    )
    imap_url: SecretStr | None = Field(
        None,
        description="A mailbox of its own that they take the same from: imaps://user:password@host/INBOX, "
        "with ?handled=FOLDER for where it goes then (default: Outreach), or ?handled=delete.",
    )
    soft_bounces: int = Field(
        5, ge=1, le=1000, description="After how many soft bounces in a row an address is mailed no more."
    )
    webhook_ses_topic: str | None = Field(
        None, description="The ARN of the SNS topic by which Amazon SES tells of bounces, to PUBLIC_URL/hooks/ses."
    )
    webhook_sendgrid_key: str | None = Field(
        None, description="The verification key of SendGrid's signed Event Webhook, sent to PUBLIC_URL/hooks/sendgrid."
    )
    webhook_mailgun_key: SecretStr | None = Field(
        None, description="Mailgun's HTTP webhook signing key, for events sent to PUBLIC_URL/hooks/mailgun."
    )
    webhook_postmark_secret: SecretStr | None = Field(
        None,
        description="A password of your own, at least 20 characters, for Postmark's events: give it "
        "https://any:PASSWORD@host/hooks/postmark.",
    )
    dkim_domain: str | None = Field(
        None, description="The domain that mail is signed for (DKIM), such as clinic.example: that of the sender."
    )
    dkim_selector: str | None = Field(
        None,
        description="The name of the DKIM key in that domain's DNS, such as s2026; `outreach doctor` tells the record.",
    )
    dkim_key: Path | None = Field(
        None,
        description="The PEM file of the DKIM key (RSA, 2048 bits or more), which only hosts that send must read.",
    )
    dkim_keys: Annotated[tuple[tuple[str, Path], ...], NoDecode] = Field(
        (),
        validate_default=True,
        description="Instead of the two above, or after them: every key that the DNS holds, such as "
        "s2027=s2027.pem, e2027=e2027.pem, s2026=s2026.pem. The first RSA key signs, and the first Ed25519 key beside "
        "it; the others are to sign next, or have signed.",
    )
    connections: int = Field(20, ge=1, le=500, description="Connections to a relay that a sender holds at most.")
    rate: Annotated[Limit | None, NoDecode] = Field(
        None,
        description="How many messages may leave, all senders on all hosts together, such as 50/s, 10000/h or "
        "50/s,20000/d; default: no limit.",
    )
    domain_rates: Annotated[dict[str, Limit], NoDecode] = Field(
        {},
        description="How many messages may leave to a provider or domain, such as google=20/s; microsoft=10/s,20000/d; "
        "example.org=5/s; and *=2/s for each of the others.",
    )
    warmup: Annotated[WarmUp | None, NoDecode] = Field(
        None,
        description="How many messages may leave on each day since a sender's domain first sent, such as "
        "50,100,500,1000,5000,10000; default: no limit.",
    )
    retry_first: Duration = Field(timedelta(minutes=5), description="How long to wait before the first retry.")
    retry_deadline: Duration = Field(timedelta(days=2), description="How long a message is retried before it fails.")
    stop_share: Share = Field(
        0.10, description="A campaign stops itself where a larger share of its messages fails or bounces."
    )
    stop_complaints: Share = Field(
        0.003, description="A campaign stops itself where a larger share of its readers complains."
    )
    stop_after: int = Field(
        500, ge=1, description="How many messages must have ended before a campaign may stop itself."
    )
    grace: Duration = Field(
        timedelta(hours=1), description="How late a scheduled campaign may start by itself; later, it asks."
    )
    strict: bool = Field(
        False, description="Whether warnings keep a campaign back until somebody accepts them (--accept): 1 or 0."
    )
    approval: Literal["required", "optional"] = Field(
        "optional", description="Whether nothing is sent that nobody approved (`campaign approve`): required, optional."
    )
    wording: Path | None = Field(
        None,
        description="The file of words that mail must not hold, and of those that it must; default: the shipped rules "
        "for medical text (wording/medical.yaml in the templates). An empty file: no rules.",
    )
    keep_clients: Duration = Field(
        timedelta(days=1), description="How long the pseudonym of a click's client address is kept."
    )
    keep_personal: Duration = Field(
        timedelta(days=396), description="How long it is kept who clicked, and what servers said of whom; sums stay."
    )
    keep_unconfirmed: Duration = Field(
        timedelta(days=30), description="How long people are kept who asked for a list and never confirmed it."
    )
    keep_reports: Duration = Field(
        timedelta(days=90), description="How long what came back and nobody understood is kept for a person to look at."
    )
    timezone: str = Field("UTC", description="The IANA zone of wall times where no --timezone is given.")
    sending_addresses: Annotated[tuple[IPv4Address | IPv6Address, ...], NoDecode] = Field(
        (),
        description="The public IP addresses that mail leaves from, comma-separated, where the relay is yours: "
        "`outreach doctor` then looks at their SPF and their names.",
    )
    resolver: Annotated[tuple[str, int] | None, NoDecode] = Field(
        None,
        description="The DNS server that `outreach doctor` and `campaign check --online` ask, such as 9.9.9.9 or "
        "127.0.0.1:5353; default: those of the system.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="Networks of proxies whose X-Forwarded-For is believed, comma-separated."
    )
    brand_name: str | None = Field(
        None, max_length=80, description="Whose pages readers see; default: the name of the sender."
    )
    brand_logo: str | None = Field(
        None, description="A picture on every page: the name of a file under /media/, such as logo.svg."
    )
    brand_colour: str | None = Field(
        None,
        description="The colour of buttons and links on pages, such as #0b6e69; made darker or lighter to be read.",
    )
    metrics: Annotated[tuple[str, int] | None, NoDecode] = Field(
        None,
        description="Where /metrics is served for Prometheus, such as 127.0.0.1:9100: never on the public port; "
        "default: nowhere.",
    )
    log: Literal["text", "json"] = Field(
        "text", description="How the log is written, one event a line: text, or json for one object a line."
    )
    templates: Path | None = Field(
        None, description="A folder laid out like the shipped templates/, searched before them."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SettingsFile(settings_cls, FILE)

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url(cls, value: SecretStr) -> SecretStr:
        relay.parse_all(value.get_secret_value())
        return value

    @field_validator("public_url", "quote_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("it must be a web address that begins with https:// (or http://) and holds no user name")
        if parts.port == 0 or not _BARE.fullmatch(value):
            raise ValueError("it must be one web address without spaces, quotes or angle brackets")
        return value

    @field_validator("public_url")
    @classmethod
    def _no_slash_at_the_end(cls, value: str) -> str:
        if urlsplit(value).query or urlsplit(value).fragment:
            raise ValueError("it is the start of links and can have neither ? nor #")
        return value.rstrip("/")

    @field_validator("inbox")
    @classmethod
    def _inbox(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "smtp://localhost:25")
        if parts.scheme not in {"smtp", "lmtp"} or not parts.hostname or not parts.port:
            raise ValueError("it must be where to listen, such as lmtp://127.0.0.1:2424 or smtp://127.0.0.1:2525")
        return value

    @field_validator("imap_url")
    @classmethod
    def _imap_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            place.parse(value.get_secret_value())
        return value

    @field_validator("sender", "reply_to", "return_path", "leave_address", "complaint_address")
    @classmethod
    def _address(cls, value: str | None, info: ValidationInfo) -> str | None:
        bare = info.field_name in {"return_path", "leave_address", "complaint_address"}
        try:
            if value is not None:
                (address.parse if bare else address.parse_mailbox)(value)
        except AddressError as error:
            example = "bounces@news.clinic.example" if bare else "News <news@clinic.example>"
            raise ValueError(f"{error}; write it as in {example}") from None
        return value

    @field_validator("return_path", "leave_address")
    @classmethod
    def _has_room_for_a_token(cls, value: str | None) -> str | None:
        if (
            value is not None
            and len(returnpath.tagged(address.parse(value), "x" * token.LENGTH).rpartition("@")[0]) > 64
        ):
            most = 64 - token.LENGTH - 1
            raise ValueError(f"before the @ it may have {most} characters: a token is put behind them (RFC 5321: 64)")
        return value

    @field_validator("rate", mode="before")
    @classmethod
    def _rate(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, Limit) else Limit.parse(str(value))

    @field_validator("domain_rates", mode="before")
    @classmethod
    def _domain_rates(cls, value: Any) -> Any:
        if isinstance(value, dict) and not all(isinstance(limit, Limit) for limit in value.values()):
            value = "; ".join(f"{name}={limit}" for name, limit in value.items())  # a table of outreach.toml
        return value if isinstance(value, dict) else limits.parse_providers(str(value))

    @field_validator("warmup", mode="before")
    @classmethod
    def _warmup(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, WarmUp) else WarmUp.parse(str(value))

    @field_validator("metrics", mode="before")
    @classmethod
    def _host_and_port(cls, value: Any) -> Any:
        if value is None or isinstance(value, tuple):
            return value
        found = _PLACE.fullmatch(str(value).strip())
        if found is None or int(found["port"]) > 65535:
            raise ValueError("it must be a host and a port, such as 127.0.0.1:9100 or [::1]:9100")
        return found["six"] or found["host"], int(found["port"])

    @field_validator("resolver", mode="before")
    @classmethod
    def _resolver(cls, value: Any) -> Any:
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

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("it must be an IANA time zone, such as Europe/Berlin or America/New_York") from None
        return value

    @field_validator("brand_logo")
    @classmethod
    def _picture(cls, value: str | None) -> str | None:
        if value is not None and not _PICTURE.fullmatch(value):
            raise ValueError(
                "it must be the name of a picture in the folder media of the data folder, such as logo.svg"
            )
        return value

    @field_validator("brand_colour")
    @classmethod
    def _colour(cls, value: str | None) -> str | None:
        if value is not None and not _COLOUR.fullmatch(value):
            raise ValueError("it must be a colour such as #0b6e69")
        return value

    @field_validator("templates")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("it must be a folder that exists, laid out like the shipped templates/")
        return value

    @field_validator("wording")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError("it must be a file that exists, written like templates/wording/medical.yaml")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("it must have at least 32 characters; leave it away and `outreach init` makes one")
        return value

    @field_validator("webhook_ses_topic")
    @classmethod
    def _topic(cls, value: str | None) -> str | None:
        if value is not None and not _TOPIC.fullmatch(value):
            raise ValueError("it must be the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:bounces")
        return value

    @field_validator("webhook_sendgrid_key")
    @classmethod
    def _verification_key(cls, value: str | None) -> str | None:
        # Here, since it takes a moment to load, and most commands need it not.
        from outreach.replies.hooks import sendgrid  # noqa: PLC0415

        try:
            if value is not None:
                sendgrid.read_key(value)
        except SettingsError as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("webhook_postmark_secret")
    @classmethod
    def _not_to_be_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 20:
            raise ValueError("it must have at least 20 characters, since it is all that tells Postmark from others")
        return value

    @field_validator("dkim_domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        try:
            return None if value is None else domain_of(value)
        except AddressError as error:
            raise ValueError(f"{error}; write it as in clinic.example") from None

    @field_validator("dkim_selector")
    @classmethod
    def _selector(cls, value: str | None) -> str | None:
        if value is not None and not _SELECTOR.fullmatch(value):
            raise ValueError(_NO_SELECTOR)
        return value

    @field_validator("dkim_keys", mode="before")
    @classmethod
    def _keys_by_selector(cls, value: Any) -> Any:
        if isinstance(value, dict):  # a table of outreach.toml
            value = [f"{selector}={file}" for selector, file in value.items()]
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(part if isinstance(part, tuple) else _key(str(part)) for part in parts if part)

    @field_validator("dkim_keys")
    @classmethod
    def _enough_to_sign(cls, value: tuple[tuple[str, Path], ...], info: ValidationInfo) -> tuple[tuple[str, Path], ...]:
        given = info.data
        if not {"dkim_domain", "dkim_selector", "dkim_key"} <= given.keys():  # told already
            return value
        one = [name for name in ("dkim_selector", "dkim_key") if given[name] is not None]
        wanted = ["dkim_domain", "dkim_selector", "dkim_key"] if one or not value else ["dkim_domain"]
        missing = [variable(name) for name in wanted if given[name] is None]
        if missing and (one or value or given["dkim_domain"] is not None):
            needs = "a signature needs OUTREACH_DKIM_DOMAIN, and for each key its selector and its file"
            raise ValueError(f"{needs}; missing: {', '.join(missing)}")
        selectors = [selector for selector, _ in value] + ([given["dkim_selector"]] if one else [])
        if len(set(selectors)) < len(selectors):
            raise ValueError("each key needs a selector of its own, in the DNS too")
        return value

    # Of two validators before the field's own, the one written last runs first: the commas come after the networks.
    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        try:
            return tuple(ip_network(str(part), strict=False) for part in value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{error}; write networks such as 10.0.0.0/8") from None

    @field_validator("sending_addresses", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        try:
            return tuple(ip_address(str(part)) for part in value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{error}; write addresses such as 192.0.2.25, 2001:db8::25") from None

    @field_validator("trusted_proxies", "old_secret_keys", "sending_addresses", mode="before")
    @classmethod
    def _commas(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The database URL that holds: the one given, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.home / 'outreach.db'}"

    @property
    def dkim(self) -> tuple[tuple[str, Path], ...]:
        """Every DKIM key as (selector, file), in their order."""
        first = () if self.dkim_selector is None or self.dkim_key is None else ((self.dkim_selector, self.dkim_key),)
        return (*first, *self.dkim_keys)

    @property
    def hooks(self) -> tuple[str, ...]:
        """The providers that may tell by webhook what became of mail."""
        known = {
            "ses": self.webhook_ses_topic,
            "sendgrid": self.webhook_sendgrid_key,
            "mailgun": self.webhook_mailgun_key,
            "postmark": self.webhook_postmark_secret,
        }
        return tuple(name for name, setting in known.items() if setting)

    @property
    def passwords(self) -> frozenset[str]:
        """Those of hooks and in the URLs of relays, mailbox and database, as they are written and as they are meant."""
        mailbox = self.imap_url.get_secret_value() if self.imap_url else ""
        urls = [*relay.split(self.smtp_url.get_secret_value()), mailbox, self.database_url or ""]
        hooks = [
            secret.get_secret_value() for secret in (self.webhook_mailgun_key, self.webhook_postmark_secret) if secret
        ]
        written = [*hooks, *(password for url in urls if (password := urlsplit(url.strip()).password))]
        return frozenset([*written, *map(unquote, written)])

    @property
    def ways_out(self) -> tuple[relay.Relay, ...] | relay.Folder:
        """The relays, or the folder, as values."""
        return relay.parse_all(self.smtp_url.get_secret_value())

    @property
    def takes_reports(self) -> bool:
        """Whether mail that comes back can come in here, by any way but by hand."""
        return any(way is not None for way in (self.inbox, self.maildir, self.imap_url))

    @property
    def ways(self) -> tuple[Way, ...]:
        """The relays as the pace knows them; none where there is a folder."""
        found = self.ways_out
        return () if isinstance(found, relay.Folder) else tuple(each.way for each in found)

    @property
    def limits(self) -> Limits:
        """What limits what leaves, but for the limits of the relays."""
        return Limits(self.rate, self.domain_rates, self.warmup, ZoneInfo(self.timezone))

    def template_folders(self, kind: str) -> tuple[Path, ...]:
        """Where templates of a kind (`articles`, `email`, `pages`) are looked for: one's own first, then shipped."""
        roots = ([self.templates] if self.templates else []) + [shipped("templates")]
        return tuple(root / kind for root in roots)


def _key(part: str) -> tuple[str, Path]:
    """A key of the list, SELECTOR=FILE."""
    selector, equals, file = (each.strip() for each in part.partition("="))
    if not equals or not file:
        raise ValueError(f"{part.strip()!r} is no key; write each as SELECTOR=FILE, such as s2026=s2026.pem")
    if not is_selector(selector):
        raise ValueError(f"{selector!r} is no selector: {_NO_SELECTOR}")
    return selector, Path(file)


def is_selector(text: str) -> bool:
    """Whether a DKIM key can have that name."""
    return _SELECTOR.fullmatch(text) is not None


def load(**overrides: Any) -> Settings:
    """The settings as environment, file and overrides give them.

    Raises SettingsError naming each wrong setting, what it holds and what would be right.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = [_fault(dict(item)) for item in error.errors()]
        raise SettingsError("\n".join(faults), hint="Mend the environment or outreach.toml.") from error
    except ValueError as error:  # a TOML file that does not parse
        raise SettingsError(f"{FILE} cannot be read: {error}") from error
    except OSError as error:  # one that this user may not read
        raise SettingsError(f"{error.filename or FILE} cannot be read: {error.strerror}.") from error


def variable(field: str) -> str:
    """The environment variable of a field."""
    return "OUTREACH_FROM" if field == "sender" else f"OUTREACH_{field.upper()}"


def unknown_variables(environment: dict[str, str] | None = None) -> list[str]:
    """OUTREACH_ variables that no setting reads: most often a misspelling."""
    names = os.environ if environment is None else environment
    known = {variable(field) for field in Settings.model_fields} | {"OUTREACH_DEBUG"}
    return sorted(name for name in names if name.startswith("OUTREACH_") and name not in known)


def shipped(name: str) -> Path:
    """A folder that comes with outreach (`templates`, `subscribers`): in the package, or at the top of a checkout."""
    package = Path(__file__).parent
    return package / name if (package / name).is_dir() else package.parent / name


_SECRETS = {
    "webhook_mailgun_key",
    "webhook_postmark_secret",
    "smtp_url",
    "imap_url",
    "secret_key",
    "old_secret_keys",
    "database_url",
}


def _fault(item: dict[str, Any]) -> str:
    field = str(item["loc"][0]) if item["loc"] else ""
    words = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(field, list(Settings.model_fields), n=1)
        return f"{FILE}: there is no setting {field!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
    name = field if field.startswith("OUTREACH_") else variable(field)
    shown = (
        ":" if field in _SECRETS else f" is {item['input']!r}:" if item["input"] not in (None, ()) else " is not set:"
    )
    return f"{name}{shown} {words}."
