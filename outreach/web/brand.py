"""How does a publisher's name, picture and colour show on pages, so that everybody can still read them?

A colour is given once, for light and dark: it is made darker or lighter, in its own hue, until words in it stand out
from every ground of that scheme by 4.5:1 (WCAG 2.2, 1.4.3), which is more than a button's edge needs (1.4.11).
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

from outreach.message import colours
from outreach.message.colours import Colour

#: What words in a colour must stand out by, and headings, which are to look nearly like ink.
ENOUGH, HEADING = 4.5, 9.0

#: The grounds that words stand on, as `templates/pages/page.css` has them: desk, sheet, soft.
LIGHT = ("#f5f1e8", "#fffdf8", "#f1f5f1")
DARK = ("#131918", "#1b2322", "#222d2b")

_COLOUR = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)


@dataclass(frozen=True)
class Scheme:
    """The colours of a page that follow the brand, in light or in dark."""

    accent: str
    #: Words on the accent.
    on_accent: str
    link: str
    title: str


@dataclass(frozen=True)
class Brand:
    """Whose pages these are."""

    name: str = ""
    #: The name of a picture under /media/; "" shows the name alone.
    logo: str = ""
    light: Scheme = Scheme("#0b6e69", "#ffffff", "#0b5f5a", "#123f3b")
    dark: Scheme = Scheme("#7fcdc3", "#0d2624", "#8fd6cc", "#d9e8e4")

    @classmethod
    def of(cls, name: str = "", logo: str = "", colour: str = "") -> Brand:
        """The brand with that colour (`#0b6e69`, `#abc`), or with ours where none is given; raises ValueError."""
        if not colour:
            return cls(name, logo)
        return cls(name, logo, _scheme(colour, LIGHT), _scheme(colour, DARK))


def checked(colour: str) -> str:
    """The colour with six digits, lower case; raises ValueError for what is none."""
    if not _COLOUR.fullmatch(colour):
        raise ValueError("it must be a colour such as #0b6e69")
    digits = colour[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def contrast(one: str, other: str) -> float:
    """By how much two colours stand out from each other, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    return colours.contrast(_colour(one), _colour(other))


def _scheme(colour: str, grounds: tuple[str, ...]) -> Scheme:
    accent = _readable(checked(colour), grounds, ENOUGH)
    inks = ("#ffffff", "#101514")
    return Scheme(
        accent=accent,
        on_accent=max(inks, key=lambda ink: contrast(ink, accent)),
        link=accent,
        title=_readable(checked(colour), grounds, HEADING),
    )


def _readable(colour: str, grounds: tuple[str, ...], enough: float) -> str:
    """The colour nearest to this one, in its hue, that stands out from all these grounds."""
    begun = _colour(colour)
    hue, lightness, saturation = colorsys.rgb_to_hls(begun.red, begun.green, begun.blue)
    towards = 0 if _colour(grounds[0]).luminance > 0.2 else 1
    for step in range(101):
        mixed = lightness + (towards - lightness) * step / 100
        tried = str(Colour(*colorsys.hls_to_rgb(hue, mixed, saturation)))
        if all(contrast(tried, ground) >= enough for ground in grounds):
            return tried
    raise AssertionError("black or white stands out from every ground")


def _colour(written: str) -> Colour:
    found = colours.parse(written)
    assert found is not None, "a checked colour"
    return found
