"""What HTML does an article's Markdown make?  CommonMark with tables; the HTML is Jinja source.

Raw HTML is shown, not passed through. Link targets are written exactly as the article has them, because readers must
arrive exactly there. A link whose target is a single word leads to that role of the front matter (``quote``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from outreach.errors import ArticleError
from outreach.message.expressions import Mask

#: How a link role is written, in front matter and as a link's target.
ROLE = re.compile(r"[a-z][a-z0-9_]*")
#: Roles that every layout brings along: an article cannot declare them.
RESERVED_ROLES = {"unsubscribe", "preferences", "view"}
#: A picture named without a folder is one of the publisher's own, served or embedded by `image()`.
_OWN_PICTURE = re.compile(r"[A-Za-z0-9][\w.-]*\.(?:png|jpe?g|gif|webp)", re.ASCII)
#: What a link in a mail may lead to.
SCHEMES = {"http", "https", "mailto"}
_UNSAFE = re.compile(r"[\s\x00-\x20\x7f<>\\]")

#: The call to action: a padded cell, since buttons in mail are cells (the layout styles `td.button` and `a.button`).
_BUTTON = (
    '<table role="presentation" class="button" align="center" cellpadding="0" cellspacing="0" border="0"><tr>'
    '<td class="button" bgcolor="#0b6e69"><a class="button" data-role="{role}" href="{url}">{label}</a></td>'
    "</tr></table>\n"
)


@dataclass(frozen=True)
class Rendered:
    """What became of an article's text."""

    #: HTML that is Jinja source.
    html: str
    #: For each line of ``html``, the line of the article's file that it came from.
    lines: tuple[int, ...]
    #: The roles that links lead to, in the order of the text.
    roles: tuple[str, ...]


def render(text: str, links: Mapping[str, str], *, file: str, line: int) -> Rendered:
    """The HTML of a Markdown text that begins on that line of the file.

    Raises ArticleError, with the line, for a link that a mail cannot hold and for Jinja that is never closed.
    """
    mask = Mask.over(text, file=file, line=line)
    parser = _parser()
    tokens = parser.parse(mask.text)
    page = _Page(mask, links, file, [])
    for token in tokens:
        if token.type == "inline":
            page.place_links(token)
        elif token.type == "th_open":  # a screen reader then says the heading before each cell
            token.attrs = {"scope": "col", **token.attrs}
    html = parser.renderer.render(list(page.shaped(tokens, parser)), parser.options, {})
    source, lines = mask.restore(html)
    return Rendered(source, lines, tuple(dict.fromkeys(page.roles)))


def fault_of_url(url: str) -> str | None:
    """What is wrong with a link's URL, or None: http(s) without a user name, or mailto."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a port that is no number is only noticed when it is asked for
    except ValueError as error:
        return f"is no URL ({error})"
    faults = {
        "is empty": not url,
        "holds a space or another character that no URL has": bool(_UNSAFE.search(url)),
        "is neither https:// (or http://) nor mailto:, nor the name of a link role": parts.scheme not in SCHEMES,
        "has no address": parts.scheme == "mailto" and "@" not in parts.path,
        "has no host": parts.scheme != "mailto" and not parts.hostname,
        "has a user name in it, which hides where it leads": "@" in parts.netloc,
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def fault_of_role(role: str, url: str) -> str | None:
    """What is wrong with a role that an article declares, or with its URL ("" is left to a setting); or None."""
    if not ROLE.fullmatch(role):
        return f"The link role {role!r} is not a word of small letters, digits and _."
    if role in RESERVED_ROLES:
        return f"The link role {role!r} is filled for each reader and cannot be declared."
    if url and "{{" in url:
        return f"The URL of the link role {role!r} must be the same for every reader: it cannot hold {{{{ ... }}}}."
    fault = fault_of_url(url) if url else None
    return f"The URL of the link role {role!r}, {url!r}, {fault}." if fault else None


def fault_of_picture(source: str) -> str | None:
    """What is wrong with where a picture is taken from, or None: an own picture's name, or http(s)."""
    if _OWN_PICTURE.fullmatch(source):
        return None
    return "is no picture" if source.startswith("mailto:") else fault_of_url(source)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Both would change or silently drop links; ours are checked, and then written as they are.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


@dataclass
class _Page:
    """The article while it is rendered: where its links lead, and which roles were met."""

    mask: Mask
    links: Mapping[str, str]
    file: str
    roles: list[str]

    def place_links(self, block: Token) -> None:
        for token in block.children or []:
            if token.type == "link_open":
                self.place_link(token, block)
            elif token.type == "image":
                self.place_picture(token, block)

    def place_link(self, token: Token, block: Token) -> None:
        target = str(token.attrs.get("href", ""))
        if ROLE.fullmatch(target) and not self.mask.begins(target):
            self.roles.append(target)
            token.attrs = {"data-role": target, **token.attrs, "href": self.links.get(target, "")}
        elif not self.mask.begins(target):
            self.require(target, "link", fault_of_url(target), block)

    def place_picture(self, token: Token, block: Token) -> None:
        source = str(token.attrs.get("src", ""))
        if _OWN_PICTURE.fullmatch(source):
            line = self.line_of(source, block)
            token.attrs["src"] = self.mask.hide(f"{{{{ image('{source}') }}}}", line=line)
        elif not self.mask.begins(source):
            self.require(source, "picture", fault_of_picture(source), block)

    def require(self, target: str, kind: str, fault: str | None, block: Token) -> None:
        shown = self.mask.reveal(target)
        if fault:
            raise ArticleError(
                f"The target of a {kind}, {shown!r}, {fault}.",
                file=self.file,
                line=self.line_of(target, block),
                hint="Write the whole URL, or a role that the front matter declares under links:.",
            )

    def line_of(self, target: str, block: Token) -> int:
        first, end = block.map or [0, 1]
        masked = self.mask.text.split("\n")[first:end]
        needle = target or "]()"
        within = next((index for index, text in enumerate(masked) if needle in text), 0)
        return self.mask.lines[min(first + within, len(self.mask.lines) - 1)]

    def shaped(self, tokens: list[Token], parser: MarkdownIt) -> Iterator[Token]:
        """The tokens, with calls to action as buttons and no paragraph around bare statements."""
        index = 0
        while index < len(tokens):
            block = tokens[index + 1] if tokens[index].type == "paragraph_open" else None
            ready = self.ready_made(block, parser) if block else None
            if ready is None:
                yield tokens[index]
                index += 1
            else:
                yield Token("html_block", "", 0, content=ready)
                index += 3

    def ready_made(self, block: Token, parser: MarkdownIt) -> str | None:
        if self.mask.only_statements(block.content):
            return block.content + "\n"
        children = [token for token in block.children or [] if token.type != "text" or token.content]
        shape = [token.type for token in children]
        if shape[:2] == ["strong_open", "link_open"] and shape[-2:] == ["link_close", "strong_close"]:
            link = children[1]
        elif shape[:2] == ["link_open", "strong_open"] and shape[-2:] == ["strong_close", "link_close"]:
            link = children[0]
        else:
            return None
        if "data-role" not in link.attrs or shape.count("link_open") + shape.count("strong_open") > 2:
            return None
        label = parser.renderer.render([_inline(children[2:-2])], parser.options, {})
        return _BUTTON.format(
            role=link.attrs["data-role"], url=escapeHtml(str(link.attrs["href"])), label=label.strip()
        )


def _inline(children: list[Token]) -> Token:
    return Token("inline", "", 0, children=children)
