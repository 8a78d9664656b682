"""Destinations arrive as written; what leads elsewhere than to the web leads nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.tracking import destination


@pytest.mark.parametrize(
    "url",
    [
        "https://clinic.example/quote",
        "https://clinic.example/quote?utm_source=mail&utm_medium=news&x=%27a%27",
        "http://clinic.example:8080/a[1](2)'\"{}|^`;,!*~$@:=+/?a=b&&c#frag?ment/[x]",
        "https://clinic.example?q=%C3%A4%2F%20+",
        "https://[2001:db8::1]/",
        "HTTPS://Clinic.Example/UPPER",
        "https://xn--bcher-kva.example/",
        "https://clinic.example/mail@me?to=a@b",
    ],
)
def test_an_address_arrives_exactly_as_written(url: str) -> None:
    assert destination.location(url) == url


@pytest.mark.parametrize(
    ("url", "carried"),
    [
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://bücher.example:8443/ä?ö=ü#ß", "https://xn--bcher-kva.example:8443/%C3%A4?%C3%B6=%C3%BC#%C3%9F"),
        ("https://clinic.example/a b", "https://clinic.example/a%20b"),
        ("  https://clinic.example/ \n", "https://clinic.example/"),
        ("https://clinic.example/a\r\nSet-Cookie: x=1", "https://clinic.example/aSet-Cookie:%20x=1"),
        ("https://clinic.example/\x00", "https://clinic.example/%00"),
    ],
)
def test_only_what_a_header_cannot_carry_is_rewritten(url: str, carried: str) -> None:
    assert destination.location(url) == carried


@pytest.mark.parametrize(
    "url",
    [
        "",
        "quote",
        "/quote",
        "//clinic.example/",
        "mailto:news@clinic.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://clinic.example/",
        "https://",
        "https:///quote",
        "https://user@clinic.example/",
        "https://user:password@clinic.example/",
        "https://clinic.example\\@elsewhere.example/",
        "https://[::1/",
    ],
)
def test_what_is_not_the_web_leads_nowhere(url: str) -> None:
    assert destination.location(url) is None


@given(st.text().map(lambda text: "https://clinic.example/" + text))
def test_every_destination_fits_into_one_header(url: str) -> None:
    carried = destination.location(url)
    assert carried is None or all("!" <= character <= "~" for character in carried)
