"""How does a compiled campaign become one recipient's message, in microseconds?

The static bytes are put into a list once; for each message a copy of it gets the recipient's values, and is joined.
Every value is asked for once, however often it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import markupsafe

from outreach.message import headers, quoted
from outreach.message.compiled import Compiled, Field, Part, SubjectLine
from outreach.message.recipient import Recipient, Stamp
from outreach.message.slots import Context, Slot, Supplier, What, Worked, supplier
from outreach.message.variants import Reader, Variants

Encoder = Callable[[str], bytes]


def message(compiled: Compiled, recipient: Recipient, stamp: Stamp) -> bytes:
    """The whole message (RFC 5322, CRLF); not dot-stuffed, though no line of its bodies begins with a dot.

    Raises as `pieces` does.
    """
    return b"".join(pieces(compiled, recipient, stamp))


def pieces(compiled: Compiled, recipient: Recipient, stamp: Stamp) -> list[bytes]:
    """The message, piece by piece as `Compiled` has it, with each place filled in.

    Raises CompileError for an address that cannot stand in To, and TemplateError where a template that looks into
    values fails for these ones.
    """
    plan: _Plan | None = compiled.memo.get("plan")
    if plan is None:
        plan = compiled.memo["plan"] = _plan(compiled)
    out = plan.static.copy()
    for ask, everywhere, uses in plan.values:
        text = ask(recipient, stamp)
        data = text.encode() + quoted.SOFT_BREAK if _PLAIN(text) else None if _ESCAPED(text) else quoted.value(text)
        if data is not None:
            for place in everywhere:
                out[place] = data
            continue
        for encode, places in uses:
            data = encode(text)
            for place in places:
                out[place] = data
    for place, write in plan.fields:
        out[place] = write(recipient, stamp).encode()
    if plan.variants is not None:
        reader = plan.variants.of(recipient, stamp)
        for place, part in plan.parts:
            out[place] = _rendered(reader, part)
    return out


@dataclass(frozen=True, slots=True)
class _Plan:
    """What has to be done for each message."""

    #: The static bytes, with an empty place for each slot.
    static: list[bytes]
    #: Who tells a value, all its places, and in which encoding it goes to which of them.
    values: tuple[tuple[Supplier, tuple[int, ...], tuple[tuple[Encoder, tuple[int, ...]], ...]], ...]
    fields: tuple[tuple[int, Supplier], ...]
    parts: tuple[tuple[int, Part], ...]
    variants: Variants | None


def _plan(compiled: Compiled) -> _Plan:
    places: dict[What, dict[Context, list[int]]] = {}
    fields: list[tuple[int, Supplier]] = []
    parts: list[tuple[int, Part]] = []
    for place, piece in enumerate(compiled.pieces):
        match piece:
            case Slot():
                places.setdefault(piece.what, {}).setdefault(piece.context, []).append(place)
            case Field():
                fields.append((place, _FIELDS[piece]))
            case SubjectLine():
                fields.append((place, _subject(piece)))
            case Part():
                parts.append((place, piece))
    return _Plan(
        static=[piece if isinstance(piece, bytes) else b"" for piece in compiled.pieces],
        values=tuple(
            (_supplier(what), tuple(place for places in contexts.values() for place in places), _uses(contexts))
            for what, contexts in places.items()
        ),
        fields=tuple(fields),
        parts=tuple(parts),
        variants=Variants(compiled.scene, compiled.links) if compiled.scene is not None else None,
    )


def _supplier(what: What) -> Supplier:
    assert not isinstance(what, Worked), "results of expressions exist only in parts that are rendered per recipient"
    return supplier(what)


def _uses(contexts: dict[Context, list[int]]) -> tuple[tuple[Encoder, tuple[int, ...]], ...]:
    return tuple((ENCODERS[context], tuple(places)) for context, places in contexts.items())


def _subject(line: SubjectLine) -> Supplier:
    pieces = [piece if isinstance(piece, str) else _supplier(piece) for piece in line.pieces]

    def write(recipient: Recipient, stamp: Stamp) -> str:
        return headers.subject(
            "".join(piece if isinstance(piece, str) else piece(recipient, stamp) for piece in pieces)
        )

    return write


def _rendered(reader: Reader, part: Part) -> bytes:
    if part is Part.SUBJECT:
        return headers.subject(reader.subject()).encode()
    return b"".join(
        piece if isinstance(piece, bytes) else ENCODERS[piece.context](reader.said(piece.what))
        for piece in reader.pieces(part)
    )


def html_text(text: str) -> str:
    """A value as the text of an element, written as inlined HTML writes it."""
    return escape(text, quote=False).replace("\N{NO-BREAK SPACE}", "&nbsp;")


def html_attribute(text: str) -> str:
    """A value inside a quoted attribute."""
    return html_text(text).replace('"', "&quot;")


#: Whether every place writes a value as it is, and on one line; so do those that most slots hold, our own URLs.
_PLAIN = re.compile(r"(?!\.|From )[ !#-%(-;?-~]{1,75}").fullmatch

#: Finds what some place writes differently from another; most values have nothing of it.
_ESCAPED = re.compile("[&<>\"'\u00a0]").search

#: How a value is written where it stands.
ENCODERS: dict[Context, Encoder] = {
    Context.TEXT: quoted.value,
    Context.HTML: lambda text: quoted.value(html_text(text)),
    Context.ATTRIBUTE: lambda text: quoted.value(html_attribute(text)),
    Context.VERBATIM: lambda text: quoted.value(str(markupsafe.escape(text))),
}

_FIELDS: dict[Field, Supplier] = {
    Field.TO: lambda recipient, _: headers.mailbox("To", recipient.name, recipient.email),
    Field.MESSAGE_ID: lambda _, stamp: headers.message_id(stamp.message_id, stamp.handles),
    Field.LIST_UNSUBSCRIBE: lambda _, stamp: headers.list_unsubscribe(stamp.unsubscribe, stamp.unsubscribe_by_mail),
    Field.FEEDBACK_ID: lambda _, stamp: headers.feedback_id(stamp.feedback_id),
}
