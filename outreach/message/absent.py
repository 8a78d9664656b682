"""What does a template say of a value that somebody lacks?  Empty means missing, and a fallback is printed instead."""

from __future__ import annotations

from typing import Any

from jinja2.runtime import Undefined
from markupsafe import Markup

from outreach.message.opaque import Opaque, raw
from outreach.message.slots import Value


def fallback(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """The filter ``fallback`` (and ``default``): what is printed for people who lack a value. Empty means missing."""
    if isinstance(value, Undefined):
        return instead
    if isinstance(value, Opaque):
        return _fallback_of(value, instead)
    return (
        instead if value is None or (isinstance(value, str) and not value.strip()) or (boolean and not value) else value
    )


def _fallback_of(value: Opaque, instead: Any) -> Any:
    thing = value.thing
    if isinstance(thing, Value) and (thing.fallback or not isinstance(instead, str | int | float | Opaque | Markup)):
        return value
    if isinstance(thing, Value) and isinstance(instead, Opaque) and isinstance(instead.thing, Value):
        return Opaque(value.reading, Value(thing.fields + instead.thing.fields, instead.thing.fallback))
    if isinstance(thing, Value) and not isinstance(instead, Opaque | Markup):
        return Opaque(value.reading, Value(thing.fields, str(instead)))
    return value if value.reading.decide(lambda: _is_there(raw(value))) else instead


def is_defined(value: Any) -> bool:
    """Whether there is such a thing; a field of a recipient is defined when it is not empty."""
    if isinstance(value, Opaque):
        return value.reading.decide(lambda: _is_there(raw(value)))
    return not isinstance(value, Undefined)


def is_undefined(value: Any) -> bool:
    """The other way round."""
    return not is_defined(value)


def _is_there(value: Any) -> bool:
    return not isinstance(value, Undefined) and bool(str(value).strip())
