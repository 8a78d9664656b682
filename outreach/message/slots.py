"""Where in a message stands what only a recipient makes known?  Slots, and the marks that hold their place.

While a mail is laid out, a *mark* stands where a value will be: a random-looking word, or an absolute URL where a URL
will be. A mark ends in a quotation mark, and what has become of that when the HTML is done tells where the mark stands:
``"`` in text, ``&quot;`` in an attribute, ``&#34;`` where nothing is decoded (a comment, a style sheet).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter

from outreach.errors import CompileError
from outreach.message.recipient import FIELDS, Recipient, Stamp, one_line


@dataclass(frozen=True, slots=True)
class Value:
    """The first of these fields that is not empty, else the fallback."""

    fields: tuple[str, ...]
    #: None: the template gives none, so nobody may lack the value.
    fallback: str | None = None


class Own(StrEnum):
    """The URLs of ours that every message has."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    VIEW = "view"
    CONFIRM = "confirm"  # leads somewhere only in a mail that asks for a confirmation


@dataclass(frozen=True, slots=True)
class Click:
    """The URL of a tracked link."""

    number: int


@dataclass(frozen=True, slots=True)
class Worked:
    """What an expression came to for this recipient: the n-th such result of the rendering."""

    index: int


What = Value | Own | Click | Worked


class Context(StrEnum):
    """How a value is written where it stands."""

    HTML = "html"  # text of the HTML part
    ATTRIBUTE = "attribute"
    VERBATIM = "verbatim"  # inside a comment or a style sheet
    TEXT = "text"  # the text part


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a part of a message."""

    what: What
    context: Context


Supplier = Callable[[Recipient, Stamp], str]


@lru_cache(maxsize=1024)
def supplier(what: Value | Own | Click) -> Supplier:
    """What tells a recipient's text for a slot, before it is escaped: one line, in which nothing is left to mend."""
    match what:
        case Own.CONFIRM:
            return lambda _, stamp: stamp.confirm()
        case Own():
            return lambda _, stamp: str(getattr(stamp, what.value))
        case Click():
            return lambda _, stamp: stamp.click(what.number)
    others = [_column(name) for name in what.fields[1:]]
    first, instead = _column(what.fields[0]), None if what.fallback is None else one_line(what.fallback)

    def text(recipient: Recipient, _: Stamp) -> str:
        value = one_line(first(recipient))
        for other in others:
            value = one_line(other(recipient)) if not value or value.isspace() else value
        return instead if instead is not None and (not value or value.isspace()) else value

    return text


def _column(name: str) -> Callable[[Recipient], str]:
    return attrgetter(name) if name in FIELDS else lambda recipient: recipient.attributes.get(name, "")


_CONTEXTS = {'"': Context.HTML, "&quot;": Context.ATTRIBUTE, "&#34;": Context.VERBATIM}


class Marks:
    """The marks of one rendering."""

    def __init__(self, token: str) -> None:
        #: A word that no source of the campaign holds.
        self.token = token
        self.whats: list[What] = []
        self._numbers: dict[What, int] = {}
        self._found = re.compile(rf"(?:https://{token}\.invalid/|{token})([0-9]+)(\"|&quot;|&#34;)")
        self._leading = re.compile(rf"{token}([0-9]+\")")

    def mark(self, what: What) -> str:
        """The word that holds the place of a value."""
        return f'{self.token}{self._number(what)}"'

    def url(self, what: What) -> str:
        """The absolute URL that holds the place of one."""
        return f'https://{self.token}.invalid/{self._number(what)}"'

    def as_url(self, href: str) -> str:
        """A link whose URL begins with a recipient's value, so that it looks like a URL to everybody."""
        found = self._leading.match(href)
        return f"https://{self.token}.invalid/{found.group(1)}{href[found.end() :]}" if found else href

    def counts(self, text: str) -> Counter[int]:
        """How often each mark stands in a text."""
        return Counter(int(found.group(1)) for found in self._found.finditer(text))

    def unmarked(self, text: str) -> str:
        """A text for people, with the names of fields where marks are."""
        return self._found.sub(lambda found: f"{{{self.describe(int(found.group(1)))}}}", text)

    def describe(self, number: int) -> str:
        """What a mark stands for, in words."""
        what = self.whats[number]
        match what:
            case Value():
                return what.fields[0]
            case Own():
                return f"links.{what.value}"
            case Click():
                return f"link {what.number}"
        return "the result of an expression"

    def split(self, text: str, *, html: bool) -> list[str | Slot]:
        """A finished part as static text and slots; raises CompileError for a mark that is not whole."""
        pieces: list[str | Slot] = []
        start = 0
        for found in self._found.finditer(text):
            context = _CONTEXTS[found.group(2)] if html else Context.TEXT
            if context is Context.VERBATIM and not _is_verbatim(text, found.start()):
                raise CompileError(
                    f"{self.describe(int(found.group(1)))!r} stands in the name of an element or attribute"
                )
            pieces += [text[start : found.start()], Slot(self.whats[int(found.group(1))], context)]
            start = found.end()
        pieces.append(text[start:])
        for piece in pieces:
            if isinstance(piece, str) and self.token.casefold() in piece.casefold():
                at = piece.casefold().index(self.token.casefold())
                raise CompileError(
                    f"a recipient's value was changed while the mail was laid out, near {piece[at:][:40]!r}"
                )
        return [piece for piece in pieces if piece]

    def static(self, text: str) -> list[str]:
        """What stands between the marks."""
        return self._found.split(text)[::3]

    def require_kept(self, before: str, after: str) -> None:
        """Raise CompileError, naming the field, where a mark was lost between two stages."""
        kept = self.counts(after)
        lost = [number for number, count in self.counts(before).items() if kept[number] != count]
        if lost:
            raise CompileError(
                f"{self.describe(lost[0])!r} stands where a value cannot survive inlining CSS",
                hint="A recipient's value can be text, a link or an attribute such as alt; no class, id or style.",
            )

    def _number(self, what: What) -> int:
        if what not in self._numbers:
            self._numbers[what] = len(self.whats)
            self.whats.append(what)
        return self._numbers[what]


def _is_verbatim(html: str, at: int) -> bool:
    """Whether a place is inside a comment or a style sheet."""
    pairs = (("<!--", "-->"), ("<style", "</style>"))
    return any(html.rfind(opening, 0, at) > html.rfind(closing, 0, at) for opening, closing in pairs)
