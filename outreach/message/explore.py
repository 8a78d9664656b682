"""Which links, mistakes and missing values can there be in a mail that asks about its recipients?

Every branch of the templates is taken at least once, without knowing anybody: the links in all of them need their
numbers before the first message leaves. Then two people who do not exist are tried, one who has every value and one
who has none.
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass

import jinja2

from outreach.errors import TemplateError
from outreach.message import links, parts
from outreach.message.compiled import Part
from outreach.message.links import Table
from outreach.message.reading import Exploring, Site
from outreach.message.recipient import Recipient, Stamp
from outreach.message.scene import TEXT, Scene, Stage
from outreach.message.template import Templates
from outreach.message.variants import Reader, Variants, own_text, plain

#: How many ways through the templates are followed at most.
WAYS = 500

_STAMP = Stamp(
    message_id="0@example.org",
    click=lambda number: f"https://example.org/l/{number:032}",
    unsubscribe="https://example.org/u/0",
    preferences="https://example.org/p/0",
    view="https://example.org/v/0",
)


@dataclass(frozen=True)
class Found:
    """What a campaign that varies comes to."""

    #: Fields that somebody who has none of them would miss.
    required: frozenset[str]
    #: How many bytes its parts have for somebody.
    size: int


def campaign(scene: Scene, table: Table) -> Found:
    """Number every link and look for mistakes; raises TemplateError for one."""
    named: set[str] = set()
    templates = Templates(scene.sources, scene.token)
    seen: set[tuple[Site, bool]] = set()
    scripts: deque[tuple[bool, ...]] = deque([()])
    for _ in range(WAYS):
        if not scripts:
            break
        reading = Exploring(scene.marks(), scripts.popleft())
        _walk(Stage(scene, templates, reading), table)
        named |= reading.named
        scripts += _other_ways(reading, seen)
    variants = Variants(scene, table.links)
    somebody = variants.of(Recipient("a@example.org", "1", "1", "1", dict.fromkeys(named, "1")), _STAMP)
    return Found(_required(variants), _size(somebody))


def _walk(stage: Stage, table: Table) -> None:
    """Render every part once, and number the links in it."""
    marks = stage.reading.marks
    target = links.table_place(table, marks) if stage.scene.tracked else plain
    try:
        stage.subject()
        parts.with_links(stage.html(), marks, target)
        if TEXT in stage.scene.sources:
            own_text(stage, marks, target)
    except TemplateError as error:
        # What does not exist is a mistake on any way; that an unknown value does not fit somewhere is none.
        if isinstance(error.__cause__, jinja2.UndefinedError | jinja2.TemplateError) or error.__cause__ is None:
            raise


def _other_ways(reading: Exploring, seen: set[tuple[Site, bool]]) -> list[tuple[bool, ...]]:
    """The ways that part from this one where nobody has gone yet."""
    outcomes = [outcome for _, outcome in reading.taken]
    seen.update(reading.taken)
    ways = []
    for step, (site, outcome) in enumerate(reading.taken):
        if step >= len(reading.script) and (site, not outcome) not in seen:
            seen.add((site, not outcome))
            ways.append((*outcomes[:step], not outcome))
    return ways


def _required(variants: Variants) -> frozenset[str]:
    """What is printed without a fallback even for somebody who has nothing."""
    nobody = variants.of(Recipient("a@example.org"), _STAMP)
    with contextlib.suppress(TemplateError):  # a template may count on values that everybody of the list has
        _size(nobody)
    return frozenset(nobody.reading.required)


def _size(reader: Reader) -> int:
    whole = [piece for part in (Part.TEXT, Part.HTML) for piece in reader.pieces(part)]
    return len(reader.subject()) + sum(len(piece) if isinstance(piece, bytes) else 200 for piece in whole)
