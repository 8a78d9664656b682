"""What does a template say about a recipient who is not known yet?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A mail layout: ``layout.html`` is where it begins, ``layout.css`` its sheet; ``layout.txt`` may replace the
    text part that is otherwise made from the HTML. Every other source is there to be included."""

    name: str
    sources: Mapping[str, str]
