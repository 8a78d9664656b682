"""What does a style sheet say?  Its rules one by one, as browsers read it: what is broken is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[{};]", re.DOTALL)
#: At-rules that hold rules, which count where their condition does.
_GROUPS = ("@media", "@supports", "@layer", "@document")


@dataclass(frozen=True)
class Declaration:
    """`property: value`, lower case but for strings."""

    name: str
    value: str
    important: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule, with the conditions around it."""

    #: What stands before the braces: selectors, or an at-rule such as `@font-face`.
    prelude: str
    declarations: tuple[Declaration, ...]
    #: `@media ...` and their like, from the outside in.
    conditions: tuple[str, ...] = ()

    @property
    def selectors(self) -> list[str]:
        """The selectors one by one; a list inside of `:is()` stays together."""
        if "(" in self.prelude:
            return [self.prelude]
        return [part.strip() for part in self.prelude.split(",") if part.strip()]


def rules(css: str, conditions: tuple[str, ...] = ()) -> Iterator[Rule]:
    """Every rule of a sheet, those inside of `@media` too."""
    css = _COMMENT.sub(" ", css)
    for prelude, block in _blocks(css):
        if prelude.lower().startswith(_GROUPS) and len(conditions) < 8:
            yield from rules(block, (*conditions, " ".join(prelude.lower().split())))
        else:
            yield Rule(prelude, declarations(block), conditions)


@lru_cache(maxsize=4096)
def declarations(block: str) -> tuple[Declaration, ...]:
    """The declarations of a block or of a style attribute."""
    found = []
    for piece in _pieces(_COMMENT.sub(" ", block)):
        name, colon, value = piece.partition(":")
        name, value = name.strip().lower(), " ".join(value.split())
        if not colon or not name or not value:
            continue
        bare = re.sub(r"\s*!\s*important\Z", "", value, flags=re.IGNORECASE)
        found.append(Declaration(name, bare, important=bare != value))
    return tuple(found)


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """What stands before and between each outer pair of braces; a statement such as `@import` has an empty block."""
    depth = start = opened = 0
    for token in _TOKEN.finditer(css):
        mark = token.group()
        if mark == "{":
            depth += 1
            opened = token.start() if depth == 1 else opened
        elif mark == "}":
            depth = max(0, depth - 1)
            if depth == 0 and opened >= start:
                yield css[start:opened].strip(), css[opened + 1 : token.start()]
            start = token.end() if depth == 0 else start
        elif mark == ";" and depth == 0:
            yield css[start : token.start()].strip(), ""
            start = token.end()


def _pieces(block: str) -> Iterator[str]:
    """The block at its semicolons; one inside a string or of `url(data:...;base64,...)` ends nothing."""
    start = depth = 0
    for token in re.finditer(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[();]", block):
        mark = token.group()
        depth = depth + 1 if mark == "(" else max(0, depth - 1) if mark == ")" else depth
        if mark == ";" and depth == 0:
            yield block[start : token.start()]
            start = token.end()
    yield block[start:]
