"""Colours are read in every notation that mails use, and compared as the guidelines do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.message import colours
from outreach.message.colours import Colour


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#0b6e69", "#0b6e69"),
        ("#ABC", "#aabbcc"),
        ("rgb(11,110,105)", "#0b6e69"),
        ("rgb(100% 0% 0%)", "#ff0000"),
        ("hsl(120, 100%, 50%)", "#00ff00"),
        ("url(red.png) no-repeat NAVY", "#000080"),
        ("#ffffff url('x#000000')", "#ffffff"),
        ("hsl(120deg 100% 25%)", "#008000"),
    ],
)
def test_a_colour_is_read_in_every_notation(text: str, colour: str) -> None:
    assert str(colours.parse(text)) == colour


@pytest.mark.parametrize(
    "text", ["", "none", "inherit", "rgb(x)", "rgb(1,2)", "linear-gradient(red, blue)", "notacolour"]
)
def test_what_is_no_colour_is_none(text: str) -> None:
    assert colours.parse(text) is None


def test_a_colour_that_lets_through_is_mixed_with_what_is_below() -> None:
    half = colours.parse("rgba(0, 0, 0, 50%)")
    assert half is not None
    assert str(half.over(colours.WHITE)) == "#808080"
    clear = colours.parse("transparent")
    assert clear is not None
    assert clear.over(colours.WHITE) == colours.WHITE


CHANNEL = st.integers(0, 255).map(lambda it: it / 255)
COLOUR = st.builds(Colour, CHANNEL, CHANNEL, CHANNEL)


@given(COLOUR, COLOUR)
def test_contrast_is_the_same_both_ways_and_between_1_and_21(one: Colour, other: Colour) -> None:
    ratio = colours.contrast(one, other)
    assert ratio == colours.contrast(other, one)
    assert 1 <= ratio <= 21
    assert colours.contrast(one, one) == 1
    assert colours.parse(str(one)) == one
