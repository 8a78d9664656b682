"""CSS goes into attributes; what no attribute can say stays; nothing else is touched."""

from __future__ import annotations

import logging
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import TemplateError
from outreach.message.inline import inline

PAGE = '<!doctype html>\n<html lang="en"><head><title>T</title></head><body>{}</body></html>'


class Reader(HTMLParser):
    """An independent reader: what a client that is not lxml finds in the page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.attributes: list[dict[str, str]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append({name: value or "" for name, value in attrs} | {"tag": tag})

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, name: str) -> list[str]:
        return [found[name] for found in self.attributes if name in found]


def page(body: str, css: str = "p { color: red; }") -> str:
    return inline(PAGE.format(body), css)


def test_a_rule_becomes_a_style_attribute_and_is_not_written_twice() -> None:
    html = page('<p class="lead">Hello</p>', ".lead { color: #123456; }")

    assert '<p style="color:#123456">Hello</p>' in html
    assert "<style" not in html


def test_the_more_specific_rule_and_the_attribute_win() -> None:
    html = page('<p class="a">x</p><p class="a" style="color:green">y</p>', ".a { color: blue; } p { color: red; }")

    assert Reader(html).all("style") == ["color:blue", "color:green"]


def test_media_queries_dark_mode_and_outlooks_marks_stay_word_for_word() -> None:
    kept = [
        "@media (max-width: 480px) {\n  .a { padding: 1px !important; }\n}",
        "@media (prefers-color-scheme: dark) { .a { color: #fff !important; } }",
        "[data-ogsc] .a { color: #eee !important; }",
        "a:hover { color: red !important; }",
    ]
    html = page('<p class="a">x</p>', ".a { color: black; }\n" + "\n".join(kept))

    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert [part.strip() for part in style] == ["\n".join(kept)]
    assert html.index("<style>") < html.index("</head>")
    assert 'class="a"' in html


def test_of_a_rule_for_two_selectors_only_the_one_for_the_client_stays() -> None:
    html = page('<a href="https://example.org/">x</a>', "a, a:hover { color: teal; }")

    assert 'style="color: teal' in html.replace("color:teal", "color: teal")
    assert "a:hover { color: teal; }" in html
    assert "<style>\na:hover" in html


def test_a_first_child_is_known_before_sending_and_is_inlined() -> None:
    html = page("<ul><li>a</li><li>b</li></ul>", "li:first-child { color: red; }")

    assert '<li style="color:red">a</li><li>b</li>' in html


def test_a_style_element_of_the_page_is_treated_like_the_sheet() -> None:
    html = inline(
        "<html><head><style>p { color: red; } @media print { p { color: black; } }</style></head><p>x</p>", ""
    )

    assert '<p style="color:red">' in html
    assert html.count("<style>") == 1
    assert "@media print { p { color: black; } }" in html


def test_classes_that_nothing_refers_to_are_dropped() -> None:
    comment = "<!--[if mso]><style>.o { color: red; }</style><![endif]-->"
    html = page(
        f'{comment}<p class="a b o">x</p><p class="b">y</p>', ".b { color: red; } @media print { .a { color: red } }"
    )

    assert '<p class="a o" style=' in html
    assert '<p style="color:red">y</p>' in html


@pytest.mark.parametrize(
    "kept",
    [
        '<!--[if mso]><table width="600"><tr><td><![endif]-->',
        "<!--[if !mso]><!--><b>x</b><!--<![endif]-->",
        "a&nbsp;b &amp; c &lt; d",
        '<td bgcolor="#0b6e69">',
        "zq3f9a8c71",
        '<img src="cid:logo" alt="">',
        "日本語 ü 🙂",
    ],
)
def test_what_is_no_css_stays_as_it_was(kept: str) -> None:
    body = f"<table><tr>{kept}x</td></tr></table>" if kept.startswith("<td") else f"<div>{kept}</div>"

    assert kept in page(body)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=1&amp;c=2",
        "https://example.org/it%27s?q=[x]&amp;utm_source=a%20b#part-2",
        "https://bücher.example/straße?q=ü",
        "https://example.org/a b{c}|d^e`f",
        "https://example.org/?q=%C3%A4&amp;lang=de&amp;copy=1",
        "mailto:a+b@example.org?subject=x%20y",
        "https://zq3f9a8c71.invalid/zq3f9a8c72",
    ],
)
def test_a_link_arrives_exactly_as_it_was_written(url: str) -> None:
    html = page(f'<p><a href="{url}">there</a></p>')

    assert f'href="{url}"' in html


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=40))
def test_any_address_and_any_words_survive(text: str) -> None:
    from html import escape

    html = page(f'<p title="{escape(text)}"><a href="https://example.org/{escape(text)}">{escape(text)}</a></p>')
    read = Reader(html)

    assert read.all("href") == [f"https://example.org/{text}"]
    assert read.all("title") == [text]
    assert text in read.words


def test_the_doctype_stays_and_is_made_where_it_is_missing() -> None:
    assert page("<p>x</p>").startswith("<!DOCTYPE html>\n<html")
    assert inline("<p>x</p>", "").startswith("<!DOCTYPE html>\n<html")


def test_the_result_is_the_same_each_time_and_may_be_inlined_again() -> None:
    body, css = '<p class="a">x&nbsp;y</p>', ".a { color: red; margin: 0; } @media print { .a { color: black; } }"
    once = page(body, css)

    assert page(body, css) == once
    assert inline(once, "").split() == once.replace("</title><", "</title>\n<").split()


def test_nothing_is_fetched_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    html = inline(
        '<head><link rel="stylesheet" href="https://example.org/x.css"></head><p>x</p>',
        "p { mso-line-height-rule: exactly; -webkit-hyphens: auto; color: papayawhip2; }",
    )

    assert "mso-line-height-rule:exactly" in html
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("css", "complaint"),
    [
        ("p {", "layout.css, line 1: a { without its }."),
        ("p { color: red; }\n}", "layout.css, line 2: a } without its {."),
        (
            "p { color: red; }\n\np {\n  color red;\n}",
            "layout.css, line 4: 'p' holds 'color red', which is no declaration.",
        ),
        ("p { color: red; }\nstray", "layout.css, line 2: 'stray' is no rule."),
        ("p..x { color: red; }", "layout.css, line 1: 'p..x' is no selector."),
        ("p,, b { color: red; }", "layout.css, line 1: '' is no selector."),
        ("{ color: red; }", "layout.css, line 1: a rule without a selector."),
        ("\n@import 'x.css';", "layout.css, line 2: @import loads a sheet from elsewhere; write the rules here."),
    ],
)
def test_a_broken_sheet_is_told_with_its_line(css: str, complaint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        page("<p>x</p>", css)

    assert caught.value.message == complaint


def test_braces_and_semicolons_in_strings_and_comments_are_no_structure() -> None:
    css = "/* } ; { */ p { font-family: 'A;{}B'; /* ; */ color: red; }"

    assert "color:red" in page("<p>x</p>", css)
