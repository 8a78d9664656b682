"""How do two colours stand out from each other?  Colours as CSS writes them, contrast as WCAG 2.2 computes it."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

#: The names of CSS that mails use; others are not judged.
_NAMED = {
    "aqua": "00ffff",
    "beige": "f5f5dc",
    "black": "000000",
    "blue": "0000ff",
    "brown": "a52a2a",
    "crimson": "dc143c",
    "cyan": "00ffff",
    "darkblue": "00008b",
    "darkgray": "a9a9a9",
    "darkgreen": "006400",
    "darkgrey": "a9a9a9",
    "darkred": "8b0000",
    "dimgray": "696969",
    "dimgrey": "696969",
    "dodgerblue": "1e90ff",
    "firebrick": "b22222",
    "forestgreen": "228b22",
    "fuchsia": "ff00ff",
    "gainsboro": "dcdcdc",
    "gold": "ffd700",
    "gray": "808080",
    "green": "008000",
    "grey": "808080",
    "indigo": "4b0082",
    "ivory": "fffff0",
    "khaki": "f0e68c",
    "lavender": "e6e6fa",
    "lightblue": "add8e6",
    "lightgray": "d3d3d3",
    "lightgreen": "90ee90",
    "lightgrey": "d3d3d3",
    "lightyellow": "ffffe0",
    "lime": "00ff00",
    "magenta": "ff00ff",
    "maroon": "800000",
    "midnightblue": "191970",
    "navy": "000080",
    "olive": "808000",
    "orange": "ffa500",
    "orangered": "ff4500",
    "orchid": "da70d6",
    "pink": "ffc0cb",
    "purple": "800080",
    "red": "ff0000",
    "royalblue": "4169e1",
    "salmon": "fa8072",
    "seagreen": "2e8b57",
    "silver": "c0c0c0",
    "skyblue": "87ceeb",
    "slategray": "708090",
    "slategrey": "708090",
    "snow": "fffafa",
    "steelblue": "4682b4",
    "tan": "d2b48c",
    "teal": "008080",
    "tomato": "ff6347",
    "turquoise": "40e0d0",
    "violet": "ee82ee",
    "wheat": "f5deb3",
    "white": "ffffff",
    "whitesmoke": "f5f5f5",
    "yellow": "ffff00",
}
_HEX = re.compile(r"#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{4}|[0-9a-f]{3})(?![0-9a-f])")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Colour:
    """Red, green, blue and alpha, each from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def over(self, ground: Colour) -> Colour:
        """The colour that is seen where this one lies over an opaque ground."""
        share = self.alpha
        mixed = (
            own * share + below * (1 - share)
            for own, below in ((self.red, ground.red), (self.green, ground.green), (self.blue, ground.blue))
        )
        return Colour(*mixed)

    @property
    def luminance(self) -> float:
        """Relative luminance, as WCAG 2.2 defines it."""
        red, green, blue = (
            channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
            for channel in (self.red, self.green, self.blue)
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def __str__(self) -> str:
        return "#" + "".join(f"{round(part * 255):02x}" for part in (self.red, self.green, self.blue))


BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)


def contrast(one: Colour, other: Colour) -> float:
    """By how much two colours stand out from each other, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((one.luminance, other.luminance), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def parse(text: str) -> Colour | None:
    """The first colour in a value such as `#0b6e69`, `rgb(0 0 0 / 50%)` or `url(x) navy`; None where there is none."""
    text = re.sub(r"url\([^)]*\)|\"[^\"]*\"|'[^']*'", " ", text.lower())
    if "gradient(" in text:
        return None
    if found := _HEX.search(text):
        return _hex(found[0][1:])
    if found := _FUNCTION.search(text):
        return _function(found[1], found[2])
    for word in _WORD.findall(text):
        if word == "transparent":
            return Colour(0, 0, 0, 0)
        if word in _NAMED:
            return _hex(_NAMED[word])
    return None


def attribute(text: str) -> Colour | None:
    """A colour as `bgcolor` and its like hold it: the hash may lack."""
    text = text.strip().lower()
    return parse(f"#{text}" if re.fullmatch("[0-9a-f]{6}", text) else text)


def _hex(digits: str) -> Colour:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in range(0, len(digits), 2)]
    return Colour(*parts)


def _function(kind: str, inside: str) -> Colour | None:
    parts = re.split(r"[\s,/]+", inside.strip())
    try:
        numbers = [float(part.rstrip("%deg")) for part in parts]
    except ValueError:
        return None
    if len(numbers) not in {3, 4}:
        return None
    alpha = 1.0
    if len(numbers) == 4:
        alpha = numbers[3] / (100 if parts[3].endswith("%") else 1)
    if kind == "hsl":
        own = colorsys.hls_to_rgb(numbers[0] % 360 / 360, numbers[2] / 100, numbers[1] / 100)
    else:
        own = tuple(n / (100 if part.endswith("%") else 255) for n, part in zip(numbers[:3], parts, strict=False))  # type: ignore[assignment]
    red, green, blue, alpha = (min(1.0, max(0.0, part)) for part in (*own, alpha))
    return Colour(red, green, blue, alpha)
