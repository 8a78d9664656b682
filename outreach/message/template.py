"""What does a template print, and where is the mistake when it cannot?"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError

from outreach.errors import OutreachError, TemplateError
from outreach.message import environment
from outreach.message.opaque import Noticed, Opaque, Reading, Rendered


@dataclass(frozen=True)
class Layout:
    """A mail layout: ``layout.html`` is where it begins, ``layout.css`` its sheet; ``layout.txt`` may replace the
    text part that is otherwise made from the HTML. Every other source is there to be included."""

    name: str
    sources: Mapping[str, str]


class Templates:
    """Templates of one campaign, by name."""

    def __init__(self, sources: Mapping[str, str], token: str) -> None:
        self.sources = sources
        self._environment = environment.Environment(sources, token)

    def render(self, name: str, scope: Mapping[str, Any], reading: Reading) -> str:
        """The template's output, with marks in it; raises TemplateError with file and line, or `Noticed`."""
        before = environment.current.set(reading)
        try:
            return self._environment.get_template(name).render(scope)
        except (Noticed, OutreachError):
            raise
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(_sentence(error.message), file=error.name or name, line=error.lineno) from error
        except Exception as error:  # a template can raise whatever Python can
            file, line = self._place(error, name)
            raise TemplateError(_words(error), file=file, line=line) from error
        finally:
            environment.current.reset(before)

    def opaque(self, text: str, reading: Reading) -> Any:
        """A rendered text, opaque where it has marks in it."""
        return Opaque(reading, Rendered(text)) if reading.marks.token in text else text

    def _place(self, error: Exception, name: str) -> tuple[str, int | None]:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in self.sources]
        return (frames[-1].filename, frames[-1].lineno) if frames else (name, None)


def _words(error: Exception) -> str:
    match error:
        case jinja2.TemplateNotFound():
            return f"there is no template {error.name!r}."
        case jinja2.UndefinedError() | SecurityError():
            return _sentence(error.message or "")
        case RecursionError():
            return "it includes itself without end."
    return _sentence(f"{type(error).__name__}: {error}")


def _sentence(text: str | None) -> str:
    return f"{(text or 'it does not parse').rstrip('.')}."
