"""Which blocks make up a web page: its headings, paragraphs and items, and what stands around the article?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import lxml.html
from lxml import etree

from outreach.errors import ArticleError
from outreach.message import rawtext
from outreach.message.rawtext import Block, Kind
from outreach.message.roles import Roles, is_call

_BLOCKS = """
    address article aside blockquote body button caption center dd details dialog div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr label legend li main menu nav ol option p pre search section select
    summary table tbody td tfoot th thead tr ul
"""
BLOCKS = frozenset(_BLOCKS.split())
#: Elements whose text no reader of the page sees.
SILENT = frozenset(("script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object", "textarea"))
#: Elements that stand around an article.
ASIDE = frozenset(("nav", "footer", "aside", "form", "button", "select", "dialog", "menu", "search"))
_ROLES_ASIDE = frozenset(("navigation", "banner", "contentinfo", "complementary", "search"))
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**"}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}


@dataclass(frozen=True)
class Page:
    """A web page, read."""

    #: What `<title>` says; "" without one.
    title: str
    #: What `lang` says; "" without one.
    language: str
    blocks: list[Block]


def read(html: str, roles: Roles, *, file: str) -> Page:
    """The page's blocks in their order; links find their role, or are noted as missing, in ``roles``.

    Raises ArticleError for a page without any text.
    """
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        root = lxml.html.document_fromstring(html.encode(), parser=parser)
    except etree.ParserError as error:
        raise ArticleError("The page has no text.", file=file) from error
    if any("depth" in entry.message for entry in parser.error_log):  # what lies deeper was left out by the parser
        raise ArticleError("The page nests its elements too deeply to be read whole.", file=file)
    body = root.find("body")
    if body is None:
        raise ArticleError("The page has no text.", file=file)
    title = root.findtext(".//head/title") or ""
    reader = _Reader(roles, _main(body))
    return Page(
        " ".join(title.split()), root.get("lang") or "", list(reader.blocks(body, aside=reader.main is not None))
    )


def _main(body: etree._Element) -> etree._Element | None:
    """The one element that holds the article, where the page says so."""
    for path in (".//article", ".//main", ".//*[@role='main']"):
        found = body.findall(path)
        if len(found) == 1 and len(str(found[0].xpath("string()")).split()) > 20:
            return found[0]
    return None


@dataclass
class _Reader:
    roles: Roles
    main: etree._Element | None

    def blocks(self, element: etree._Element, *, aside: bool, sign: str = "") -> Iterator[Block]:
        """The blocks of an element; ``sign`` is what begins an item of the list that it stands in."""
        aside = (aside and element is not self.main) or _stands_aside(element)
        level = _HEADINGS.get(str(element.tag), 0)
        line = _line(element)
        kept = "" if element.tag in {"ul", "ol"} else sign
        if element.tag == "table" and not aside:
            yield from self.table(element)
            return
        run: list[tuple[str, str]] = [self.text(element.text)]
        for child in element:
            if child.tag in SILENT:
                run.append(self.text(child.tail))
            elif _holds_blocks(child):
                yield from _paragraphs(run, line, level, sign, aside=aside)
                yield from self.blocks(child, aside=aside, sign=_sign(element, child) or kept)
                run, line = [self.text(child.tail)], _line(child)
            else:
                run += [self.inline(child, aside=aside), self.text(child.tail)]
        yield from _paragraphs(run, line, level, sign, aside=aside)

    def table(self, table: etree._Element) -> Iterator[Block]:
        rows = [[self.cell(cell) for cell in row if cell.tag in {"td", "th"}] for row in table.iter("tr")]
        rows = [row for row in rows if any(words for words, _ in row)]
        line = _line(table)
        width = max((len(row) for row in rows), default=0)
        if width < 2 or table.find(".//table") is not None:
            for words, text in (cell for row in rows for cell in row):
                yield from _paragraphs([(words, text)], line, 0, "", aside=False)
            return
        drawn = ["| " + " | ".join([text for _, text in row] + [""] * (width - len(row))) + " |" for row in rows]
        drawn.insert(1, "|" + "---|" * width)
        words = " ".join(words for row in rows for words, _ in row)
        yield Block(Kind.OTHER, words, "\n".join(drawn), line)

    def cell(self, cell: etree._Element) -> tuple[str, str]:
        """A cell of a table on one line."""
        words, text = self.content(cell, aside=False)
        return " ".join(words.split()), " ".join(text.split()).replace("|", r"\|")

    def inline(self, element: etree._Element, *, aside: bool) -> tuple[str, str]:
        """The words and the Markdown of an element inside a paragraph; a forced line break is a line break."""
        if element.tag == "br":
            return "\n", "\n"
        if element.tag == "img":
            return self.picture(element, aside=aside)
        words, text = self.content(element, aside=aside)
        shown = " ".join(words.split())
        href = element.get("href") if element.tag == "a" else None
        if href is not None and shown and (not aside or is_call(shown)):
            context = _context(element)
            target = self.roles.target(shown, str(href).strip(), line=_line(element), context=context)
            return words, f"[{' '.join(text.split())}]({target})" if target else text
        mark = _MARKS.get(str(element.tag), "")
        inner = text.strip()
        if not mark or not inner or "\n" in inner or "*" in inner:
            return words, text
        before, _, after = text.partition(inner)
        return words, f"{before and ' '}{mark}{inner}{mark}{after and ' '}"

    def content(self, element: etree._Element, *, aside: bool) -> tuple[str, str]:
        parts = [self.text(element.text)]
        for child in element:
            if child.tag not in SILENT:
                parts.append(self.inline(child, aside=aside))
            parts.append(self.text(child.tail))
        return "".join(words for words, _ in parts), "".join(text for _, text in parts)

    def picture(self, element: etree._Element, *, aside: bool) -> tuple[str, str]:
        """What a picture shows, in words: the picture itself would be loaded from somebody else's server."""
        alt = " ".join((element.get("alt") or "").split())
        if not aside:
            line = _line(element)
            self.roles.without_target(f"picture: {alt}", None, line=line, target=element.get("src"))
        return self.text(alt)

    def text(self, text: str | None) -> tuple[str, str]:
        """A piece of text, and the Markdown of it; space of any kind becomes one blank."""
        words = re.sub(r"\s+", " ", text or "")
        return words, rawtext.escaped(words)


def _paragraphs(run: list[tuple[str, str]], line: int, level: int, sign: str, *, aside: bool) -> Iterator[Block]:
    """What stands between two blocks: paragraphs, parted by two forced line breaks."""
    words = "".join(piece for piece, _ in run).strip()
    text = "".join(piece for _, piece in run).strip()
    if not words:
        return
    kind = Kind.HEADING if level else Kind.ITEM if sign else Kind.TEXT
    block = Block(kind, " ".join(words.split()), "", line, level, aside)
    if kind is not Kind.TEXT:
        yield replace(block, markdown=sign + rawtext.unled(" ".join(text.split())))
        return
    told = re.split(r"\n[ \n]*\n", words)
    drawn = re.split(r"\n[ \n]*\n", text)
    for paragraph, source in zip(told, drawn, strict=True):
        lines = [rawtext.unled(part.strip()) for part in source.split("\n")]
        yield replace(block, words=" ".join(paragraph.split()), markdown="\\\n".join(part for part in lines if part))


def _context(link: etree._Element) -> str:
    """What the block around a link says."""
    block = next((outer for outer in link.iterancestors() if outer.tag in BLOCKS), link)
    return " ".join(str(block.xpath("string()")).split())


def _line(element: etree._Element) -> int:
    return int(getattr(element, "sourceline", None) or 1)


def _holds_blocks(element: etree._Element) -> bool:
    return element.tag in BLOCKS or any(inner.tag in BLOCKS for inner in element.iterdescendants(etree.Element))


def _stands_aside(element: etree._Element) -> bool:
    if element.tag == "header":  # the head of the page, or that of the article
        return next(element.iterancestors("article", "main"), None) is None and element.find(".//h1") is None
    return element.tag in ASIDE or element.get("role") in _ROLES_ASIDE


def _sign(parent: etree._Element, child: etree._Element) -> str:
    """What begins the item of a list."""
    if child.tag != "li":
        return ""
    return f"{1 + sum(1 for _ in child.itersiblings('li', preceding=True))}. " if parent.tag == "ol" else "- "
