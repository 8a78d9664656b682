"""Which blocks make up a raw text: headings, paragraphs, items of a list?  Read from its lines alone.

Text that was copied or scraped has lost its markup, and often its line ends too: a paragraph may be one long line or
many wrapped ones, with or without an empty line behind it.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from outreach.errors import ArticleError
from outreach.message import expressions, markdown

#: Wrapped text has lines of such lengths; shorter lines stand for themselves, longer ones are whole paragraphs.
WRAPPED = range(45, 121)

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_ITEM = re.compile(r"(?:[-*+•·‣▪◦●]|(\d{1,3})[.)])\s+(?=\S)")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+[^\s<>\"{}|\\^`.,;:!?')\]]")
_SPECIAL = re.compile(r"[\\`*_\[\]<>&]")
_LEADING = re.compile(r"(?=[#+\-=~|])|\d{1,9}(?=[.)])")


class Kind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    TEXT = "text"
    ITEM = "item"
    #: Taken over as it is: tables, quotations, code.
    OTHER = "other"


@dataclass(frozen=True)
class Block:
    """One heading, paragraph or item, as a reader sees it and as an article's Markdown has it."""

    kind: Kind
    #: What a reader sees, on one line.
    words: str
    #: The Markdown of it, without the signs of a heading.
    markdown: str
    #: The line of the file where it begins.
    line: int
    #: 1 to 6 for a heading that is marked as one; 0 where only its looks tell.
    level: int = 0
    #: Whether it stands around the article (navigation, a footer) and not in it.
    aside: bool = False


def decode(data: bytes, *, file: str) -> str:
    """The text of a file in UTF-8, UTF-16 or Windows-1252, told apart by its bytes; its lines end in ``\\n``.

    Raises ArticleError for a file that is empty or holds no text.
    """
    text = _decoded(data)
    if text is None or len(_CONTROL.findall(text)) > 1 + len(text) // 200:
        raise ArticleError("The file does not hold text.", file=file)
    text = _BREAK.sub("\n", _CONTROL.sub("", text))
    if not text.strip():
        raise ArticleError("The file is empty.", file=file)
    return text


def blocks(text: str) -> list[Block]:
    """The blocks of a raw text; headings are known by their looks and by what follows them."""
    units = [unit for group in _groups(text) for unit in _units(group)]
    found: list[Block] = []
    for index, (line, words) in enumerate(units):
        following = units[index + 1][1] if index + 1 < len(units) else ""
        item = _ITEM.match(words)
        if item:
            sign = f"{item[1]}. " if item[1] else "- "
            found.append(Block(Kind.ITEM, words, sign + as_markdown(words[item.end() :]), line))
        else:
            kind = Kind.HEADING if looks_like_heading(words) and is_prose(following) else Kind.TEXT
            found.append(Block(kind, words, as_markdown(words), line))
    return found


def as_markdown(text: str) -> str:
    """Markdown that shows exactly this text, on one line; web addresses in it become links."""
    pieces: list[str] = []
    at = 0
    for url in _URL.finditer(text):
        if markdown.fault_of_url(url[0]) is None:
            pieces += [escaped(text[at : url.start()]), f"<{url[0]}>"]
            at = url.end()
    pieces.append(escaped(text[at:]))
    return unled("".join(pieces))


def escaped(text: str) -> str:
    """Markdown that shows this text inside a paragraph."""
    return expressions.escape(_SPECIAL.sub(r"\\\g<0>", text))


def unled(line: str) -> str:
    """A line of Markdown whose first sign makes no heading, rule or list of it."""
    leading = _LEADING.match(line)
    return f"{leading[0]}\\{line[leading.end() :]}" if leading else line


def looks_like_heading(words: str) -> bool:
    """Whether a line is short, does not end like a sentence, and is capitalised like a heading or short enough."""
    count = len(words.split())
    if not words or count > 12 or len(words) > 90 or words[-1] in ".!,;:…。！，；：":
        return False
    if not any(character.isalpha() for character in words):
        return False
    long = [word for word in re.findall(r"[^\W\d_]+", words) if len(word) > 3]
    capitals = sum(not word[0].islower() for word in long)
    first = next(character for character in words if character.isalnum())
    return not first.islower() and (capitals >= 0.6 * len(long) or count <= 8)


def is_prose(words: str) -> bool:
    """Whether this is a sentence or more, and not a heading, a menu or a button."""
    count = len(words.split())
    return count >= 20 or (words[-1:] in set(".!?:…。！？") and (count >= 12 or len(words) > 40))


def _decoded(data: bytes) -> str | None:
    if data.startswith(codecs.BOM_UTF8):
        return data.decode("utf-8-sig", errors="replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        if b"\0" not in data:
            return data.decode("utf-8")
        # UTF-16 without its mark: every second byte of Latin text is nul
        return data.decode("utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be")
    except UnicodeDecodeError:
        pass
    return None if b"\0" in data else data.decode("cp1252", errors="replace")


def _groups(text: str) -> Iterator[list[tuple[int, str]]]:
    """Lines that no empty line parts, each with its number."""
    group: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        words = " ".join(line.split())
        if words:
            group.append((number, words))
        elif group:
            yield group
            group = []
    if group:
        yield group


def _units(group: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Paragraphs: a line goes on in the next one where that one's first word would hardly have fitted any more."""
    width = max(len(words) for _, words in group)
    number, unit = group[0]
    for (_, last), (here, words) in itertools.pairwise(group):
        full = len(last) + 1 + len(words.split()[0]) > 0.8 * width  # hands wrap less evenly than machines
        if width in WRAPPED and full and not _ITEM.match(words):
            unit += " " + words
        else:
            yield number, unit
            number, unit = here, words
    yield number, unit
