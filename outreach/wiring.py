"""How do the settings become a running house? The one place where parts are put together."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from starlette.applications import Starlette

from outreach.actions import forget, initialise, record
from outreach.actions.compose import Defaults
from outreach.config import Settings
from outreach.engine import replay
from outreach.engine.clock import Chore, Clock
from outreach.engine.crew import Crew, looping
from outreach.engine.desk import boot_clock
from outreach.engine.expiry import Expiry
from outreach.engine.sender import Sender, SenderOptions
from outreach.engine.watermark import Watermark
from outreach.errors import ArticleError, NotFound, OutreachError, SettingsError, TemplateError
from outreach.message import dkim
from outreach.message.dkim import Signer
from outreach.message.template import Layout
from outreach.store import migrate
from outreach.store.database import Store
from outreach.timing.pace import Rate
from outreach.timing.retry import RetryPlan
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import TokenMaker
from outreach.transport.base import Transport
from outreach.transport.folder import FolderTransport
from outreach.transport.relay import Folder, hello_name
from outreach.transport.smtp import SmtpTransport
from outreach.web import app
from outreach.web.app import Site


@dataclass(frozen=True)
class House:
    """An opened installation: what commands and servers work with."""

    settings: Settings
    store: Store
    keys: KeyRing

    def close(self) -> None:
        """Give back the database."""
        self.store.close()


def prepare(settings: Settings) -> tuple[House, str | None, str, bool]:
    """Create or upgrade the database and make the secret key; safe to repeat.

    Returns the opened house, the database's version before (None: new) and after, and whether a key was made.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _make_key(settings)
    except OSError as error:
        raise SettingsError(
            f"The data folder {settings.home} cannot be made or written: {error.strerror}.",
            hint="Set OUTREACH_HOME to a folder that this user may write.",
        ) from error
    try:
        house = House(settings, Store(settings.database), _keys(settings))
        before, after = migrate.upgrade(house.store)
        initialise.fingerprint(house.store, house.keys.fingerprint)
    except OutreachError:
        if made:  # a key that belongs to no database would only hide that the right one is missing
            key_file(settings).unlink(missing_ok=True)
        raise
    return house, before, after, made


def open_house(settings: Settings) -> House:
    """Open an installation that `prepare` has made.

    Raises DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable, KeyMismatch or SettingsError.
    """
    store = Store(settings.database)
    migrate.require_current(store)
    house = House(settings, store, _keys(settings))
    initialise.require_fingerprint(store, house.keys.fingerprint)
    return house


def article(settings: Settings, ref: str) -> tuple[str, str]:
    """The name and the text of an article: a file's path, or the name of one that is shipped or in `templates`.

    Raises NotFound, which suggests the nearest name, or ArticleError where the file cannot be read.
    """
    path = Path(ref)
    try:
        is_file = path.is_file()
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise ArticleError(f"it cannot be read: {error.strerror}", file=ref[:200]) from error
    if not path.suffix and not is_file:
        known = {file.stem: file for file in _files(settings, "articles", "*.md")}
        if ref not in known:
            raise NotFound("article", ref, known, hint=None if known else "Name the path of an article file.")
        path = known[ref]
    if not path.is_file():
        raise NotFound("article file", ref, hint="Look at the path, or name a shipped article.")
    try:
        return path.stem, path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArticleError("it is not UTF-8 text", file=str(path), hint="Save it as UTF-8.") from error
    except OSError as error:
        raise ArticleError(f"it cannot be read: {error.strerror}", file=str(path)) from error


def layout(settings: Settings, name: str) -> Layout:
    """The layout of that name with all its files; raises NotFound, or TemplateError where a file cannot be read."""
    known = {folder.name: folder for folder in _files(settings, "email", "*") if (folder / "layout.html").is_file()}
    if name not in known:
        raise NotFound("layout", name, known)
    sources = {}
    for file in sorted(known[name].rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            try:
                sources[file.relative_to(known[name]).as_posix()] = file.read_text(encoding="utf-8-sig")
            except (UnicodeDecodeError, OSError) as error:
                raise TemplateError("it cannot be read as UTF-8 text", file=str(file)) from error
    return Layout(name, sources)


def signer(settings: Settings) -> Signer | None:
    """What signs mail (DKIM); None where no key is set. Raises SettingsError for a key file that cannot be used.

    Only those who send ask for it: a host that only serves pages need not be able to read the key.
    """
    if settings.dkim_domain is None or settings.dkim_selector is None or settings.dkim_key is None:
        return None
    place = f"OUTREACH_DKIM_KEY is {str(settings.dkim_key)!r}:"
    try:
        key = dkim.read_key(settings.dkim_key.read_bytes())
    except OSError as error:
        hint = "Name the PEM file of the key, and let this user read it."
        raise SettingsError(f"{place} it cannot be read: {error.strerror}.", hint=hint) from error
    except SettingsError as error:
        raise SettingsError(f"{place} {error.message}.", hint=error.hint) from error
    return Signer(settings.dkim_domain, settings.dkim_selector, key)


def sign(settings: Settings) -> Callable[[bytes], bytes]:
    """What is done to a message as the last step before it leaves: sign it now, or nothing; raises as `signer` does.

    Several threads may call it at once; they sign side by side.
    """
    ours = signer(settings)
    return bytes if ours is None else lambda message: ours.sign(message, now=datetime.now(UTC))


def _files(settings: Settings, kind: str, pattern: str) -> list[Path]:
    """What matches in the template folders of a kind; those that win come last."""
    return [path for folder in reversed(settings.template_folders(kind)) for path in sorted(folder.glob(pattern))]


def defaults(settings: Settings) -> Defaults:
    """What the settings say about a mail where neither options nor the article do."""
    return Defaults(
        sender=settings.sender,
        reply_to=settings.reply_to,
        postal_address=settings.postal_address or "",
        quote_url=settings.quote_url,
        public_url=settings.public_url,
    )


def transport(settings: Settings) -> Transport:
    """The way out that the settings name: a relay, or a folder of .eml files."""
    way_out = settings.way_out
    if isinstance(way_out, Folder):
        return FolderTransport(way_out.path)
    hello = hello_name(settings.public_url, settings.return_path, settings.sender)
    return SmtpTransport(way_out, hello=hello, connections=settings.connections)


def clock(house: House) -> Clock:
    """The clock, with the chores that keep the database in order."""

    settings = house.settings
    expiry = Expiry(house.store)

    def tidy(now: datetime) -> None:
        replay.dead_senders(house.store, journals(settings), plan=plan(settings), now=now)
        expiry.look(now=now, at=boot_clock())

    chores = (
        Chore("leases", timedelta(seconds=15), tidy),
        Chore("bursts", timedelta(minutes=5), lambda now: record.fold(house.store, now=now)),
        Chore("pseudonyms", timedelta(hours=1), lambda now: record.forget_old_days(house.store, now=now)),
        Chore("retention", timedelta(days=1), lambda now: forget.old(house.store, retention(settings), now=now)),
    )
    guard = watermark(house).require
    return Clock(house.store, defaults(settings), grace=settings.grace, chores=chores, guard=guard)


def retention(settings: Settings) -> forget.Plan:
    """How long what is kept of persons."""
    return forget.Plan(settings.keep_clients, settings.keep_personal, settings.keep_unconfirmed)


def plan(settings: Settings) -> RetryPlan:
    """How patiently a message is retried."""
    return RetryPlan(first=settings.retry_first, deadline=settings.retry_deadline)


def journals(settings: Settings) -> Path:
    """Where the senders of this host keep their journals."""
    return settings.home / "journal"


def watermark(house: House) -> Watermark:
    """What this host remembers of the database, so that an older copy of it does not send again."""
    return Watermark(house.store, house.settings.home / "watermark")


def web(house: House) -> Starlette:
    """The web part."""
    settings = house.settings
    site = Site(
        public_url=settings.public_url,
        pages=settings.template_folders("pages"),
        media=(settings.home / "media", *settings.template_folders("media")),
        trusted_proxies=settings.trusted_proxies,
        keep_personal=settings.keep_personal,
    )
    return app.make(house.store, TokenMaker(house.keys), site)


def sender(house: House, *, share: int = 1) -> Sender:
    """A sender; where `share` of them work side by side, each keeps to its part of the rate."""
    settings = house.settings
    rate = settings.rate
    options = SenderOptions(
        public_url=settings.public_url,
        return_path=settings.return_path,
        rate=Rate(rate.count / share, rate.period) if rate else None,
        plan=plan(settings),
        sign=sign(settings),
        journals=journals(settings),
        watermark=watermark(house),
    )
    return Sender(house.store, transport(settings), TokenMaker(house.keys), options)


def man(crew: Crew, house: House, *, senders: int, clock: bool) -> None:
    """Put clock and senders to work in a crew; raises SettingsError where they cannot be had."""
    if clock:
        crew.add("clock", _clock(house).run)
    for number in range(senders):
        crew.add(f"sender-{number + 1}", looping(sender(house, share=senders).run))


_clock = clock


def key_file(settings: Settings) -> Path:
    """Where the secret key lies when no setting holds it."""
    return settings.home / "secret.key"


def _make_key(settings: Settings) -> bool:
    key = key_file(settings)
    if settings.secret_key is not None or key.exists():
        return False
    # Written beside and put in place whole: neither a full disk nor a kill leaves half of a key.
    with NamedTemporaryFile("w", dir=settings.home, prefix=".secret.") as file:  # made with mode 0600
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, key)
        except FileExistsError:
            return False
    return True


def _keys(settings: Settings) -> KeyRing:
    old = tuple(key.get_secret_value().encode() for key in settings.old_secret_keys)
    if settings.secret_key is not None:
        return KeyRing(settings.secret_key.get_secret_value().encode(), old)
    try:
        text = key_file(settings).read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"The secret key cannot be read from {key_file(settings)}: {error.strerror}.",
            hint="Run `outreach init`, or set OUTREACH_SECRET_KEY to the key that the database was made with.",
        ) from error
    if len(text) < 32:
        raise SettingsError(f"The secret key in {key_file(settings)} is too short to be one.")
    return KeyRing(text.encode(), old)
