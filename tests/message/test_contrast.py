"""Words of the default layout stand out from their ground by 4.5:1, in light, in dark and in Outlook's dark mode.

Computed as WCAG 2.2 defines "relative luminance" and "contrast ratio".
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SHEET = Path(__file__).parents[2] / "templates" / "email" / "default" / "layout.css"
CSS = SHEET.read_text(encoding="utf-8")

#: Whose words stand on what.
READ_ON = {
    ".wordmark": ".page",
    ".seal": ".seal",
    ".letter": ".letter",
    ".letter h1": ".letter",
    ".letter h2": ".letter",
    ".letter h3": ".letter",
    ".letter h4": ".letter",
    ".letter a": ".letter",
    ".letter a.button": "td.button",
    ".colophon": ".page",
    ".colophon a": ".page",
}
#: Words without a colour of their own that stand on another ground.
ALSO = [(".letter", ".letter blockquote"), (".letter a", ".letter blockquote")]


def colours(css: str, name: str) -> dict[str, str]:
    """Selector -> value of ``color`` or ``background-color``."""
    found: dict[str, str] = {}
    for selectors, block in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        value = re.search(rf"(?<![-\w]){name}:\s*(#[0-9a-f]{{6}})", block)
        if value:
            found |= {selector.strip().replace(".letter td.", "td."): value[1] for selector in selectors.split(",")}
    return found


def scheme(which: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colours of words and of grounds, in light, in dark, and in Outlook's dark mode."""
    top, rest = CSS.split("@media", 1)
    dark, outlook = rest.split("@media (prefers-color-scheme: dark) {")[1].split("\n}\n", 1)
    if which == "light":
        return colours(top, "color"), colours(top, "background-color")
    if which == "dark":
        return colours(dark, "color"), colours(dark, "background-color")
    words = {name.removeprefix("[data-ogsc] "): value for name, value in colours(outlook, "color").items()}
    grounds = {name.removeprefix("[data-ogsb] "): value for name, value in colours(outlook, "background-color").items()}
    return words, grounds


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_the_guidelines_do() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("which", ["light", "dark", "outlook"])
def test_words_stand_out_from_their_ground(which: str) -> None:
    words, grounds = scheme(which)
    pairs = [*READ_ON.items(), *ALSO]

    assert set(words) == set(READ_ON)
    poor = {f"{word} on {ground}": contrast(words[word], grounds[ground]) for word, ground in pairs}
    assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}


def test_outlooks_dark_mode_has_the_same_colours_as_everybodys() -> None:
    assert scheme("outlook") == scheme("dark")


def test_the_button_stands_out_from_the_letter() -> None:
    for which in ("light", "dark"):
        grounds = scheme(which)[1]
        assert contrast(grounds["td.button"], grounds[".letter"]) >= 3


def test_the_preheader_is_not_hidden_by_its_colour_which_filters_take_for_spam() -> None:
    assert ".preheader" not in scheme("light")[0]
