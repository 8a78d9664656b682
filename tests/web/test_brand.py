"""A publisher's brand: any colour is made readable in light and dark, and the picture is the only thing that loads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import config
from outreach.store.database import Store
from outreach.tracking.token import TokenMaker
from outreach.web import app as web
from outreach.web import brand
from outreach.web.brand import Brand
from outreach.web.pages import Pages
from tests.web.test_redirect import ask

SHIPPED = config.shipped("templates") / "pages"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def variables(style: str) -> tuple[dict[str, str], dict[str, str]]:
    """The colours of a sheet, in light and in dark."""
    light, dark = style.split("@media (prefers-color-scheme: dark)")[:2]
    return tuple(dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in (light, dark))  # type: ignore[return-value]


def sheet(shown: Brand) -> tuple[dict[str, str], dict[str, str]]:
    page = bytes(Pages((SHIPPED,), brand=shown).failed.body).decode()
    return variables(page)


def test_the_grounds_are_those_of_the_sheet() -> None:
    light, dark = sheet(Brand())
    grounds = ("desk", "sheet", "soft")
    assert tuple(light[name] for name in grounds) == brand.LIGHT
    assert tuple(dark[name] for name in grounds) == brand.DARK


@pytest.mark.parametrize("colour", ["", "#ffff00", "#000000", "#ffffff", "#e30613", "#abc"])
def test_every_word_stands_out_in_light_and_dark(colour: str) -> None:
    for colours in sheet(Brand.of("Clinic", "", colour)):
        pairs = [("on-accent", "accent")]
        pairs += [
            (word, ground)
            for word in ("ink", "quiet", "title", "link", "accent", "bad")
            for ground in ("sheet", "soft")
        ]
        pairs += [("title", "desk")]
        poor = {pair: brand.contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
        assert {pair: ratio for pair, ratio in poor.items() if ratio < 4.5} == {}
        assert brand.contrast(colours["field"], colours["sheet"]) >= 3


@given(COLOURS)
def test_any_colour_becomes_readable_on_every_ground(colour: str) -> None:
    made = Brand.of(colour=colour)
    for scheme, grounds in ((made.light, brand.LIGHT), (made.dark, brand.DARK)):
        assert brand.contrast(scheme.on_accent, scheme.accent) >= 4.5
        for ground in grounds:
            assert brand.contrast(scheme.link, ground) >= 4.5
            assert brand.contrast(scheme.title, ground) >= 9


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert Brand.of(colour="#7A1F5C").light.accent == "#7a1f5c"


def test_contrast_is_computed_as_the_guidelines_do() -> None:
    assert brand.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert brand.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", ["red", "#12", "#12345g", "#1234567", "0b6e69", "#fff;}"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="colour"):
        Brand.of(colour=colour)


def test_a_page_shows_name_and_picture_and_the_policy_allows_no_other(
    sqlite_store: Store, tokens: TokenMaker, site: web.Site, branded: Callable[..., Any]
) -> None:
    named = branded(Brand.of("Clinic <b>"))
    assert lxml.html.fromstring(ask(named, "/nowhere").text).xpath("//header//bdi/text()") == ["Clinic <b>"]
    assert "img-src" not in ask(named, "/nowhere").headers["content-security-policy"]
    pictured = branded(Brand.of("Clinic", "logo.svg"), "https://clinic.example/letters")
    answer = ask(pictured, "/nowhere")
    (picture,) = lxml.html.fromstring(answer.text).xpath("//header/img")
    assert (picture.get("src"), picture.get("alt")) == ("/letters/media/logo.svg", "Clinic")
    assert "; img-src 'self'; " in answer.headers["content-security-policy"]


@pytest.fixture
def branded(sqlite_store: Store, tokens: TokenMaker, site: web.Site, opened: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a client of a web part with another brand and another address."""

    def made(shown: Brand, public_url: str = "https://news.example") -> Callable[..., Any]:
        return opened(web.make(sqlite_store, tokens, replace(site, brand=shown, public_url=public_url)))

    return made
