"""What may a template do with a value that is not known yet?  Print it; everything else is noticed.

A campaign is laid out once for everybody. Then ``{{ name }}`` leaves a mark, but ``{% if name %}`` or
``{{ name|upper }}`` cannot be answered, and must never be answered about the mark. So values are *opaque* objects, and
a `Reading` says what using one comes to (reading.py has the three that there are).
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from markupsafe import Markup, escape

from outreach.message.slots import Marks, Own, Value


class Noticed(Exception):
    """A template does something else with a recipient's value than printing it."""


@dataclass(frozen=True)
class Rendered:
    """Text that was rendered and has marks in it: the article's body, what a macro returned."""

    text: str


@dataclass(frozen=True)
class Result:
    """What using a value came to."""

    raw: Any


Thing = Value | Own | Rendered | Result


class Reading(ABC):
    """How opaque values are read in one rendering."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        #: Fields that were printed without a fallback.
        self.required: set[str] = set()
        #: Every field that was named.
        self.named: set[str] = set()

    def printed(self, thing: Thing) -> Any:
        """What printing leaves in the output; the template escapes it as it escapes everything."""
        match thing:
            case Rendered():
                return thing.text
            case Own():
                return self.marks.url(thing)
            case Value():
                self._require(thing)
                return self.marks.mark(thing)
        return self.printed_result(thing.raw)

    @abstractmethod
    def printed_result(self, raw: Any) -> Any:
        """What printing a result leaves in the output."""

    @abstractmethod
    def derive(self, work: Callable[[], Any]) -> Any:
        """A result of using a value."""

    @abstractmethod
    def decide(self, work: Callable[[], bool]) -> bool:
        """A yes or no that hangs on a value."""

    @abstractmethod
    def raw(self, thing: Thing) -> Any:
        """The value itself; asked only inside `derive` and `decide`, or for a conversion that Python wants at once."""

    def plain(self, work: Callable[[], Any], instead: Any) -> Any:
        """A use whose outcome must be a plain value; `instead` is one of its type."""
        return work()

    def items(self, work: Callable[[], Any]) -> Iterator[Any]:
        """The items of a result, each opaque again."""
        return (Opaque(self, Result(item)) for item in work())

    def _require(self, value: Value) -> None:
        if value.fallback is None and value.fields[-1] != "email":
            self.required.add(value.fields[-1])


class _Compare(Protocol):
    def __call__(self, left: Any, right: Any, /) -> Any: ...


class Opaque:
    """A value whose only harmless use is to be printed; its `Reading` answers or refuses all others."""

    __slots__ = ("reading", "thing")

    def __init__(self, reading: Reading, thing: Thing) -> None:
        self.reading = reading
        self.thing = thing

    def __bool__(self) -> bool:
        certain = _certainly_true(self)
        return certain or self.reading.decide(lambda: bool(raw(self)))

    def __contains__(self, item: object) -> bool:
        certain = _certainly_contains(self, item)
        return self.reading.decide(lambda: raw(item) in raw(self)) if certain is None else certain

    def _compared(self, other: object, how: _Compare) -> bool:
        return self.reading.decide(lambda: bool(how(raw(self), raw(other))))

    def __eq__(self, other: object) -> bool:
        return self._compared(other, operator.eq)

    def __ne__(self, other: object) -> bool:
        return self._compared(other, operator.ne)

    def __lt__(self, other: object) -> bool:
        return self._compared(other, operator.lt)

    def __le__(self, other: object) -> bool:
        return self._compared(other, operator.le)

    def __gt__(self, other: object) -> bool:
        return self._compared(other, operator.gt)

    def __ge__(self, other: object) -> bool:
        return self._compared(other, operator.ge)

    def __iter__(self) -> Iterator[Any]:
        return self.reading.items(lambda: raw(self))

    def __getitem__(self, key: Any) -> Any:  # Jinja asks the environment for items, but takes slices itself
        return self.reading.derive(lambda: raw(self)[raw(key)])

    def __len__(self) -> int:
        return int(self.reading.plain(lambda: len(raw(self)), 1))

    def __hash__(self) -> int:
        return int(self.reading.plain(lambda: hash(raw(self)), 1))

    def __str__(self) -> str:
        return str(self.reading.plain(lambda: str(raw(self)), "1"))

    def __html__(self) -> str:
        return str(self.reading.plain(lambda: str(escape(raw(self))), "1"))

    def __format__(self, how: str) -> str:
        return str(self.reading.plain(lambda: format(raw(self), how), "1"))

    def __int__(self) -> int:
        return int(self.reading.plain(lambda: int(raw(self)), 1))

    def __index__(self) -> int:
        return int(self.reading.plain(lambda: operator.index(raw(self)), 1))

    def __float__(self) -> float:
        return float(self.reading.plain(lambda: float(raw(self)), 1.0))


def raw(value: Any) -> Any:
    """A value with nothing opaque in it, however deep; raises `Noticed` where nobody is read."""
    match value:
        case Opaque():
            return value.reading.raw(value.thing)
        case list() | tuple() | set() | frozenset():
            return type(value)(raw(item) for item in value)
        case dict():
            return {raw(key): raw(item) for key, item in value.items()}
        case slice():
            return slice(raw(value.start), raw(value.stop), raw(value.step))
    return value


def reading_of(*values: Any) -> Reading | None:
    """The reading of the first opaque value that is among these, or inside one of them."""
    for value in values:
        if isinstance(value, Opaque):
            return value.reading
        inner: tuple[Any, ...] = ()
        if isinstance(value, list | tuple | set | frozenset):
            inner = tuple(value)
        elif isinstance(value, dict):
            inner = (*value.keys(), *value.values())
        elif isinstance(value, slice):
            inner = (value.start, value.stop, value.step)
        found = reading_of(*inner) if inner else None
        if found is not None:
            return found
    return None


def _certainly_true(value: Opaque) -> bool:
    """Whether it is true whoever the recipient is: a URL of ours, a fallback, static words around a value."""
    match value.thing:
        case Own():
            return True
        case Value():
            return bool(value.thing.fallback)
        case Rendered():
            pieces = value.reading.marks.split(value.thing.text, html=False)
            things = (piece if isinstance(piece, str) else piece.what for piece in pieces)
            return any(
                isinstance(thing, str)
                or (isinstance(thing, Value | Own) and _certainly_true(Opaque(value.reading, thing)))
                for thing in things
            )
    return False


def _certainly_contains(value: Opaque, item: object) -> bool | None:
    """Whether rendered HTML holds a tag such as ``<h1``, whoever the recipient is; None where that hangs on values.

    Values are escaped, so a ``<`` is never theirs: it is found in the static text or not at all, unless static text
    ends in the beginning of what is looked for.
    """
    if not isinstance(value.thing, Rendered) or not isinstance(item, str):
        return None
    return _holds(value.reading.marks.token, value.thing.text, item)


@lru_cache(maxsize=256, typed=True)  # Markup equals the text that it is made of
def _holds(token: str, text: str, item: str) -> bool | None:
    static = Marks(token).static(text)
    if any(item in piece for piece in static):
        return True
    torn = any(piece.endswith(item[:size]) for piece in static for size in range(1, len(item)))
    return False if item.startswith("<") and isinstance(text, Markup) and not torn else None
