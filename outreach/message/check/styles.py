"""How does each element of a mail show?  Colours, size and whether it is there, as the cascade of CSS decides it.

Enough of CSS for mail, no browser: colours and grounds through nested tables (`bgcolor` too), sizes of type, what is
hidden; style attributes, `<style>` sheets, `@media` for dark mode and narrow screens, and Outlook's own dark mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import lxml.html
from cssselect import SelectorError, parse
from lxml.cssselect import CSSSelector

from outreach.message import colours
from outreach.message.check import sheet
from outreach.message.check.sheet import Rule
from outreach.message.colours import BLACK, WHITE, Colour

#: Where nothing is said: the paper and the ink of readers in dark mode, and their links.
DARK_GROUND, DARK_LINK, LINK = Colour(0.12, 0.12, 0.12), Colour(0.62, 0.62, 1), Colour(0, 0, 238 / 255)
#: Sizes of type that browsers give an element (HTML, 15.3), as a share of its parent's.
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83, "sub": 0.83, "sup": 0.83, "big": 1.2}
_BOLD = {"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "th"}
_KEYWORDS = {"xx-small": 9, "x-small": 10, "small": 13, "medium": 16, "large": 18, "x-large": 24, "xx-large": 32}
_LENGTH = re.compile(r"(\d*\.?\d+)(px|pt|em|rem|%)")
_UNITS = {"px": 1.0, "pt": 4 / 3, "rem": 16.0}
_OUTLOOK = re.compile(r"\[data-ogs([cb])\]\s*", re.IGNORECASE)
_OF_A_STATE = re.compile(r":(?!(?:first|last|only|nth)-)")


@dataclass(frozen=True)
class Screen:
    """What the mail is read on."""

    dark: bool = False
    narrow: bool = False
    #: Outlook's dark mode, which the layout reaches by `[data-ogsc]` and `[data-ogsb]`.
    outlook: bool = False


@dataclass(frozen=True)
class Style:
    """How one element shows."""

    colour: Colour
    ground: Colour
    #: Pixels.
    size: float = 16.0
    bold: bool = False
    hidden: bool = False
    #: Whether colour and ground were given for Outlook's dark mode; it makes up what was not.
    outlook_colour: bool = False
    outlook_ground: bool = False

    @property
    def contrast(self) -> float:
        """By how much its words stand out from what they stand on."""
        return colours.contrast(self.colour.over(self.ground), self.ground)

    @property
    def large(self) -> bool:
        """Whether its type is large, so that less contrast will do (WCAG 2.2: 18 points, or 14 and bold)."""
        return self.size >= 24 or (self.bold and self.size >= 18.66)


@dataclass(frozen=True)
class _Value:
    """A declared value, with what decides between it and others."""

    weight: tuple[bool, bool, tuple[int, int, int], int]
    text: str
    outlook: bool = False


def computed(document: lxml.html.HtmlElement, screen: Screen) -> dict[lxml.html.HtmlElement, Style]:
    """The style of every element of a document."""
    declared = _declared(document, screen)
    root = document.getroottree().getroot()
    dark = screen.dark and _speaks_dark(document)
    found: dict[lxml.html.HtmlElement, Style] = {}
    start = Style(WHITE, DARK_GROUND) if dark else Style(BLACK, WHITE)
    for element in root.iter():
        if isinstance(element.tag, str):
            above = element.getparent()
            inherited = start if above is None else found[above]
            found[element] = _style(element, declared.get(element, {}), inherited, dark)
    return found


def sheets(document: lxml.html.HtmlElement) -> list[Rule]:
    """The rules of every `<style>` of a document."""
    return [rule for style in document.getroottree().getroot().iter("style") for rule in sheet.rules(style.text or "")]


def _style(element: lxml.html.HtmlElement, own: Mapping[str, _Value], above: Style, dark: bool) -> Style:
    size = _size(element, own, above.size)
    ground = _ground(element, own)
    ink = _ink(element, own, dark)
    return Style(
        colour=above.colour if ink is None else ink,
        ground=above.ground if ground is None else ground.over(above.ground),
        size=size,
        bold=_is_bold(element, own, above.bold),
        hidden=above.hidden or _is_hidden(element, own, size),
        outlook_colour=own["color"].outlook if "color" in own else above.outlook_colour,
        outlook_ground=own["background"].outlook
        if ground is not None and "background" in own
        else above.outlook_ground,
    )


def _ink(element: lxml.html.HtmlElement, own: Mapping[str, _Value], dark: bool) -> Colour | None:
    if "color" in own:
        return colours.parse(own["color"].text)
    if element.tag == "font" and element.get("color"):
        return colours.attribute(str(element.get("color")))
    if element.tag == "a" and element.get("href"):
        return DARK_LINK if dark else LINK
    return None


def _ground(element: lxml.html.HtmlElement, own: Mapping[str, _Value]) -> Colour | None:
    """The colour behind; a picture or a gradient may not show, so what counts is the colour below it."""
    if "background" in own:
        return colours.parse(own["background"].text)
    return colours.attribute(str(element.get("bgcolor"))) if element.get("bgcolor") else None


def _size(element: lxml.html.HtmlElement, own: Mapping[str, _Value], above: float) -> float:
    if "font-size" in own:
        return _pixels(own["font-size"].text, above)
    return above * _SIZES.get(str(element.tag), 1.0)


def _pixels(text: str, above: float) -> float:
    text = text.lower()
    if found := _LENGTH.search(text):
        number, unit = float(found[1]), found[2]
        return number * (above if unit == "em" else above / 100 if unit == "%" else _UNITS[unit])
    if text in {"smaller", "larger"}:
        return above * (0.83 if text == "smaller" else 1.2)
    return 0.0 if re.match(r"0(?![.\d])", text) else float(_KEYWORDS.get(text, above))


def _is_bold(element: lxml.html.HtmlElement, own: Mapping[str, _Value], above: bool) -> bool:
    if "font-weight" in own:
        weight = own["font-weight"].text.lower()
        return weight in {"bold", "bolder"} or (weight.isdigit() and int(weight) >= 700)
    return above or element.tag in _BOLD


def _is_hidden(element: lxml.html.HtmlElement, own: Mapping[str, _Value], size: float) -> bool:
    said = {name: value.text.lower() for name, value in own.items()}
    return (
        (element.get("hidden") is not None and "display" not in own)
        or said.get("display") == "none"
        or said.get("visibility") in {"hidden", "collapse"}
        or bool(re.fullmatch(r"0?\.?0*%?", said.get("opacity", "1")))
        or (bool(re.match(r"0(?![.\d])", said.get("max-height", ""))) and "hidden" in said.get("overflow", ""))
        or size < 2
    )


def _declared(document: lxml.html.HtmlElement, screen: Screen) -> dict[lxml.html.HtmlElement, dict[str, _Value]]:
    """What is declared for each element, by property: the winner of the cascade."""
    found: dict[lxml.html.HtmlElement, dict[str, _Value]] = {}
    order = 0
    for rule in sheets(document):
        if not _holds(rule, screen):
            continue
        order += 1
        for selector, outlook in _reached(rule, screen):
            for element, specificity in _matches(document, selector):
                for name, value, important in _longhands(rule.declarations):
                    if outlook and (name != "color" if outlook == "c" else name != "background"):
                        continue
                    weight = (important, False, specificity, order)
                    _take(found.setdefault(element, {}), name, _Value(weight, value, bool(outlook)))
    for element in document.getroottree().getroot().iter():
        written = element.get("style") if isinstance(element.tag, str) else None
        for name, value, important in _longhands(sheet.declarations(written)) if written else ():
            _take(found.setdefault(element, {}), name, _Value((important, True, (0, 0, 0), 0), value))
    return found


def _take(own: dict[str, _Value], name: str, value: _Value) -> None:
    if name not in own or own[name].weight <= value.weight:
        own[name] = value


def _longhands(declared: tuple[sheet.Declaration, ...]) -> Iterator[tuple[str, str, bool]]:
    """The declarations that matter here; a shorthand as what it says of them."""
    for each in declared:
        if each.name in {"color", "font-size", "font-weight", "display", "visibility", "opacity", "max-height"}:
            yield each.name, each.value, each.important
        elif each.name in {"background", "background-color"}:
            yield "background", each.value, each.important
        elif each.name.startswith("overflow"):
            yield "overflow", each.value, each.important
        elif each.name == "font" and (size := _LENGTH.search(each.value)):
            yield "font-size", size[0], each.important
            yield "font-weight", "bold" if re.search(r"\bbold|[789]00\b", each.value) else "normal", each.important


def _holds(rule: Rule, screen: Screen) -> bool:
    """Whether the conditions around a rule hold on a screen."""
    for condition in rule.conditions:
        if not condition.startswith("@media"):
            return False
        if "print" in condition or "prefers-color-scheme" in condition:
            wanted = "light" if re.search(r"prefers-color-scheme\s*:\s*light", condition) else "dark"
            if "print" in condition or (wanted == "dark") != screen.dark:
                return False
        if "max-width" in condition and not screen.narrow:
            return False
        if "min-width" in condition and screen.narrow:
            return False
    return not rule.prelude.startswith("@")


def _reached(rule: Rule, screen: Screen) -> Iterator[tuple[str, str]]:
    """The selectors of a rule that hold of themselves, and which of Outlook's marks they stand under."""
    for selector in rule.selectors:
        marks = _OUTLOOK.findall(selector)
        bare = _OUTLOOK.sub("", selector)
        if (marks and not screen.outlook) or _OF_A_STATE.search(bare):
            continue
        yield bare, marks[0].lower() if marks else ""


def _matches(
    document: lxml.html.HtmlElement, selector: str
) -> list[tuple[lxml.html.HtmlElement, tuple[int, int, int]]]:
    ready = _selector(selector)
    if ready is None:
        return []
    found = ready[0](document.getroottree().getroot())
    assert isinstance(found, list), "a selector finds elements"
    return [(element, ready[1]) for element in found if isinstance(element, lxml.html.HtmlElement)]


@lru_cache(maxsize=1024)
def _selector(text: str) -> tuple[CSSSelector, tuple[int, int, int]] | None:
    try:
        return CSSSelector(text, translator="html"), parse(text)[0].specificity()
    except (SelectorError, IndexError):
        return None


def _speaks_dark(document: lxml.html.HtmlElement) -> bool:
    """Whether a document says that it knows dark mode, so that readers give it dark paper."""
    root = document.getroottree().getroot()
    names = {"color-scheme", "supported-color-schemes"}
    said = [str(meta.get("content")) for meta in root.iter("meta") if meta.get("name") in names]
    return any("dark" in content for content in said) or any(
        each.name == "color-scheme" and "dark" in each.value for rule in sheets(document) for each in rule.declarations
    )


def knows_dark(document: lxml.html.HtmlElement) -> bool:
    """Whether dark mode shows a document otherwise than light mode does."""
    return _speaks_dark(document) or any(
        "prefers-color-scheme" in "".join(rule.conditions) for rule in sheets(document)
    )


def knows_outlook(document: lxml.html.HtmlElement) -> bool:
    """Whether a document gives colours for Outlook's dark mode."""
    return any(_OUTLOOK.search(rule.prelude) for rule in sheets(document))
