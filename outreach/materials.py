"""Of what are mail and pages made here? Articles, layouts, words, keys and looks, as the settings name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from outreach import address
from outreach.actions.compose import Defaults, Rules
from outreach.actions.join import Letter
from outreach.config import Settings
from outreach.errors import ArticleError, NotFound, SettingsError, TemplateError
from outreach.language import Languages
from outreach.message import dkimkey
from outreach.message.check import wording as rules_of_wording
from outreach.message.check.wording import Wording
from outreach.message.dkim import Signer
from outreach.message.dkimkey import DkimKey
from outreach.message.template import Layout
from outreach.transport.relay import Folder
from outreach.web.brand import Brand


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


def letter(settings: Settings) -> Letter:
    """The mail by which people confirm that they want a list; it looks like other mail."""
    found = {
        file.name.removesuffix(".md").rpartition(".")[2]: file for file in _files(settings, "notices", "confirm.*.md")
    }
    articles = {language: file.read_text(encoding="utf-8-sig") for language, file in found.items()}
    sources = {**layout(settings, "default").sources, **layout(settings, "notice").sources}
    return Letter(articles, Layout("notice", sources), defaults(settings))


def signer(settings: Settings) -> Signer | None:
    """What signs mail (DKIM); None where no key is set. Raises SettingsError for a key file that cannot be used.

    Only those who send ask for it: a host that only serves pages need not be able to read the keys.
    """
    if settings.dkim_domain is None or not settings.dkim:
        return None
    found = Signer(settings.dkim_domain, tuple(_dkim_key(settings, *each) for each in settings.dkim))
    if not found.signing[0].is_rsa:
        hint = "Make one: outreach dkim create"
        raise SettingsError("An Ed25519 key signs only beside an RSA key: many receivers cannot verify it.", hint=hint)
    return found


def _dkim_key(settings: Settings, selector: str, file: Path) -> DkimKey:
    name = "OUTREACH_DKIM_KEY" if file == settings.dkim_key else "OUTREACH_DKIM_KEYS"
    place = f"{name} is {str(file)!r}:" if file == settings.dkim_key else f"{name}, {selector}={file}:"
    try:
        return dkimkey.read(selector, file.read_bytes())
    except OSError as error:
        hint = "Name the PEM file of the key, and let this user read it."
        raise SettingsError(f"{place} it cannot be read: {error.strerror}.", hint=hint) from error
    except SettingsError as error:
        raise SettingsError(f"{place} {error.message}.", hint=error.hint) from error


def sign(settings: Settings) -> Callable[[bytes], bytes]:
    """What is done to a message as the last step before it leaves: sign it, or nothing; raises as `signer` does.

    Several threads may call it at once; they sign side by side.
    """
    ours = signer(settings)
    return bytes if ours is None else ours.sign


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
        languages=languages(settings),
        rules=Rules(
            strict=settings.strict,
            approval=settings.approval == "required",
            wording=wording(settings),
            relays=_hosts(settings),
        ),
    )


def wording(settings: Settings) -> Wording:
    """The words that mail must not hold, and those that it must; raises SettingsError for rules that cannot be read."""
    file = settings.wording or _files(settings, "wording", "medical.yaml")[-1]
    try:
        return rules_of_wording.parse(file.read_text(encoding="utf-8-sig"), file=str(file))
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"The wording rules {file} cannot be read as UTF-8 text.") from error


def _hosts(settings: Settings) -> tuple[str, ...]:
    """Where mail is handed to; nothing for a folder."""
    found = settings.ways_out
    return () if isinstance(found, Folder) else tuple(relay.host.lower() for relay in found)


def languages(settings: Settings) -> Languages:
    """What pages and mails can speak: English, and every catalogue that is shipped or in `templates`.

    One's own catalogue of a language goes over the shipped one, text by text. Raises SettingsError for one that cannot
    be read.
    """
    catalogues: dict[str, list[str]] = {}
    for file in _files(settings, "languages", "*.po"):
        try:
            catalogues.setdefault(file.stem, []).append(file.read_text(encoding="utf-8-sig"))
        except (UnicodeDecodeError, OSError) as error:
            raise SettingsError(f"The catalogue {file} cannot be read as UTF-8 text.") from error
    return Languages(catalogues)


def brand(settings: Settings) -> Brand:
    """Whose pages readers see."""
    sender = address.parse_mailbox(settings.sender).name if settings.sender else ""
    return Brand.of(settings.brand_name or sender, settings.brand_logo or "", settings.brand_colour or "")


def media(settings: Settings) -> tuple[Path, ...]:
    """Where pictures under /media/ are looked for, in this order."""
    return settings.home / "media", *settings.template_folders("media")
