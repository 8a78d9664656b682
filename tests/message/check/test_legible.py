"""Words that cannot be read are told: too pale, too small, hidden; and buttons that Outlook squeezes."""

from __future__ import annotations

import pytest

from tests.message.check.mails import GOOD, codes, look, told

LONG = "These are words that somebody is to read in peace, and there are quite a few of them in this paragraph."
DARK = '<meta name="color-scheme" content="light dark">'


def dark(style: str, body: str) -> list[str]:
    """Faults of contrast of a mail that knows dark mode."""
    html = GOOD.replace("</head>", f"{DARK}<style>{style}</style></head>").replace("</body>", f"{body}</body>")
    return told(look(html=html), "low-contrast")


@pytest.mark.parametrize(
    ("body", "ratio"),
    [
        ('<p style="color:#999999">pale</p>', "2.84"),
        ('<p style="color:#777">nearly</p>', "4.47"),
        ('<p style="color: rgb(153, 153, 153)">pale</p>', "2.84"),
        ('<p style="color: rgba(0,0,0,.4)">pale</p>', "2.84"),
        ('<p style="color: hsl(0 0% 60%)">pale</p>', "2.84"),
        ('<p style="color: silver">pale</p>', "1.81"),
        ('<font color="#999999">pale</font>', "2.84"),
        ('<table role="presentation" bgcolor="#336699"><tr><td><p><b>dark</b> on dark</p></td></tr></table>', "3.5"),
        ('<div style="background:#333"><p>black</p></div>', "1.66"),
        ('<div style="background-image:url(cid:x); background-color:#fff; color:#fff">on a picture</div>', "1"),
        ('<div style="background:linear-gradient(#000, #333); color:white">on a gradient</div>', "1"),
        ('<p style="color:#888; font-size:20px">not yet large</p>', "3.54"),
        ('<p style="color:#999; font-size:30px">large, and too pale</p>', "2.84"),
    ],
)
def test_words_that_do_not_stand_out_are_told_with_the_ratio(body: str, ratio: str) -> None:
    (words,) = told(look(body), "low-contrast")
    assert f"they differ by {ratio}," in words


@pytest.mark.parametrize(
    "body",
    [
        '<p style="color:#767676">enough</p>',
        '<p style="color:#888; font-size:24px">large</p>',
        '<p style="color:#888; font-size:14pt; font-weight:bold">large and bold</p>',
        '<h2 style="color:#888">a heading</h2>',
        '<p style="color:#999; display:none">unseen</p>',
        '<p style="color:#999">&nbsp;·&nbsp;</p>',
        '<td bgcolor="#0b6e69"><span style="color:#ffffff">white on green</span></td>',
        '<div style="background:#000"><div style="background:#fff"><p>black on white</p></div></div>',
        '<div style="background:#000; color:#fff"><div style="background:transparent"><p>white</p></div></div>',
    ],
)
def test_words_that_stand_out_are_left_in_peace(body: str) -> None:
    assert told(look(body), "low-contrast") == []


def test_the_cascade_decides_as_in_a_browser() -> None:
    pale, ink = "color:#999", "color:#000"
    assert told(look('<p class="a">x</p>', style=f".a {{ {ink} }} p {{ {pale} }}"), "low-contrast") == []
    assert told(look('<p class="a">x</p>', style=f"p.a {{ {pale} }} .a {{ {ink} }}"), "low-contrast")
    assert told(look(f'<p class="a" style="{ink}">x</p>', style=f".a {{ {pale} !important }}"), "low-contrast")
    assert told(look(f'<p style="{ink}">x</p>', style=f"p {{ {pale} }}"), "low-contrast") == []
    assert told(look('<p class="a">x</p>', style=f".a:hover {{ {pale} }}"), "low-contrast") == []
    assert told(look('<p class="a">x</p>', style=f"@media print {{ .a {{ {pale} }} }}"), "low-contrast") == []


def test_dark_mode_is_computed_from_its_rules() -> None:
    sheet = "@media (prefers-color-scheme: dark) { .desk { background: #222 !important; color: #eee !important } %s }"
    desk = '<div class="desk" style="background:#fff; color:#222"><p>x</p><p class="b" style="color:#333">y</p></div>'
    assert len(dark(sheet % "", desk)) == 1
    assert "in dark mode" in dark(sheet % "", desk)[0]
    assert dark(sheet % ".b { color: #ddd !important }", desk) == []


def test_a_mail_that_knows_dark_mode_and_forgets_its_words_is_told() -> None:
    """Apple Mail gives it dark paper, and ink that was set for white paper stays."""
    assert len(dark("", '<p style="color:#222">ink</p>')) == 1
    assert dark("", "<p>ink that nobody chose</p>") == []
    assert told(look('<p style="color:#222">ink</p>'), "low-contrast") == []


def test_outlooks_dark_mode_is_judged_where_the_sheet_says_both() -> None:
    body = '<div class="desk" style="background:#fff"><p class="w" style="color:#222">x</p></div>'
    ground, ink = "[data-ogsb] .desk { background: #222 !important }", "[data-ogsc] .w { color: #333 !important }"
    assert "Outlook's dark mode" in told(look(body, style=ground + ink), "low-contrast")[0]
    assert told(look(body, style=ground), "low-contrast") == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f'<p style="font-size:14px">{LONG}</p>', ["small-text"]),
        (f'<p style="font-size:80%">{LONG}</p>', ["small-text"]),
        (f"<small>{LONG}</small>", ["small-text"]),
        (f'<p style="font:14px/20px Arial">{LONG}</p>', ["small-text"]),
        ('<p style="font-size:14px">A caption</p>', []),
        (f'<p style="font-size:12pt">{LONG}</p>', []),
        (f'<div role="contentinfo"><p style="font-size:14px">{LONG}</p></div>', []),
        ('<p style="font-size:10px">Terms apply</p>', ["tiny-text"]),
        ('<div role="contentinfo"><p style="font-size:9px">Terms apply</p></div>', ["tiny-text"]),
    ],
)
def test_text_that_is_to_be_read_is_large_enough(body: str, found: list[str]) -> None:
    assert [fault.code for fault in look(body)] == found


@pytest.mark.parametrize(
    "style", ["display:none", "font-size:0", "max-height:0;overflow:hidden", "opacity:0", "font-size:1px"]
)
def test_words_that_nobody_sees_are_told(style: str) -> None:
    assert [fault.code for fault in look(f'<p style="{style}">cheap words for filters</p>')] == ["hidden-text"]


def test_what_one_screen_hides_and_another_shows_is_not_hidden() -> None:
    sheet = "@media (max-width: 480px) { .phone { display: block !important } }"
    assert codes(look('<p class="phone" style="display:none">On a phone</p>', style=sheet)) == []


@pytest.mark.parametrize(
    ("button", "fault"),
    [
        ('<a href="https://example.org/q" style="background:#0b6e69;color:#fff;padding:9px">Ask</a>', True),
        ('<td><a href="https://example.org/q" style="background-color:#0b6e69;color:#fff">Ask</a></td>', True),
        ('<td bgcolor="#0b6e69"><a href="https://example.org/q" style="color:#fff">Ask</a></td>', False),
        (
            '<td bgcolor="#0b6e69"><a href="https://example.org/q" style="background:#0b6e69;color:#fff">Ask</a></td>',
            False,
        ),
        ('<a href="https://example.org/q">Ask</a>', False),
    ],
)
def test_a_button_is_a_padded_cell(button: str, fault: bool) -> None:
    table = f'<table role="presentation"><tr>{button}</tr></table>' if button.startswith("<td") else button
    assert bool(told(look(table), "button-not-a-cell")) is fault
