"""Markdown becomes HTML that keeps Jinja and link targets as written, and shows what it does not know."""

from __future__ import annotations

import lxml.html
import pytest

from outreach.errors import ArticleError
from outreach.message import markdown

URLS = [
    "https://example.org/?a=1&b=2",
    "https://example.org/it%27s?x=[1]#frag(ment)",
    "https://bücher.example/straße?q=ü",
    "http://example.org/%E2%82%AC?utm_source=a&utm_medium=b",
    "mailto:desk@example.org?subject=Hello",
]


def html_of(text: str, **links: str) -> str:
    return markdown.render(text, links, file="a.md", line=1).html


def test_commonmark_with_tables_makes_the_html() -> None:
    assert html_of("## A *b*\n\n- c\n- d\n") == "<h2>A <em>b</em></h2>\n<ul>\n<li>c</li>\n<li>d</li>\n</ul>\n"
    assert '<th scope="col">a</th>' in html_of("| a |\n|---|\n| b |\n")


@pytest.mark.parametrize(
    "jinja",
    [
        "{{ name | fallback('reader') }}",
        '{{ a|default("}}") }}',
        "{{- {'a': {'b': 1}}['a'] -}}",
        "{% if city == 'Ulm' %}",
        "{# <b>\n\n*not* read #}",
        "{{ a_b_c * d * e }}",
        "{{ a | b }}",
    ],
)
@pytest.mark.parametrize(
    "around",
    ["Hello J, *you*", "## J", "| a |\n|---|\n| J |", "[J](https://example.org/)", "- J\n- b", "> J", "**J**", "`J`"],
)
def test_jinja_survives_byte_for_byte(jinja: str, around: str) -> None:
    assert jinja in html_of(around.replace("J", jinja))


def test_jinja_survives_in_link_targets() -> None:
    assert 'href="{{ links.view }}"' in html_of("[View]({{ links.view }})")
    assert 'href="https://example.org/{{ a }}?b={{ c }}"' in html_of("[x](https://example.org/{{ a }}?b={{ c }})")


def test_a_word_that_looks_like_ours_is_left_alone() -> None:
    assert html_of("jinja0end JINJA0END {{ x }} jinjax0end") == "<p>jinja0end JINJA0END {{ x }} jinjax0end</p>\n"


@pytest.mark.parametrize("text", [r"\{\{ x }}", "&#123;&#123; x }}", r"{\{ x }}", "{% raw %}{{ x }}{% endraw %}"])
def test_braces_that_are_not_meant_as_jinja_are_shown(text: str) -> None:
    assert "&#123;&#123; x }}" in html_of(text)


def test_statements_of_their_own_get_no_paragraph() -> None:
    html = html_of("{% if city %}\n\nYou live in {{ city }}.\n\n{% endif %}\n\n{# a note #}\n\n{{ closing }}\n")
    assert html == "{% if city %}\n<p>You live in {{ city }}.</p>\n{% endif %}\n{# a note #}\n<p>{{ closing }}</p>\n"


@pytest.mark.parametrize(
    "raw", ["<b>bold</b>", "<script>x()</script>", "<div>\n\nx\n\n</div>", "<!-- x -->", "<a b=c>"]
)
def test_raw_html_is_shown_and_not_passed_through(raw: str) -> None:
    shown = lxml.html.document_fromstring(html_of("Text " + raw))
    assert {element.tag for element in shown.iter()} <= {"html", "body", "p"}
    assert "".join(raw.split()) in "".join(shown.text_content().split())


def test_quotes_are_not_made_typographic() -> None:
    assert html_of("it's -- ... (c)") == "<p>it's -- ... (c)</p>\n"


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("form", ["[x]({})", "[x](<{}>)", "[x][r]\n\n[r]: {}", "<{}>"])
def test_a_target_is_written_exactly_as_in_the_article(url: str, form: str) -> None:
    link = lxml.html.fromstring(f"<body>{html_of(form.format(url))}</body>").find(".//a")
    assert link is not None
    assert link.get("href") == url


def test_an_entity_in_a_target_is_the_character_that_it_stands_for() -> None:
    """`&amp;` in Markdown is `&`: CommonMark decodes entities in targets, and so do browsers in HTML."""
    link = lxml.html.fromstring(html_of("[x](https://example.org/?a=1&amp;b=2)")).find(".//a")
    assert link is not None
    assert link.get("href") == "https://example.org/?a=1&b=2"


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "www.example.org",
        "/relative",
        "../relative.html",
        "#anchor",
        "Quote",
        "//example.org/",
        "https://",
        "https:example.org",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org:port/",
        "https://[::1",
        "mailto:",
        "mailto:nobody",
        "<https://example.org/a b>",
        "",
    ],
)
def test_a_link_that_a_mail_cannot_hold_is_refused_with_its_line(target: str) -> None:
    with pytest.raises(ArticleError) as caught:
        html_of(f"One {{# two\nlines #}}\n\nText\nand [x]({target})")
    assert caught.value.line == 5


def test_a_link_to_a_role_gets_the_url_of_the_role() -> None:
    rendered = markdown.render("[Ask](quote) or [b](study)", {"quote": "https://q.example/?a&b"}, file="a", line=1)
    assert '<a data-role="quote" href="https://q.example/?a&amp;b">Ask</a>' in rendered.html
    assert '<a data-role="study" href="">b</a>' in rendered.html
    assert rendered.roles == ("quote", "study")


@pytest.mark.parametrize("call", ["**[Ask & *see*](quote)**", "[**Ask & *see***](quote)", "__[Ask & *see*](quote)__"])
def test_a_paragraph_of_one_bold_role_link_is_a_button(call: str) -> None:
    html = html_of(f"Before\n\n{call}\n\nAfter", quote="https://q.example/?a&b")
    assert html == (
        "<p>Before</p>\n"
        '<table role="presentation" class="button" align="center" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td class="button" bgcolor="#0b6e69"><a class="button" data-role="quote" href="https://q.example/?a&amp;b">'
        "Ask &amp; <em>see</em></a></td></tr></table>\n"
        "<p>After</p>\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[Ask](quote)",
        "**[Ask](quote)** now",
        "**[Ask](https://example.org/)**",
        "**Ask [now](quote)**",
        "*[Ask](quote)*",
    ],
)
def test_any_other_link_is_no_button(text: str) -> None:
    assert "button" not in html_of(text, quote="https://q.example/")


def test_an_own_picture_goes_through_image() -> None:
    html = html_of("![A nurse, smiling](nurse-1.png)")
    assert html == '<p><img src="{{ image(\'nurse-1.png\') }}" alt="A nurse, smiling" /></p>\n'


@pytest.mark.parametrize("source", ["folder/a.png", "a.svg", "data:image/png;base64,AA", "mailto:a@example.org"])
def test_a_picture_that_a_mail_cannot_show_is_refused(source: str) -> None:
    with pytest.raises(ArticleError):
        html_of(f"![x]({source})")


def test_lines_lead_back_to_the_file() -> None:
    rendered = markdown.render("a\n\n{# b\nc #}\n\n{{ d }}", {}, file="a.md", line=10)
    assert dict(zip(rendered.html.split("\n"), rendered.lines, strict=True))["<p>{{ d }}</p>"] == 15
