"""What is wrong with a mail before it leaves?  Pure: it looks at one rendered message and at the facts around it.

An *error* means that the mail would fail its reader or the law; a *warning* is something that a careful sender mends.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

import lxml.html
from lxml.etree import ParserError

#: Gmail clips a mail at about 102 KB of HTML, and with it goes the unsubscribe link at the end.
LARGEST_HTML = 100_000
#: Longer subjects are cut off by every reader; this long they are most often a mistake.
LONGEST_SUBJECT = 150

#: Words that say nothing about where a link goes (a screen reader lists links without their sentences).
VAGUE = {"here", "click here", "click", "this", "this link", "link", "tap here", "press here", "more", "read more"}
#: Schemes that a link in a mail may have besides https.
HARMLESS = {"mailto", "tel", "sms", "cid"}
#: Elements that mail clients drop, or that make them distrust the mail.
UNSUPPORTED = ("script", "form", "iframe", "object", "embed", "video", "audio", "svg", "canvas", "base", "link")


class Severity(StrEnum):
    """How much a fault matters."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    #: ``error`` stops a launch, ``warning`` is told.
    severity: Severity
    #: A short name that scripts can compare, such as ``no-unsubscribe``.
    code: str
    #: One sentence for a person: what is wrong, and what to do.
    message: str

    def as_dict(self) -> dict[str, str]:
        """The fault as ``campaign check --json`` prints it."""
        return {"severity": self.severity.value, "code": self.code, "message": self.message}


@dataclass(frozen=True)
class Mail:
    """What is looked at: one rendered message, and what is known about it."""

    subject: str
    html: str
    text: str
    size: int
    dead_roles: tuple[str, ...]
    unsubscribe: str
    postal_address: str
    public_url: str
    document: lxml.html.HtmlElement


def faults(
    *,
    subject: str,
    html: str,
    text: str,
    unsubscribe: str,
    public_url: str,
    postal_address: str = "",
    size: int | None = None,
    dead_roles: Iterable[str] = (),
) -> list[Fault]:
    """Everything that is wrong with a message, errors first.

    ``html`` and ``text`` are the parts as one reader gets them, ``unsubscribe`` is the URL that must stand in both;
    ``size`` is the largest number of bytes the HTML may reach once links and values are in (the length of ``html``
    when it is not given); ``dead_roles`` names the link roles that have no URL.
    """
    mail = Mail(
        subject=subject,
        html=html,
        text=text,
        size=len(html.encode()) if size is None else size,
        dead_roles=tuple(dead_roles),
        unsubscribe=unsubscribe,
        postal_address=postal_address,
        public_url=public_url,
        document=_parse(html),
    )
    found = dict.fromkeys(fault for look in LOOKS for fault in look(mail))
    return sorted(found, key=lambda fault: fault.severity is not Severity.ERROR)


def _subject(mail: Mail) -> Iterator[Fault]:
    length = len(mail.subject.strip())
    if not length:
        yield _error("no-subject", "The subject is empty.")
    if length > LONGEST_SUBJECT:
        yield _error("long-subject", f"The subject has {length} characters; {LONGEST_SUBJECT} is the most we send.")


def _parts(mail: Mail) -> Iterator[Fault]:
    if not mail.text.strip():
        yield _error("no-text", "The plain-text part is missing or empty.")
    if not _words(mail.document):
        yield _error("no-html", "The HTML part is missing or empty.")


def _size(mail: Mail) -> Iterator[Fault]:
    if mail.size > LARGEST_HTML:
        message = (
            f"The HTML is up to {mail.size:,} bytes; Gmail clips mail above {LARGEST_HTML:,}. Shorten the article."
        )
        yield _error("too-large", message)


def _leaving(mail: Mail) -> Iterator[Fault]:
    targets = {link.get("href") for link in mail.document.iter("a")}
    if not mail.unsubscribe or mail.unsubscribe not in targets:
        yield _error("no-unsubscribe", "The HTML has no unsubscribe link: put {{ links.unsubscribe }} into the layout.")
    elif mail.text.strip() and mail.unsubscribe not in mail.text:
        yield _error("no-unsubscribe-text", "The text part has no unsubscribe link.")


def _sender(mail: Mail) -> Iterator[Fault]:
    if not mail.postal_address.strip():
        yield _warning(
            "no-postal-address", "There is no postal address: set OUTREACH_POSTAL_ADDRESS (the law asks for it)."
        )
    url = urlsplit(mail.public_url)
    if url.scheme != "https" and not _is_loopback(url.hostname or ""):
        yield _warning(
            "public-url-not-https", f"The public URL {mail.public_url} is not https: links can be read on the way."
        )


def _head(mail: Mail) -> Iterator[Fault]:
    if not (mail.document.findtext(".//title") or "").strip():
        yield _warning("no-title", "The HTML has no <title>: screen readers and the browser view announce it.")
    root = mail.document.getroottree().getroot()
    if not (root.get("lang") or "").strip():
        yield _warning("no-language", "The <html> element has no lang: screen readers then guess the language.")


def _links(mail: Mail) -> Iterator[Fault]:
    for role in mail.dead_roles:
        hint = "set OUTREACH_QUOTE_URL or fill it" if role == "quote" else "fill it"
        yield _error("dead-link-role", f"The link role {role!r} has no URL: {hint} under links: in the article.")
    for link in mail.document.iter("a"):
        if link.get("href") is not None:
            yield from _link(link, mail)


def _link(link: lxml.html.HtmlElement, mail: Mail) -> Iterator[Fault]:
    label = _words(link)
    href = str(link.get("href")).strip()
    if not label:
        yield _warning("link-without-words", f"The link to {href!r} has no words, and no picture with alt text.")
    elif label.rstrip(" .!→>»").casefold() in VAGUE:
        yield _warning("vague-link", f"The link words {label!r} do not say where the link goes.")
    if not (link.get("data-role") in mail.dead_roles and not href):
        yield from _target(href, label, mail.public_url)


def _target(href: str, label: str, public_url: str) -> Iterator[Fault]:
    url = _split(href)
    if url is None or not href or href == "#":
        yield _error("dead-link", f"The link {label!r} leads nowhere ({href!r}).")
    elif not url.scheme and href.startswith("#"):
        yield _warning(
            "link-inside-mail", f"The link {label!r} points inside the mail; many readers ignore such links."
        )
    elif not url.scheme:
        yield _error(
            "relative-link", f"The link {label!r} ({href}) is relative: a mail has no place it could be relative to."
        )
    elif url.scheme not in {"http", "https"} | HARMLESS:
        yield _error("bad-link", f"The link {label!r} uses {url.scheme}:, which mail readers refuse.")
    elif url.scheme in {"http", "https"} and (not url.hostname or url.username is not None):
        yield _error("bad-link", f"The link {label!r} ({href}) has no host, or a user name in its address.")
    elif url.scheme == "http" and not _same_site(url, public_url) and not _is_loopback(url.hostname or ""):
        yield _warning(
            "link-not-https", f"The link {label!r} ({href}) is http: what the reader does there can be read on the way."
        )


def _pictures(mail: Mail) -> Iterator[Fault]:
    for picture in mail.document.iter("img"):
        if picture.get("alt") is None:
            source = picture.get("src") or "without src"
            yield _warning("no-alt", f'The picture {source} has no alt text (alt="" if it only decorates).')


def _resources(mail: Mail) -> Iterator[Fault]:
    for element, attribute, href, _ in mail.document.iterlinks():
        url = _split(href)
        if element.tag in {"a", "area", "form", "html"} or attribute == "cite" or url is None:
            continue
        if (url.scheme in {"http", "https"} or href.startswith("//")) and not _same_site(url, mail.public_url):
            message = f"{href} is loaded from {url.hostname}, which then learns who reads: serve it under /media/."
            yield _warning("third-party", message)
    for tag in UNSUPPORTED:
        if next(mail.document.iter(tag), None) is not None:
            yield _warning("unsupported-element", f"<{tag}> does not work in mail: most readers remove it.")


#: Every look that is taken at a mail, in the order of the report.
LOOKS: tuple[Callable[[Mail], Iterator[Fault]], ...] = (
    _subject,
    _parts,
    _size,
    _leaving,
    _links,
    _sender,
    _head,
    _pictures,
    _resources,
)


def _error(code: str, message: str) -> Fault:
    return Fault(Severity.ERROR, code, message)


def _warning(code: str, message: str) -> Fault:
    return Fault(Severity.WARNING, code, message)


def _parse(html: str) -> lxml.html.HtmlElement:
    try:
        return lxml.html.document_fromstring(html)
    except ParserError:  # nothing in it
        return lxml.html.document_fromstring("<html><body></body></html>")


def _words(element: lxml.html.HtmlElement) -> str:
    """What a reader sees or hears of an element: its text, and the alt text of its pictures."""
    skipped = {"style", "script", "title"}
    parts: list[str] = []
    for node in element.iter():
        if not isinstance(node.tag, str):
            parts.append(node.tail or "")
            continue
        own = node.get("alt") if node.tag == "img" else node.text
        parts += [own or "" if node.tag not in skipped else "", (node.tail or "") if node is not element else ""]
    return " ".join("".join(parts).split())


def _split(href: str) -> SplitResult | None:
    try:
        url = urlsplit(href)
        url.port  # noqa: B018 - a port that is no number is only noticed when it is asked for
    except ValueError:
        return None
    return url


def _same_site(url: SplitResult, public_url: str) -> bool:
    ours = _split(public_url)
    return ours is not None and (url.hostname, url.port) == (ours.hostname, ours.port)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
