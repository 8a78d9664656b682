"""What many programs lack is told once, with who they are; what only decorates, or improves, is not."""

from __future__ import annotations

import pytest

from outreach.message.check import clients
from outreach.message.check.support import CLIENTS, LACKING
from tests.message.check.mails import look, told


@pytest.mark.parametrize(
    ("body", "style", "feature"),
    [
        ('<div style="display:flex">x</div>', "", "display: flex"),
        ('<div style="display:grid">x</div>', "", "display: grid"),
        ('<div style="position:absolute;top:0">x</div>', "", "position"),
        ('<div style="position:relative;top:4px">x</div>', "", "position"),
        ('<div style="float:left">x</div>', "", "float"),
        ('<p style="padding-inline:9px">x</p>', "", "padding-inline"),
        ('<p style="color:var(--ink)">x</p>', "", "var()"),
        ('<p style="width:calc(100% - 9px)">x</p>', "", "calc()"),
        ('<p style="color:rgba(0,0,0,.9)">x</p>', "", "rgba()"),
        ('<p style="font-size:2rem">x</p>', "", "rem"),
        ('<p style="height:50vh">x</p>', "", "vh"),
        ('<p style="background:linear-gradient(#fff,#eee)">x</p>', "", "linear-gradient()"),
        ('<p style="background-image:url(cid:x)">x</p>', "", "background-image"),
        ("<input>", "", "<input>"),
        ("<button>x</button>", "", "<button>"),
        ('<img src="https://news.example.org/media/a.svg" alt="">', "", ".svg"),
        ('<img src="https://news.example.org/media/a.webp?v=2" alt="">', "", ".webp"),
        ('<p hidden style="display:block">x</p>', "", "hidden"),
        ("<p>x</p>", ".a { display: flex }", "display: flex"),
        ("<p>x</p>", '.a::before { content: "New" }', "::before"),
        ("<p>x</p>", "@import url(more.css);", "@import"),
    ],
)
def test_a_feature_that_some_of_the_main_clients_lack_is_told_with_them(body: str, style: str, feature: str) -> None:
    (words,) = told(look(body, style=style), "client-support")
    assert words.startswith(f"{feature} is unknown to ")
    assert CLIENTS[LACKING[feature].split()[0]] in words


@pytest.mark.parametrize(
    ("body", "style"),
    [
        ('<p style="border-radius:8px;box-shadow:0 0 4px #eee;letter-spacing:1px">x</p>', ""),
        ('<p style="position:relative">x</p>', ""),
        ('<p style="background:#fff;background-color:#fff;background-image:linear-gradient(#fff,#eee)">x</p>', ""),
        ('<p style="background-color:#fff;background-image:url(cid:x)">x</p>', ""),
        ("<p style=\"font-family:'var(x) 3rem'\">x</p>", ""),
        ('<p style="mso-line-height-rule:exactly;-webkit-text-size-adjust:100%">x</p>', ""),
        ("<p>x</p>", "@media (min-width: 500px) { .a { display: flex; gap: 3px } }"),
        ("<p>x</p>", "@supports (display: grid) { .a { display: grid } }"),
        ("<p>x</p>", ".a:hover { transform: scale(2) }"),
        ("<p>x</p>", '.a::before { content: "" } @font-face { font-family: x; src: local(x) }'),
        ("<p>x</p>", "@keyframes a { from { transform: none } }"),
    ],
)
def test_what_decorates_or_improves_is_left_in_peace(body: str, style: str) -> None:
    assert told(look(body, style=style), "client-support") == []


def test_a_feature_is_told_once_however_often_it_is_used() -> None:
    assert len(told(look('<div style="display:flex">x</div>' * 3), "client-support")) == 1


def test_each_fact_is_looked_for_and_each_look_has_its_fact() -> None:
    known = {*clients._DECLARED, *clients._ELEMENTS, *clients._PICTURES, "background-image", "hidden", "@import"}
    assert known | {"::before", "::after"} == set(LACKING)
    assert {client for lacking in LACKING.values() for client in lacking.split()} <= set(CLIENTS)
