"""What is a fault?  One thing that is wrong with a mail, in words that say what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a fault matters."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    #: ``error`` stops a launch, ``warning`` is told.
    severity: Severity
    #: A short name that scripts can compare, such as ``no-unsubscribe``.
    code: str
    #: One sentence for a person: what is wrong, and what to do.
    message: str

    def as_dict(self) -> dict[str, str]:
        """The fault as ``campaign check --json`` prints it."""
        return {"severity": self.severity.value, "code": self.code, "message": self.message}


def error(code: str, message: str) -> Fault:
    """A fault that stops a launch."""
    return Fault(Severity.ERROR, code, message)


def warning(code: str, message: str) -> Fault:
    """A fault that is told."""
    return Fault(Severity.WARNING, code, message)


def shortened(text: str, most: int = 60) -> str:
    """The beginning of a text, between quotation marks: enough to find it by."""
    text = " ".join(text.split())
    return f"“{text if len(text) <= most else text[: most - 1].rstrip() + '…'}”"
