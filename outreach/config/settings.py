"""Which settings are there? Every one, with what it means; in the environment its name begins with OUTREACH_."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from outreach.config.places import FILE, shipped, variable
from outreach.config.values import (
    Addresses,
    BareAddress,
    Colour,
    Domain,
    Duration,
    HookSecret,
    HostAndPort,
    Keys,
    Listening,
    Mailbox,
    MailboxUrl,
    Networks,
    Picture,
    Rate,
    Rates,
    Relays,
    Resolver,
    SecretKey,
    Secrets,
    Selector,
    Share,
    StartOfLinks,
    TaggedAddress,
    TemplateFolder,
    Topic,
    VerificationKey,
    WarmUpPlan,
    WebAddress,
    WordingFile,
    Zone,
)  # fmt: skip
from outreach.timing.limits import Limits
from outreach.timing.ways import Way
from outreach.transport import relay


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
    smtp_url: Relays = Field(
        SecretStr("smtp://localhost:25"),
        description="The relay: smtp://user:password@host:587, smtps://host, with ?tls=off|opportunistic|required; "
        "several with a space between them, each with &weight=3, &rate=50/s or &connections=10 where wanted; "
        "or folder:PATH to write .eml files instead.",
    )
    public_url: StartOfLinks = Field(
        "http://127.0.0.1:8000", description="Where readers reach the web part: the start of every link in mail."
    )
    secret_key: SecretKey | None = Field(
        None, description="At least 32 characters; default: the file secret.key in the home, made by `outreach init`."
    )
    old_secret_keys: Secrets = Field(
        (), description="Earlier secret keys, comma-separated, that links in older mail are still read with."
    )
    sender: Mailbox | None = Field(
        None, alias="OUTREACH_FROM", description="Who mail is from, such as: Clinic News <news@clinic.example>."
    )
    reply_to: Mailbox | None = Field(None, description="Where answers go; default: the sender.")
    postal_address: str | None = Field(
        None, description="The publisher's postal address, for the footer of every mail."
    )
    quote_url: WebAddress | None = Field(None, description="Where the article's quote link leads.")
    return_path: TaggedAddress | None = Field(
        None,
        description="The address that bounces come back to, such as bounces@news.clinic.example; each message gets one "
        "of its own, bounces+TOKEN@news.clinic.example.",
    )
    complaint_address: BareAddress | None = Field(
        None,
        description="The address that providers send complaints to (feedback loops), such as fbl@news.clinic.example.",
    )
    leave_address: TaggedAddress | None = Field(
        None,
        description="The address that takes mail to leave, such as leave@news.clinic.example; see OUTREACH_INBOX.",
    )
    inbox: Listening | None = Field(
        None,
        description="Where `outreach run` takes bounces, complaints and mail to leave from your mail server, such as "
        "lmtp://127.0.0.1:2424 or smtp://127.0.0.1:2525.",
    )
    maildir: Path | None = Field(
        None,
        description="A Maildir of its own, on this host, that `outreach run` and `outreach clock` take the same from.",
    )
    imap_url: MailboxUrl | None = Field(
        None,
        description="A mailbox of its own that they take the same from: imaps://user:password@host/INBOX, "
        "with ?handled=FOLDER for where it goes then (default: Outreach), or ?handled=delete.",
    )
    soft_bounces: int = Field(
        5, ge=1, le=1000, description="After how many soft bounces in a row an address is mailed no more."
    )
    webhook_ses_topic: Topic | None = Field(
        None, description="The ARN of the SNS topic by which Amazon SES tells of bounces, to PUBLIC_URL/hooks/ses."
    )
    webhook_sendgrid_key: VerificationKey | None = Field(
        None, description="The verification key of SendGrid's signed Event Webhook, sent to PUBLIC_URL/hooks/sendgrid."
    )
    webhook_mailgun_key: SecretStr | None = Field(
        None, description="Mailgun's HTTP webhook signing key, for events sent to PUBLIC_URL/hooks/mailgun."
    )
    webhook_postmark_secret: HookSecret | None = Field(
        None,
        description="A password of your own, at least 20 characters, for Postmark's events: give it "
        "https://any:PASSWORD@host/hooks/postmark.",
    )
    dkim_domain: Domain | None = Field(
        None, description="The domain that mail is signed for (DKIM), such as clinic.example: that of the sender."
    )
    dkim_selector: Selector | None = Field(
        None,
        description="The name of the DKIM key in that domain's DNS, such as s2026; `outreach doctor` tells the record.",
    )
    dkim_key: Path | None = Field(
        None,
        description="The PEM file of the DKIM key (RSA, 2048 bits or more), which only hosts that send must read.",
    )
    dkim_keys: Keys = Field(
        (),
        validate_default=True,
        description="Instead of the two above, or after them: every key that the DNS holds, such as "
        "s2027=s2027.pem, e2027=e2027.pem, s2026=s2026.pem. The first RSA key signs, and the first Ed25519 key beside "
        "it; the others are to sign next, or have signed.",
    )
    connections: int = Field(20, ge=1, le=500, description="Connections to a relay that a sender holds at most.")
    rate: Rate = Field(
        None,
        description="How many messages may leave, all senders on all hosts together, such as 50/s, 10000/h or "
        "50/s,20000/d; default: no limit.",
    )
    domain_rates: Rates = Field(
        {},
        description="How many messages may leave to a provider or domain, such as google=20/s; microsoft=10/s,20000/d; "
        "example.org=5/s; and *=2/s for each of the others.",
    )
    warmup: WarmUpPlan = Field(
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
    wording: WordingFile | None = Field(
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
    timezone: Zone = Field("UTC", description="The IANA zone of wall times where no --timezone is given.")
    sending_addresses: Addresses = Field(
        (),
        description="The public IP addresses that mail leaves from, comma-separated, where the relay is yours: "
        "`outreach doctor` then looks at their SPF and their names.",
    )
    resolver: Resolver = Field(
        None,
        description="The DNS server that `outreach doctor` and `campaign check --online` ask, such as 9.9.9.9 or "
        "127.0.0.1:5353; default: those of the system.",
    )
    trusted_proxies: Networks = Field(
        (), description="Networks of proxies whose X-Forwarded-For is believed, comma-separated."
    )
    brand_name: str | None = Field(
        None, max_length=80, description="Whose pages readers see; default: the name of the sender."
    )
    brand_logo: Picture | None = Field(
        None, description="A picture on every page: the name of a file under /media/, such as logo.svg."
    )
    brand_colour: Colour | None = Field(
        None,
        description="The colour of buttons and links on pages, such as #0b6e69; made darker or lighter to be read.",
    )
    metrics: HostAndPort = Field(
        None,
        description="Where /metrics is served for Prometheus, such as 127.0.0.1:9100: never on the public port; "
        "default: nowhere.",
    )
    log: Literal["text", "json"] = Field(
        "text", description="How the log is written, one event a line: text, or json for one object a line."
    )
    templates: TemplateFolder | None = Field(
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
