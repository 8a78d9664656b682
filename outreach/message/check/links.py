"""Do the links of a mail lead somewhere, and do their words say where?"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult

import lxml.html

from outreach.message.check.fault import Fault, error, shortened, warning
from outreach.message.check.mail import Mail, is_loopback, split, words

#: Words that say nothing about where a link goes (a screen reader lists links without their sentences).
VAGUE = {
    *("here", "click here", "click", "this", "this link", "link", "tap here", "press here", "more", "read more"),
    *("hier", "hier klicken", "klicken sie hier", "mehr", "weiterlesen", "ici", "cliquez ici", "aquí", "qui"),
}
#: Schemes that a link in a mail may have besides https.
HARMLESS = {"mailto", "tel", "sms", "cid"}


def leaving(mail: Mail) -> Iterator[Fault]:
    """Whether everybody can leave, by either part."""
    targets = {link.get("href") for link in mail.document.iter("a")}
    if not mail.unsubscribe or mail.unsubscribe not in targets:
        yield error("no-unsubscribe", "The HTML has no unsubscribe link: put {{ links.unsubscribe }} into the layout.")
    elif mail.text.strip() and mail.unsubscribe not in mail.text:
        yield error("no-unsubscribe-text", "The text part has no unsubscribe link.")


def targets(mail: Mail) -> Iterator[Fault]:
    """Where they lead, one by one."""
    for role in mail.dead_roles:
        hint = "set OUTREACH_QUOTE_URL or fill it" if role == "quote" else "fill it"
        yield error("dead-link-role", f"The link role {role!r} has no URL: {hint} under links: in the article.")
    for link in mail.document.iter("a"):
        if link.get("href") is not None:
            yield from _link(link, mail)


def labels(mail: Mail) -> Iterator[Fault]:
    """The same words always lead to the same place: who hears the list of links cannot tell them apart otherwise."""
    led: dict[str, set[str]] = {}
    for link in mail.document.iter("a"):
        label, href = words(link).casefold(), str(link.get("href") or "").strip()
        if label and href:
            led.setdefault(label, set()).add(href)
    for label, places in led.items():
        if len(places) > 1:
            yield warning(
                "same-words-other-link",
                f"The link words {shortened(label)} lead to {len(places)} different places: say in each where it goes.",
            )


def _link(link: lxml.html.HtmlElement, mail: Mail) -> Iterator[Fault]:
    label = words(link)
    href = str(link.get("href")).strip()
    if not label:
        yield warning("link-without-words", f"The link to {href!r} has no words, and no picture with alt text.")
    elif label.rstrip(" .!→>»").casefold() in VAGUE:
        yield warning("vague-link", f"The link words {label!r} do not say where the link goes.")
    if not (link.get("data-role") in mail.dead_roles and not href):
        yield from _target(href, label, mail.public_url)


def _target(href: str, label: str, public_url: str) -> Iterator[Fault]:
    url = split(href)
    if url is None or not href or href == "#":
        yield error("dead-link", f"The link {label!r} leads nowhere ({href!r}).")
    elif not url.scheme and href.startswith("#"):
        yield warning("link-inside-mail", f"The link {label!r} points inside the mail; many readers ignore such links.")
    elif not url.scheme:
        yield error(
            "relative-link", f"The link {label!r} ({href}) is relative: a mail has no place it could be relative to."
        )
    elif url.scheme not in {"http", "https"} | HARMLESS:
        yield error("bad-link", f"The link {label!r} uses {url.scheme}:, which mail readers refuse.")
    elif url.scheme in {"http", "https"} and (not url.hostname or url.username is not None):
        yield error("bad-link", f"The link {label!r} ({href}) has no host, or a user name in its address.")
    elif url.scheme == "http" and not same_site(url, public_url) and not is_loopback(url.hostname or ""):
        yield warning(
            "link-not-https", f"The link {label!r} ({href}) is http: what the reader does there can be read on the way."
        )


def same_site(url: SplitResult, public_url: str) -> bool:
    """Whether a URL is on our own public place."""
    ours = split(public_url)
    return ours is not None and (url.hostname, url.port) == (ours.hostname, ours.port)
