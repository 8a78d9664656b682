"""What does a mail say to a recipient whose values its templates look into?

``{% if city == "Berlin" %}`` makes two mails of one. The templates are rendered for the recipient, who is known now,
but what they print still leaves marks. So everybody for whom the questions came out alike gets the same laid-out
mail, a *variant*; its CSS is inlined once, when its first recipient comes. That is exactly what inlining each
recipient's HTML would give, at the cost of one rendering.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from outreach.message import links, parts
from outreach.message.compiled import Part
from outreach.message.links import Place, Table, TrackedLink
from outreach.message.parts import Parts
from outreach.message.reading import Knowing
from outreach.message.recipient import Recipient, Stamp
from outreach.message.scene import TEXT, Scene, Stage
from outreach.message.slots import Marks, Slot, What, Worked, supplier
from outreach.message.template import Templates

#: How many laid-out mails are kept at once, per campaign.
KEPT = 128


class Variants:
    """The laid-out mails of one campaign, made as recipients ask for them."""

    def __init__(self, scene: Scene, tracked: Iterable[TrackedLink]) -> None:
        self.scene = scene
        self.templates = Templates(scene.sources, scene.token)
        self._table = Table(scene.roles, list(tracked), growing=False)
        self._kept: OrderedDict[tuple[object, ...], Parts] = OrderedDict()

    def of(self, recipient: Recipient, stamp: Stamp) -> Reader:
        """One recipient's mail; raises TemplateError where a template fails for these values."""
        return Reader(self, Knowing(self.scene.marks(), recipient, stamp))

    def target(self, marks: Marks) -> Place:
        """Where links lead: through us when they are counted and known, else to their destination."""
        return links.table_place(self._table, marks) if self.scene.tracked else plain

    def laid_out(self, html: str, marks: Marks) -> Parts:
        """The variant that belongs to this rendering."""
        key = (html, *marks.whats)
        made = self._kept.pop(key, None) or parts.lay_out(html, self.scene.css, marks, self.target(marks))
        self._kept[key] = made  # the last one again; senders in other threads may do the same meanwhile
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made


class Reader:
    """The parts of one recipient's mail that are rendered for each."""

    def __init__(self, variants: Variants, reading: Knowing) -> None:
        self._variants = variants
        self.reading = reading
        self._stage = Stage(variants.scene, variants.templates, reading)
        self._laid_out: Parts | None = None

    def subject(self) -> str:
        """The subject line."""
        line = self.reading.marks.split(self._stage.subject(), html=False)
        return "".join(piece if isinstance(piece, str) else self.said(piece.what) for piece in line)

    def pieces(self, part: Part) -> tuple[bytes | Slot, ...]:
        """The HTML or the text part."""
        if part is Part.TEXT and TEXT in self._variants.scene.sources:
            return self._own_text()
        if self._laid_out is None:
            html = self._stage.html()
            self._laid_out = self._variants.laid_out(html, self.reading.marks)
        return self._laid_out.html if part is Part.HTML else self._laid_out.text

    def said(self, what: What) -> str:
        """What stands in a slot, before it is escaped."""
        if isinstance(what, Worked):
            return self.reading.results[what.index]
        return supplier(what)(self.reading.recipient, self.reading.stamp)

    def _own_text(self) -> tuple[bytes | Slot, ...]:
        marks = self.reading.marks
        text = own_text(self._stage, marks, self._variants.target(marks))
        return parts.encoded(marks.split(text, html=False))


def own_text(stage: Stage, marks: Marks, target: Place) -> str:
    """The text part that a layout's own template makes, with marks."""
    roles = {role: url and (target(role, url, role) or url) for role, url in stage.scene.roles.items()}
    return stage.text(body=lambda: parts.text_of(stage.body(), marks, target), links=roles)


def plain(role: str, url: str, words: str) -> None:
    """Leave every link as it is."""
