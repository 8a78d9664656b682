"""How does rendered HTML become the two parts of a mail?  Links placed, CSS inlined, text made, cut at the marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import lxml.html
from lxml.etree import ParserError

from outreach.errors import CompileError
from outreach.message import inline, links, plaintext, quoted
from outreach.message.links import Place
from outreach.message.slots import Marks, Slot


@dataclass(frozen=True)
class Parts:
    """The parts of a mail as quoted-printable bytes, with slots between them."""

    html: tuple[bytes | Slot, ...]
    text: tuple[bytes | Slot, ...]


def lay_out(html: str, css: str, marks: Marks, target: Place) -> Parts:
    """Both parts, from HTML in which marks stand where values will be.

    The text is wrapped here, with the marks in it: once for everybody. Raises CompileError where a mark was lost or
    changed on the way.
    """
    placed = with_links(html, marks, target)
    inlined = inline.inline(placed, css)
    marks.require_kept(html, inlined)
    text = plaintext.from_html(placed)
    return Parts(encoded(marks.split(inlined, html=True)), encoded(marks.split(text, html=False)))


def with_links(html: str, marks: Marks, target: Place) -> str:
    """The document with its links placed."""
    try:
        document = lxml.html.document_fromstring(html)
    except ParserError:
        raise CompileError("the layout is empty") from None
    links.place(document, marks, target)
    return inline.write(document, like=html)


def text_of(fragment: str, marks: Marks, target: Place) -> str:
    """The text of a piece of HTML, its links placed."""
    return plaintext.from_html(with_links(f"<html><body>{fragment}</body></html>", marks, target))


def encoded(pieces: Iterable[str | Slot]) -> tuple[bytes | Slot, ...]:
    """Static text in quoted-printable, each piece ready for a value behind it."""
    kept = list(pieces)
    return tuple(
        quoted.piece(piece, more=at + 1 < len(kept)) if isinstance(piece, str) else piece
        for at, piece in enumerate(kept)
    )
