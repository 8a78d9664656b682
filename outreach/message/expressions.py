"""Where in an article does Jinja stand?  So that Markdown leaves it exactly as written.

Before Markdown is read, each ``{{ ... }}``, ``{% ... %}`` and ``{# ... #}`` is hidden behind a word of lower-case
letters and digits, which Markdown carries through text, headings, tables and link targets unchanged. Afterwards the
words are replaced by what they hide, and every other ``{`` is written ``&#123;``, so that nothing but Jinja is Jinja.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from outreach.errors import ArticleError

_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")


@dataclass(frozen=True)
class Expression:
    """One piece of Jinja: where it begins and ends in the text, and how it opens (``{{``, ``{%`` or ``{#``)."""

    start: int
    end: int
    opening: str


def find(text: str, *, file: str, line: int = 1) -> list[Expression]:
    """Every piece of Jinja in the text, in order; what stands between ``raw`` and ``endraw`` is none.

    ``line`` is the line of the file that the text begins on. Raises ArticleError for a piece that is never closed.
    """
    found: list[Expression] = []
    at = 0
    while opening := _OPENING.search(text, at):
        here = line + text.count("\n", 0, opening.start())
        end = _end(text, opening.start(), opening[0])
        if end is None:
            raise _unclosed(opening[0], _CLOSING[opening[0]], file=file, line=here)
        found.append(Expression(opening.start(), end, opening[0]))
        at = end
        if _RAW.fullmatch(text, opening.start(), end):
            closing = _ENDRAW.search(text, end)
            if closing is None:
                raise _unclosed("{% raw %}", "{% endraw %}", file=file, line=here)
            at = closing.start()
    return found


@dataclass
class Mask:
    """A text whose Jinja is hidden behind words, and the way back."""

    #: The text with a word in the place of each piece of Jinja.
    text: str = ""
    #: For each line of ``text``, the line of the file that it came from.
    lines: list[int] = field(default_factory=list)
    _word: str = "jinja"
    #: What each word hides, and the line of the file where it stands.
    _hidden: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def over(cls, text: str, *, file: str, line: int) -> Mask:
        """Hide the Jinja of a text that begins on that line of the file; raises ArticleError as `find` does."""
        mask = cls()
        while mask._word in text.lower():
            mask._word += "x"
        pieces, at = [], 0
        for found in find(text, file=file, line=line):
            place = line + text.count("\n", 0, found.start)
            pieces += [text[at : found.start], mask.hide(text[found.start : found.end], line=place)]
            at = found.end
        pieces.append(text[at:])
        mask.text = "".join(pieces)
        mask._number(line)
        return mask

    def hide(self, jinja: str, *, line: int) -> str:
        """The word that stands for this piece of Jinja from now on."""
        self._hidden.append((jinja, line))
        return f"{self._word}{len(self._hidden) - 1}end"

    def only_statements(self, text: str) -> bool:
        """Whether the text is nothing but ``{% ... %}`` and ``{# ... #}``, which no paragraph should be put around."""
        rest = self._words().sub("", text)
        hidden = [self._hidden[int(found[1])][0] for found in self._words().finditer(text)]
        return bool(hidden) and not rest.strip() and not any(jinja.startswith("{{") for jinja in hidden)

    def begins(self, text: str) -> bool:
        """Whether the text begins with Jinja."""
        return self._words().match(text) is not None

    def reveal(self, text: str) -> str:
        """The text with its Jinja back, for a message to a person."""
        return self._words().sub(lambda found: self._hidden[int(found[1])][0], text)

    def restore(self, html: str) -> tuple[str, tuple[int, ...]]:
        """Jinja source made from rendered HTML, and for each of its lines the line of the file behind it."""
        places = [self.lines[0] if self.lines else 1]
        pieces: list[str] = []
        at = 0
        for found in self._words().finditer(html):
            jinja, line = self._hidden[int(found[1])]
            plain = html[at : found.start()].replace("{", "&#123;")
            pieces += [plain, jinja]
            places += [places[-1]] * plain.count("\n")
            places[-1] = line
            places += range(line + 1, line + 1 + jinja.count("\n"))
            at = found.end()
        pieces.append(html[at:].replace("{", "&#123;"))
        places += [places[-1]] * pieces[-1].count("\n")
        return "".join(pieces), tuple(places)

    def _words(self) -> re.Pattern[str]:
        return re.compile(rf"{self._word}([0-9]+)end")

    def _number(self, line: int) -> None:
        for text in self.text.split("\n"):
            self.lines.append(line)
            line += 1 + self.reveal(text).count("\n")


def escape(text: str) -> str:
    """Markdown that shows this text's braces instead of handing them to Jinja."""
    return re.sub(r"\{(?=[{%#])", r"{\\", text)


def _end(text: str, start: int, opening: str) -> int | None:
    """Where the Jinja that opens at `start` ends, strings and inner braces understood as Jinja's lexer does."""
    closing = _CLOSING[opening]
    at = start + 2
    if opening == "{#":
        found = text.find(closing, at)
        return None if found < 0 else found + 2
    depth = 0
    while at < len(text):
        if depth == 0 and text.startswith(closing, at):
            return at + 2
        string = _STRING.match(text, at)
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at = string.end() if string else at + 1
    return None


def _unclosed(opening: str, closing: str, *, file: str, line: int) -> ArticleError:
    hint = f"Close it, or write {escape(opening[:2])} to show it as it is."
    return ArticleError(f"{opening} is never closed by {closing}.", file=file, line=line, hint=hint)
