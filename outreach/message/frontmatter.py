"""What stands in an article's front matter, and on which line?  YAML between two lines of ``---``.

Every value is text: YAML's guesses (``no`` as false, ``2024`` as a number) would change what a person wrote. So the
nodes are read, not the objects that YAML would make of them; they know their lines, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from outreach.errors import ArticleError

_FENCE = re.compile(r"---[ \t]*")
_END = re.compile(r"(?:---|\.\.\.)[ \t]*")
_BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_EMPTY = {"~", "null", "Null", "NULL"}


@dataclass(frozen=True)
class Value:
    """A text, and the line of the file where it stands."""

    text: str
    line: int


@dataclass(frozen=True)
class FrontMatter:
    """An article's front matter, and where its text begins."""

    #: Keys that hold text.
    values: dict[str, Value]
    #: Keys that hold keys (``links``).
    groups: dict[str, dict[str, Value]]
    body: str
    #: The line of the file where the body begins, counted from 1.
    body_line: int
    #: The line of each key.
    lines: dict[str, int] = field(default_factory=dict)


def split(text: str, *, file: str) -> FrontMatter:
    """The front matter and the body of an article's file, whose lines end in ``\\n``.

    Raises ArticleError with the line for front matter that is missing, is never closed, or is not such YAML.
    """
    lines = text.split("\n")
    if not _FENCE.fullmatch(lines[0]):
        raise ArticleError(
            "An article begins with front matter: a line ---, then title: and more, then a line ---.",
            file=file,
            line=1,
            hint="`outreach article import FILE --out ARTICLE` makes an article of a raw text.",
        )
    end = next((index for index, line in enumerate(lines) if index and _END.fullmatch(line)), None)
    if end is None:
        raise ArticleError("The front matter is never closed by a line ---.", file=file, line=1)
    front = FrontMatter({}, {}, "\n".join(lines[end + 1 :]), end + 2)
    for key, line, node in _pairs(_compose("\n".join(lines[1:end]), file), file):
        front.lines[key] = line
        if isinstance(node, yaml.MappingNode):
            inner = [(name, _value(name, held, file)) for name, _, held in _pairs(node, file)]
            front.groups[key] = dict(inner)
        else:
            front.values[key] = _value(key, node, file)
    return front


def quoted(text: str) -> str:
    """A text as a YAML value on one line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compose(text: str, file: str) -> yaml.MappingNode:
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise _broken(error, file) from error
    if node is None:
        return yaml.MappingNode("tag:yaml.org,2002:map", [])
    if not isinstance(node, yaml.MappingNode):
        raise ArticleError("The front matter is not made of lines `key: value`.", file=file, line=2)
    return node


def _broken(error: yaml.YAMLError, file: str) -> ArticleError:
    words, line, hint = "it is not YAML", 2, None
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = _line(mark) if mark else 2
        words = str(error.problem or error.context or words)
        if "mapping values are not allowed" in words:
            words, hint = "a value with a colon in it needs quotes", 'Write it so: title: "One thing: another"'
    return ArticleError(f"The front matter cannot be read: {words}.", file=file, line=line, hint=hint)


def _pairs(mapping: yaml.MappingNode, file: str) -> Iterator[tuple[str, int, yaml.Node]]:
    seen: dict[str, int] = {}
    for key, node in mapping.value:
        line = _line(key.start_mark)
        if not isinstance(key, yaml.ScalarNode) or not key.value:
            raise ArticleError("A key of the front matter is not a word.", file=file, line=line)
        name = str(key.value)
        if name in seen:
            raise ArticleError(f"{name!r} stands twice (first on line {seen[name]}).", file=file, line=line)
        seen[name] = line
        yield name, line, node


def _value(key: str, node: yaml.Node, file: str) -> Value:
    line = _line(node.start_mark)
    if not isinstance(node, yaml.ScalarNode):
        raise ArticleError(f"{key!r} must be text on one line.", file=file, line=line)
    text = str(node.value)
    if node.style in {"|", ">"}:
        text = text.rstrip("\n")
    if found := _BREAK.search(text):
        within = text.count("\n", 0, found.start()) + 1 if node.style == "|" else 0
        raise ArticleError(
            f"The value of {key!r} holds a line break.", file=file, line=line + within, hint="Write it on one line."
        )
    plain_nothing = node.style is None and text in _EMPTY
    return Value("" if plain_nothing else text.strip(), line)


def _line(mark: yaml.Mark) -> int:
    """A mark's line in the file: YAML counts from 0, and the opening fence stands before."""
    return int(mark.line) + 2
