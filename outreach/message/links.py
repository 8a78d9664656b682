"""Which links does a mail have, and under which number is each counted?

Links are found in parsed HTML, never by a pattern; what stands in the attribute is the destination, to the letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import lxml.html

from outreach.errors import CompileError
from outreach.message.slots import Click, Marks

#: The longest label that is kept.
LONGEST_LABEL = 200


@dataclass(frozen=True)
class TrackedLink:
    """One destination; every place of the mail with the same role and URL shares its number."""

    #: Counted from 1; stands in the token.
    number: int
    #: ``quote``, ``accreditation``, ... or empty for a plain link of the text.
    role: str
    #: The words of the link as readers see them first.
    label: str
    #: The destination, exactly as it was written.
    url: str


@dataclass
class Table:
    """The numbers of a campaign's links, in the order in which they were found."""

    #: Link role -> URL, as the article declares them.
    roles: Mapping[str, str]
    links: list[TrackedLink] = field(default_factory=list)
    #: Whether links that are not known yet get a number.
    growing: bool = True

    def number(self, role: str, url: str, label: str) -> int | None:
        """The number of a link; None for a new one once the table is closed."""
        role = role or next((name for name, target in self.roles.items() if target == url), "")
        for link in self.links:
            if (link.role, link.url) == (role, url):
                return link.number
        if not self.growing:
            return None
        self.links.append(TrackedLink(len(self.links) + 1, role, label[:LONGEST_LABEL], url))
        return len(self.links)


#: What a link becomes in the mail: (role, URL, label) -> URL, or None to leave it as it is.
Place = Callable[[str, str, str], str | None]


def place(document: lxml.html.HtmlElement, marks: Marks, target: Place) -> None:
    """Give every link that leads out of the mail the URL that `target` says; the document is changed.

    Left alone: mailto and the like, links that depend on the recipient (they have no one destination), our own.
    Raises CompileError for a link role without URL and for a user name in a URL.
    """
    for link in document.iter("a", "area"):
        href = str(link.get("href") or "").strip()
        role = str(link.get("data-role") or "")
        if marks.token in href:
            link.set("href", marks.as_url(href))
        elif _leads_out(href, role):
            url = target(role, href, label(link, marks))
            link.set("href", href if url is None else url)


def table_place(table: Table, marks: Marks) -> Place:
    """Each link under its number in the table."""

    def target(role: str, url: str, words: str) -> str | None:
        number = table.number(role, url, words)
        return None if number is None else marks.url(Click(number))

    return target


def label(link: lxml.html.HtmlElement, marks: Marks) -> str:
    """The words of a link, or what its picture says."""
    words = " ".join(link.text_content().split())
    pictures = [str(picture.get("alt") or "") for picture in link.iter("img")]
    return marks.unmarked(words or " ".join(" ".join(pictures).split()))


def _leads_out(href: str, role: str) -> bool:
    """Whether a link is an absolute http(s) URL; raises CompileError for one that nobody could follow."""
    try:
        url = urlsplit(href)
        wrong = any(character < " " for character in href) or url.username is not None
    except ValueError:
        url, wrong = urlsplit(""), True
    if wrong:
        raise CompileError(f"the link {href!r} holds a user name or is not a URL")
    if role and not href:
        raise dead_role(role)
    if not url.scheme and not url.netloc and href.isidentifier():
        raise dead_role(href)
    return url.scheme in {"http", "https"} and bool(url.hostname)


def dead_role(role: str) -> CompileError:
    """The refusal of a link role that leads nowhere."""
    hint = "Set OUTREACH_QUOTE_URL, or fill" if role == "quote" else "Fill"
    return CompileError(
        f"the link role {role!r} has no URL", hint=f"{hint} it in under links: in the article's front matter."
    )
