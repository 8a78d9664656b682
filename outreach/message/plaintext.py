"""What does the mail say to somebody who reads plain text?  The same words, links and calls, in at most 78 columns.

It is made from the HTML before CSS was inlined. A link inside a sentence becomes a number, with its URL right under the
paragraph; a link that stands alone (a button, the footer) has its words and then its URL on a line of its own. So no
line of prose gets longer or shorter with the length of a URL, which matters: the text is wrapped once for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import lxml.html
from lxml import etree
from lxml.etree import ParserError

from outreach.message import wrap

#: The widest line that old mail readers show without breaking it again (RFC 5322, 2.1.1).
COLUMNS = 78
RULE = "-" * 40

_BLOCKS = """
    address article aside blockquote center dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6
    header hr li main nav ol p pre section table tbody td tfoot th thead tr ul
"""
BLOCKS = frozenset(_BLOCKS.split())
SILENT = frozenset(("head", "style", "script", "title", "template", "noscript"))
UNDERLINES = {"h1": "=", "h2": "-"}

_SPACE = re.compile(r"[ \t\r\n\f]+")
_UNSEEN = re.compile("[\u00ad\u200b\ufeff]")  # hyphenation hints and the like; a terminal may print them
_BREAK = "\N{LINE SEPARATOR}"
_ONLY_PUNCTUATION = re.compile(r"[\W_]*")
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)

#: The lines of one paragraph; blocks are parted by an empty line.
Block = list[str]


@dataclass(frozen=True)
class Link:
    """A link inside a run of text."""

    label: str
    href: str


def from_html(html: str) -> str:
    """The text part of a mail, wrapped, ending in one newline.

    Words without a space in them (URLs, sentinels) are never broken. What a reader does not see is left out
    (``hidden``, ``display:none``, ``aria-hidden``, the class ``preheader``).
    """
    try:
        body = lxml.html.document_fromstring(html).find("body")
    except ParserError:  # nothing in it
        return ""
    if body is None:
        return ""
    blocks = _Page().container(body, COLUMNS)
    text = "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks)
    return text.strip("\n") + "\n" if text.strip() else ""


@dataclass
class _Page:
    """The text as it grows: numbers of links go up through the whole mail."""

    numbered: int = 0
    #: Lines ``[n] URL`` that wait for the end of the paragraph, list or table in which their links stand.
    waiting: list[str] = field(default_factory=list)

    def container(self, element: etree._Element, columns: int, *, inner: bool = False) -> list[Block]:
        """The blocks of an element that may hold text and blocks; an ``inner`` one leaves its notes to the outer."""
        blocks: list[Block] = []
        for part in _parts(element):
            more = self.run(part, columns) if isinstance(part, list) else self.block(part, columns, inner=inner)
            blocks += [block for block in more if block]
            if not inner and blocks and not blocks[-1][-1].endswith(":"):  # it introduces what follows
                blocks += self.notes()
        return blocks if inner else blocks + self.notes()

    def notes(self) -> list[Block]:
        """The URLs that wait, as one block."""
        waiting, self.waiting = self.waiting, []
        return [waiting] if waiting else []

    def block(self, element: etree._Element, columns: int, *, inner: bool) -> list[Block]:
        """The blocks of a block-level element."""
        match element.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                blocks = self.heading(element, columns)
            case "p":
                blocks = self.container(element, columns, inner=True)
            case "ul" | "ol":
                blocks = self.items(element, columns)
            case "blockquote":
                blocks = _beside(self.container(element, columns - 2, inner=True), "> ", "> ")
            case "dd":
                blocks = _beside(self.container(element, columns - 2, inner=True), "  ", "  ")
            case "table" if _is_data(element):
                blocks = self.table(element, columns)
            case "pre":
                blocks = [
                    str(etree.tostring(element, method="text", encoding="unicode", with_tail=False))
                    .strip("\n")
                    .split("\n")
                ]
            case "hr":
                blocks = [[RULE]]
            case tag:
                rule = [[RULE]] if tag == "footer" or element.get("role") == "contentinfo" else []
                blocks = rule + self.container(element, columns, inner=inner)
        return blocks

    def run(self, pieces: list[str | Link], columns: int) -> list[Block]:
        """One paragraph; each of its forced lines is prose, or nothing but links."""
        block: Block = []
        for line in _forced_lines(pieces):
            links = [piece for piece in line if isinstance(piece, Link)]
            prose = "".join(piece for piece in line if isinstance(piece, str))
            if links and _ONLY_PUNCTUATION.fullmatch(prose):
                for link in links:
                    block += _standing_alone(link, columns)
            else:
                block += wrap.lines(self.prose(line), columns)
        return [block] if any(block) else []

    def prose(self, pieces: Iterable[str | Link]) -> str:
        """Words in a row, links among them; their URLs wait until the paragraph ends."""
        said = "".join(self.mention(piece) if isinstance(piece, Link) else piece for piece in pieces)
        return _SPACE.sub(" ", _UNSEEN.sub("", said)).strip(" ")

    def mention(self, link: Link) -> str:
        """A link inside a sentence."""
        target = _target(link)
        if target is None:
            return link.label
        if target != link.href:
            return f"{link.label} ({target})"
        self.numbered += 1
        self.waiting.append(f"[{self.numbered}] {link.href}")
        return f"{link.label}\N{NO-BREAK SPACE}[{self.numbered}]"

    def heading(self, element: etree._Element, columns: int) -> list[Block]:
        """A heading, the two highest underlined and set apart by one more empty line."""
        written = wrap.lines(self.prose(_pieces(element)).replace(_BREAK, " "), columns)
        line = UNDERLINES.get(str(element.tag))
        if not written or line is None:
            return [written] if written else []
        return [["", *written, line * max(wrap.width(text) for text in written)]]

    def items(self, element: etree._Element, columns: int) -> list[Block]:
        """A list; items of plain words stand close together, items that hold paragraphs apart."""
        items: list[list[Block]] = []
        number = int(str(element.get("start") or 1))
        marks = [f"{number + at}. " if element.tag == "ol" else "- " for at in range(len(element))]
        indent = max((len(mark) for mark in marks), default=0)
        for mark, item in zip(marks, (item for item in element if item.tag == "li"), strict=False):
            blocks = self.container(item, columns - indent, inner=True)
            items.append(_beside(blocks, mark.rjust(indent), " " * indent))
        if next(element.iterfind("li/p"), None) is not None:
            return [block for blocks in items for block in blocks]
        return [[line for blocks in items for block in blocks for line in block]]

    def table(self, element: etree._Element, columns: int) -> list[Block]:
        """A table of data: in columns where they fit, else each row as lines of its own."""
        rows = [[self.prose(_pieces(cell)).replace(_BREAK, " ") for cell in _cells(row)] for row in element.iter("tr")]
        rows = [row for row in rows if any(row)]
        heads = len(list(element.iterfind("thead/tr"))) or int(next(element.iter("td"), None) is None)
        count = max((len(row) for row in rows), default=0)
        widths = [max(wrap.width(row[at]) for row in rows if at < len(row)) for at in range(count)]
        if sum(widths) + 2 * (count - 1) <= columns:
            return [list(_aligned(rows, widths, heads))]
        names = rows[0] if heads else []
        return [_stacked(row, names, columns) for row in rows[heads:]]


def _aligned(rows: list[list[str]], widths: list[int], heads: int) -> Iterator[str]:
    for at, row in enumerate(rows):
        if heads and at == heads:
            yield "  ".join("-" * size for size in widths)
        yield "  ".join(cell + " " * (size - wrap.width(cell)) for cell, size in zip(row, widths, strict=False))


def _stacked(row: list[str], names: list[str], columns: int) -> Block:
    named = [f"{names[at]}: {cell}" if at < len(names) and names[at] else cell for at, cell in enumerate(row) if cell]
    return [line for cell in named for line in wrap.lines(cell, columns)]


def _beside(blocks: list[Block], first: str, rest: str) -> list[Block]:
    """Blocks with a mark before their first line, and its width (or the mark of a quote) before all others."""
    marked = [
        [(rest if at or row else first) + line for row, line in enumerate(block)] for at, block in enumerate(blocks)
    ]
    if rest.strip():  # a quote goes on through its empty lines
        return [[line for at, block in enumerate(marked) for line in ([rest.rstrip()] * bool(at) + block)]]
    return marked


def _standing_alone(link: Link, columns: int) -> Block:
    target = _target(link)
    if not link.label or target is None:
        return wrap.lines(link.label or link.href, columns)
    return [*wrap.lines(f"{link.label}:", columns), target]


def _target(link: Link) -> str | None:
    """What is to be written beside a link's words; None when the words say it already, or it leads nowhere."""
    address = link.href.removeprefix("mailto:").removeprefix("tel:")
    if not address or link.href.startswith("#") or link.label in {link.href, address}:
        return None
    return address


def _parts(element: etree._Element) -> Iterator[list[str | Link] | etree._Element]:
    """An element's content in order: runs of text and links, and the block-level elements between them."""
    run: list[str | Link] = [element.text or ""]
    for child in element:
        if _is_block(child):
            yield run
            yield child
            run = []
        else:
            run += _inline(child)
        run.append(child.tail or "")
    yield run


def _pieces(element: etree._Element) -> list[str | Link]:
    """All the text of an element as one run, whatever it holds."""
    pieces: list[str | Link] = [element.text or ""]
    for child in element:
        pieces += _inline(child)
        pieces.append(child.tail or "")
    return pieces


def _inline(element: etree._Element) -> list[str | Link]:
    if _is_hidden(element):
        return []
    if element.tag == "br":
        return [_BREAK]
    if element.tag == "img":
        return [str(element.get("alt") or "")]
    pieces = _pieces(element)
    href = element.get("href") if element.tag == "a" else None
    if href is None:
        return pieces
    label = "".join(piece.label if isinstance(piece, Link) else piece for piece in pieces).replace(_BREAK, " ")
    return [Link(_SPACE.sub(" ", label).strip(), str(href).strip())]


def _forced_lines(pieces: list[str | Link]) -> Iterator[list[str | Link]]:
    line: list[str | Link] = []
    for piece in pieces:
        if isinstance(piece, Link):
            line.append(piece)
            continue
        first, *others = piece.split(_BREAK)
        line.append(first)
        for other in others:
            yield line
            line = [other]
    yield line


def _is_block(element: etree._Element) -> bool:
    if _is_hidden(element) or element.tag == "a":
        return False
    return element.tag in BLOCKS or any(inner.tag in BLOCKS for inner in element.iterdescendants(etree.Element))


def _is_hidden(element: etree._Element) -> bool:
    if isinstance(element, etree._Comment | etree._ProcessingInstruction) or element.tag in SILENT:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return "preheader" in str(element.get("class") or "").split() or bool(
        _HIDDEN.search(str(element.get("style") or ""))
    )


def _is_data(table: etree._Element) -> bool:
    """Whether a table holds data; in mail, most of them only hold the layout."""
    return table.get("role") not in {"presentation", "none"} and next(table.iter("th"), None) is not None


def _cells(row: etree._Element) -> list[etree._Element]:
    return [cell for cell in row if cell.tag in {"td", "th"}]
