"""What was found when something was looked at, and what is to be done about it?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How one finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    state: State
    message: str
    #: What to do; "" where nothing is to be done.
    remedy: str = ""
    #: A short name that scripts can compare, such as ``spf-missing``; "" where there is none.
    code: str = ""


def ok(part: str, message: str, remedy: str = "") -> Finding:
    """All is well."""
    return Finding(part, State.OK, message, remedy)


def warning(part: str, code: str, message: str, remedy: str = "") -> Finding:
    """A careful sender mends it, or it could not be looked at."""
    return Finding(part, State.WARNING, message, remedy, code)


def fault(part: str, code: str, message: str, remedy: str = "") -> Finding:
    """Receivers will object, or readers will fail."""
    return Finding(part, State.FAULT, message, remedy, code)
