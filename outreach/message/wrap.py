"""Where may a line of plain text end?  At spaces, and inside Chinese and Japanese, where words have none.

Columns are counted as a terminal does: a wide character takes two, a combining one takes none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: Scripts without spaces, in which a line may end almost anywhere. (Korean has spaces; Thai would need a dictionary.)
_NO_SPACES = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff65\U00020000-\U0003ffff]")
#: Characters that may not begin a line, and those that may not end one.
_NOT_FIRST = frozenset("、。，．・：；？！）」』】〉》〕］｝”’…‥ー々ゝゞぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;?!)]}")
_NOT_LAST = frozenset("（「『【〈《〔［｛“‘([{")


def width(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def lines(text: str, columns: int) -> list[str]:
    """``text`` in lines of at most ``columns``; a word longer than that (a URL) has a line of its own, unbroken.

    Only ordinary spaces separate words; a no-break space holds them together and is written as a space.
    """
    done: list[str] = []
    line = ""
    used = 0
    for gap, unit in _units(text):
        size = width(unit)
        if line and used + len(gap) + size > columns:
            done.append(line)
            line, used = "", 0
        if line:
            line, used = line + gap, used + len(gap)
        line, used = line + unit, used + size
    if line:
        done.append(line)
    return [whole.replace("\N{NO-BREAK SPACE}", " ").rstrip() for whole in done]


def _units(text: str) -> Iterator[tuple[str, str]]:
    """What may not be broken, each with what stands before it on the same line: a space, or nothing."""
    for word in text.split(" "):
        gap = " "
        for unit in _breakable(word):
            yield gap, unit
            gap = ""


def _breakable(word: str) -> Iterator[str]:
    if not word:
        return
    start = 0
    if _NO_SPACES.search(word):
        for at in range(1, len(word)):
            if _may_part(word[at - 1], word[at]):
                yield word[start:at]
                start = at
    yield word[start:]


def _may_part(before: str, after: str) -> bool:
    if before in _NOT_LAST or after in _NOT_FIRST or _columns(after) == 0:
        return False
    return bool(_NO_SPACES.match(before) or _NO_SPACES.match(after))


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
