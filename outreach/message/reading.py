"""Who is read while a template runs: nobody, one recipient, or everybody who might be?

- `Blind`: nobody in particular. Any use of a value raises `Noticed`: this part has to be rendered for each recipient.
- `Knowing`: one recipient. A use is answered truly. What is printed still leaves a mark, so that everybody for whom
  the uses came out alike shares one laid-out mail (variants.py).
- `Exploring`: nobody, but every branch has to be seen once, to find its links and its mistakes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from markupsafe import Markup, escape

from outreach.message.opaque import Noticed, Opaque, Reading, Rendered, Result, Thing
from outreach.message.recipient import Recipient, Stamp, one_line
from outreach.message.slots import Click, Marks, Own, Value, Worked, supplier


class Blind(Reading):
    """Nobody in particular is read."""

    def printed_result(self, raw: Any) -> Any:
        raise Noticed

    def derive(self, work: Callable[[], Any]) -> Any:
        raise Noticed

    def decide(self, work: Callable[[], bool]) -> bool:
        raise Noticed

    def raw(self, thing: Thing) -> Any:
        raise Noticed


class Knowing(Reading):
    """One recipient is read; uses are answered, prints leave marks."""

    def __init__(self, marks: Marks, recipient: Recipient, stamp: Stamp) -> None:
        super().__init__(marks)
        self.recipient = recipient
        self.stamp = stamp
        #: What the marks of kind `Worked` stand for.
        self.results: list[str] = []

    def printed_result(self, raw: Any) -> Any:
        if callable(raw):
            raise TypeError(f"{raw.__name__!r} of a recipient's value is a function and no text")
        if hasattr(raw, "__html__"):
            return Markup(one_line(str(raw)))  # noqa: S704 - the template says that it is HTML
        self.results.append(one_line(str(raw)))
        return self.marks.mark(Worked(len(self.results) - 1))

    def derive(self, work: Callable[[], Any]) -> Any:
        found = work()
        return Opaque(self, Result(list(found) if isinstance(found, Iterator) else found))

    def decide(self, work: Callable[[], bool]) -> bool:
        return bool(work())

    def raw(self, thing: Thing) -> Any:
        match thing:
            case Rendered():
                return self._resolved(thing.text)
            case Result():
                return thing.raw
        return supplier(thing)(self.recipient, self.stamp)

    def _resolved(self, text: str) -> str:
        """A rendered text with its values in place of the marks."""
        html = isinstance(text, Markup)
        pieces = self.marks.split(text, html=False)
        texts = [piece if isinstance(piece, str) else self._said(piece.what, html=html) for piece in pieces]
        return Markup("").join(map(Markup, texts)) if html else "".join(texts)

    def _said(self, what: Value | Own | Click | Worked, *, html: bool) -> str:
        text = self.results[what.index] if isinstance(what, Worked) else supplier(what)(self.recipient, self.stamp)
        return str(escape(text)) if html else text


class _Unknown:
    """What `Exploring` has in place of values."""

    def __str__(self) -> str:
        return "1"


UNKNOWN = _Unknown()

#: Where in a template's code a decision is made.
Site = tuple[CodeType, int]


class Exploring(Reading):
    """No values at all; decisions come from a script, and are yes behind its end."""

    def __init__(self, marks: Marks, script: tuple[bool, ...]) -> None:
        super().__init__(marks)
        self.script = script
        self.taken: list[tuple[Site, bool]] = []

    def printed_result(self, raw: Any) -> Any:
        return self.marks.mark(Worked(0))

    def derive(self, work: Callable[[], Any]) -> Any:
        return Opaque(self, Result(UNKNOWN))

    def decide(self, work: Callable[[], bool]) -> bool:
        step = len(self.taken)
        outcome = self.script[step] if step < len(self.script) else True
        self.taken.append((_site(), outcome))
        return outcome

    def raw(self, thing: Thing) -> Any:
        return "1"

    def plain(self, work: Callable[[], Any], instead: Any) -> Any:
        return instead

    def items(self, work: Callable[[], Any]) -> Iterator[Any]:
        return iter([Opaque(self, Result(UNKNOWN))] if self.decide(lambda: True) else [])


def _site() -> Site:
    """The place in a template's compiled code that is being run."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not {"environment", "blocks", "root"} <= frame.f_globals.keys():
        frame = frame.f_back
    return frame.f_code, frame.f_lasti
