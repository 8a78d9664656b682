"""Sheets and colours are read as browsers read them, and nothing that anybody writes breaks the look."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outreach.message import colours
from outreach.message.check import faults, sheet


def test_a_sheet_is_taken_apart_with_its_conditions() -> None:
    css = """/* p { color: red } */ @import url("a;b.css");
    a, b:hover { color: RED !important; background: url(data:image/png;base64,AA==) }
    @media (min-width: 500px) { .x { content: "}" } @media print { i { top: 0 } } }
    u { color: blue"""
    found = [(rule.prelude, rule.conditions, [each.name for each in rule.declarations]) for rule in sheet.rules(css)]
    assert found == [
        ('@import url("a;b.css")', (), []),
        ("a, b:hover", (), ["color", "background"]),
        (".x", ("@media (min-width: 500px)",), ["content"]),
        ("i", ("@media (min-width: 500px)", "@media print"), ["top"]),
    ]
    first = sheet.declarations("color: RED ! important; background: url(data:image/png;base64,AA==)")
    assert [(each.value, each.important) for each in first] == [
        ("RED", True),
        ("url(data:image/png;base64,AA==)", False),
    ]


PIECES = st.sampled_from(
    [
        *"{}();:,!\"'#.*/@<>=- \n",
        "a",
        "p",
        "color",
        "#fff",
        "@media",
        "!important",
        "url(",
        "<p>",
        "</p>",
        "<td>",
        "style=",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_nothing_that_is_written_breaks_the_look(text: str) -> None:
    list(sheet.rules(text))
    sheet.declarations(text)
    colours.parse(text)
    html = f"<html lang=en><head><style>{text}</style></head><body><p style='{text}'>{text}</p></body></html>"
    faults(subject=text, html=html, text=text, unsubscribe="https://example.org/u", public_url="https://example.org")
