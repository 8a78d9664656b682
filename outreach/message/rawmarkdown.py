"""Which blocks make up a Markdown text, and which of its links can a mail hold?  Its own Markdown is kept as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from outreach.errors import ArticleError
from outreach.message import expressions, markdown, rawhtml, rawtext
from outreach.message.expressions import Mask
from outreach.message.rawtext import Block, Kind
from outreach.message.roles import Roles

_KINDS = {"heading_open": Kind.HEADING, "paragraph_open": Kind.TEXT}
_FRONT = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_PAIR = re.compile(r"(\s*)([A-Za-z][\w-]*):[ \t]*(.*?)\s*")
_KEYS = {"description": "preheader", "lang": "language"}
_TAKEN = {"title", "subject", "preheader", "language"}


@dataclass(frozen=True)
class Front:
    """What the front matter of a Markdown file says, whoever it was written for."""

    values: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    #: Lines that no article has a place for.
    others: list[tuple[int, str]] = field(default_factory=list)
    #: How many lines it takes.
    height: int = 0


def front(text: str) -> tuple[Front, str]:
    """The front matter of a Markdown file, and the text under it."""
    found = _FRONT.match(text)
    if not found:
        return Front(), text
    result = Front(height=found[0].count("\n"))
    group = ""
    for number, line in enumerate(found[1].split("\n"), 2):
        pair = _PAIR.fullmatch(line)
        key, value = (_KEYS.get(pair[2].lower(), pair[2]), _unquoted(pair[3])) if pair else ("", "")
        group = group if line[:1].isspace() else key
        if pair and pair[1] and group == "links" and not markdown.fault_of_role(key, value):
            result.links[key] = value
        elif pair and not pair[1] and key in _TAKEN and value:
            result.values.setdefault(key, value)
        elif line.strip() and not line.lstrip().startswith("#") and not (pair and not value):
            result.others.append((number, line.strip()))
    return result, text[found.end() :]


def _unquoted(value: str) -> str:
    """A YAML value on one line, without its quotes and the comment behind it."""
    quoted = re.match(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'", value)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted[1] is not None else quoted[2]
    return re.sub(r"(?:^|\s)#.*", "", value).strip()


def blocks(text: str, roles: Roles, *, line: int) -> list[Block]:
    """The blocks of a Markdown text that begins on that line of the file; bad links become words, and are noted."""
    try:
        mask = Mask.over(text, file="", line=line)
    except ArticleError:  # braces that were never meant as Jinja
        mask = Mask.over(expressions.escape(text), file="", line=line)
    parser = MarkdownIt("commonmark").enable("table")
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    reader = _Reader(mask, roles, parser)
    return list(reader.blocks(parser.parse(mask.text)))


@dataclass
class _Reader:
    mask: Mask
    roles: Roles
    parser: MarkdownIt

    def blocks(self, tokens: list[Token]) -> Iterator[Block]:
        lines = self.mask.text.split("\n")
        at = 0
        for group in _groups(tokens):
            first, end = group[0].map or [at, at]
            yield from self.between(lines, at, first)
            if group[0].type == "html_block":
                yield from self.html(group[0].content, first)
            elif group[0].type != "hr":
                yield self.block(group, "\n".join(lines[first:end]).strip("\n"), first)
            at = end
        yield from self.between(lines, at, len(lines))

    def block(self, group: list[Token], source: str, first: int) -> Block:
        opening = group[0]
        kind = _KINDS.get(opening.type, Kind.OTHER)
        inlines = [token for token in group if token.type == "inline"]
        if inlines and self.mask.only_statements(inlines[0].content):
            kind = Kind.OTHER
        if kind is not Kind.OTHER:
            source = inlines[0].content
        words = (
            " ".join("\n".join("".join(self.words([inline])) for inline in inlines).split())
            if inlines
            else opening.content
        )
        place = self.mask.lines[min(first, len(self.mask.lines) - 1)]
        mended = self.mended(inlines, self.untagged(inlines, source, line=place), line=place)
        level = int(opening.tag[1]) if kind is Kind.HEADING else 0
        if mended is None:  # its other links go, too: say what stood there
            self.roles.without_target(self.mask.reveal(source), None, line=place)
        text = rawtext.as_markdown(words) if mended is None else mended
        if kind is Kind.HEADING:
            text = " ".join(text.split())
        return Block(kind, self.mask.reveal(words), self.mask.reveal(text), place, level)

    def words(self, inlines: list[Token]) -> Iterator[str]:
        for inline in inlines:
            for child in inline.children or []:
                if child.type == "image":
                    yield from self.words([child])
                elif child.type in {"softbreak", "hardbreak"} or child.content.lower().startswith("<br"):
                    yield "\n"
                elif child.type != "html_inline":
                    yield child.content

    def untagged(self, inlines: list[Token], source: str, *, line: int) -> str:
        """The block's Markdown without HTML tags, which an article would show."""
        for inline in inlines:
            for child in inline.children or []:
                if child.type == "html_inline":
                    gap = " " if child.content.lower().startswith("<br") else ""
                    source = source.replace(child.content, gap, 1)
                    if re.search(r"(?:href|src)\s*=|<!--", child.content):
                        self.roles.without_target(child.content, None, line=line)
        return source

    def mended(self, inlines: list[Token], source: str, *, line: int) -> str | None:
        """The block's Markdown with its links led to roles; None where a bad link cannot be taken out."""
        context = "".join(self.words(inlines))
        for target, words, kind in _targets(inlines):
            if self.mask.begins(target):
                continue
            if kind == "image":
                fault = markdown.fault_of_picture(target)
                new = None if fault else target
                if fault:
                    self.roles.without_target(f"picture: {words}", None, line=line, target=target)
            elif markdown.ROLE.fullmatch(target) and target not in markdown.RESERVED_ROLES:
                new = target
                if not self.roles.urls.get(target):
                    self.roles.without_target(words, target, line=line)
            else:
                new = self.roles.target(words, target, line=line, context=context)
            changed = source if new == target else _led_elsewhere(source, target, new)
            if changed is None and new is None:
                return None
            source = changed or source
        return source

    def between(self, lines: list[str], first: int, end: int) -> Iterator[Block]:
        """Lines that are no block to Markdown: definitions that links refer to."""
        text = "\n".join(lines[first:end]).strip()
        if text:
            place = self.mask.lines[first]
            yield Block(Kind.OTHER, " ".join(text.split()), self.mask.reveal(text), place)

    def html(self, source: str, first: int) -> Iterator[Block]:
        """Raw HTML, read as a page is: an article would show its tags."""
        place = self.mask.lines[first]
        source = _without_open_comment(self.mask.reveal(source))
        try:
            page = rawhtml.read(source, self.roles, file="")
        except ArticleError:
            page = rawhtml.Page("", "", [])
        for block in page.blocks:
            yield replace(block, line=place + block.line - 1)
        if not page.blocks:
            yield Block(Kind.OTHER, " ".join(source.split()), "", place, aside=True)


def _without_open_comment(source: str) -> str:
    """A comment that never ends is a slip of the pen: what follows its beginning was meant to be read."""
    closed, end, rest = source.rpartition("-->")
    return closed + end + escape(rest.replace("<!--", ""), quote=False) if "<!--" in rest else source


def _groups(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of each block that stands in no other."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield group
            group = []


def _targets(inlines: list[Token]) -> Iterator[tuple[str, str, str]]:
    """Each link and picture: where it leads, its words, and which of both it is."""
    for inline in inlines:
        children = inline.children or []
        for index, child in enumerate(children):
            if child.type == "image":
                yield str(child.attrs.get("src", "")), child.content, "image"
            elif child.type == "link_open":
                rest = children[index + 1 :]
                end = next(at for at, token in enumerate(rest) if token.type == "link_close")
                yield str(child.attrs.get("href", "")), "".join(token.content for token in rest[:end]), "link"


def _led_elsewhere(source: str, old: str, new: str | None) -> str | None:
    """Markdown in which a link leads elsewhere, or is only words; None where it is not written as `[words](target)`."""
    inline = re.compile(
        rf"!?\[((?:[^\[\]\\]|\\.)*)\]\(\s*<?{re.escape(old)}>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)", re.DOTALL
    )
    found = inline.search(source)
    if not found:
        return None
    link = found[1] if new is None else f"[{found[1]}]({new})"
    return source[: found.start()] + link + source[found.end() :]
