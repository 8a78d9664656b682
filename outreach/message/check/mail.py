"""What is looked at?  One rendered message, and what is known about it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

import lxml.html
from lxml.etree import ParserError

from outreach.message.check.styles import Screen, Style, computed
from outreach.message.check.wording import Wording

#: Elements whose text nobody reads.
SILENT = {"style", "script", "title", "head", "noscript", "template"}
#: Elements that stand within a line.
INLINE = {"a", "abbr", "b", "big", "code", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"}


@dataclass(frozen=True)
class Mail:
    """One rendered message, and the facts around it."""

    subject: str
    html: str
    text: str
    #: The largest number of bytes that the HTML may reach once links and values are in.
    size: int
    dead_roles: tuple[str, ...]
    unsubscribe: str
    postal_address: str
    public_url: str
    #: The addresses of From and Reply-To, and the hosts of the relays that it goes to; empty where not known.
    sender: str = ""
    reply_to: str = ""
    relays: tuple[str, ...] = ()
    #: What the publisher wants written, and not written.
    wording: Wording = field(default_factory=Wording)

    @cached_property
    def document(self) -> lxml.html.HtmlElement:
        """The HTML, parsed."""
        try:
            return lxml.html.document_fromstring(self.html)
        except ParserError:  # nothing in it
            return lxml.html.document_fromstring("<html><body></body></html>")

    @cached_property
    def light(self) -> dict[lxml.html.HtmlElement, Style]:
        """How each element shows on a wide screen in light mode."""
        return computed(self.document, Screen())

    @cached_property
    def phone(self) -> dict[lxml.html.HtmlElement, Style]:
        """How each element shows on a phone."""
        return computed(self.document, Screen(narrow=True))

    def is_hidden(self, element: lxml.html.HtmlElement) -> bool:
        """Whether an element is hidden on every screen."""
        return self.light[element].hidden and self.phone[element].hidden

    @cached_property
    def language(self) -> str:
        """The language that the document says it is in, without its region; "" where it says nothing."""
        root = self.document.getroottree().getroot()
        return (root.get("lang") or "").strip().lower().partition("-")[0]

    def written(self, *, elsewhere: bool = True) -> Iterator[tuple[lxml.html.HtmlElement, str]]:
        """Each piece of text that somebody can see, with the element that it stands in.

        `elsewhere` says whether parts in another language than the document's count.
        """
        for element in self.document.iter():
            if not isinstance(element.tag, str) or element.tag in SILENT or self.is_hidden(element):
                continue
            if not elsewhere and self._speaks(element) != self.language:
                continue
            inside = [element.text, *(child.tail for child in element)]
            for piece in inside:
                if piece and not piece.isspace():
                    yield element, piece

    def _speaks(self, element: lxml.html.HtmlElement) -> str:
        for each in (element, *element.iterancestors()):
            if each.get("lang"):
                return str(each.get("lang")).strip().lower().partition("-")[0]
        return self.language

    def read(self, *, hidden: bool = False) -> str:
        """All that the HTML says, its blocks parted by ``|``; `hidden`: the preheader and its like too."""
        return "".join(self._read(self.document, hidden))

    def _read(self, element: lxml.html.HtmlElement, hidden: bool) -> Iterator[str]:
        if not isinstance(element.tag, str) or element.tag in SILENT or (not hidden and self.is_hidden(element)):
            return
        edge = "" if element.tag in INLINE else " | "
        yield edge + (element.text or "")
        for child in element:
            yield from self._read(child, hidden)
            yield child.tail or ""
        yield edge


def words(element: lxml.html.HtmlElement) -> str:
    """What a reader sees or hears of an element: its text, and the alt text of its pictures."""
    parts: list[str] = []
    for node in element.iter():
        if not isinstance(node.tag, str):
            parts.append(node.tail or "")
            continue
        own = node.get("alt") if node.tag == "img" else node.text
        silent = node.tag in {"style", "script", "title"}
        parts += ["" if silent else own or "", (node.tail or "") if node is not element else ""]
    return " ".join("".join(parts).split())


def split(href: str) -> SplitResult | None:
    """A URL taken apart, or None for what is none."""
    try:
        url = urlsplit(href)
        url.port  # noqa: B018 - a port that is no number is only noticed when it is asked for
    except ValueError:
        return None
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
