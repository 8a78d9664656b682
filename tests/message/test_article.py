"""An article is Markdown under front matter; what is wrong with it is told with its file and line."""

from __future__ import annotations

from collections.abc import Iterator

import jinja2
import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import ArticleError
from outreach.message import article
from outreach.message.article import Article

FILE = "templates/articles/rest.md"


def made(front: str, body: str = "Text.\n") -> Article:
    return article.parse(f"---\n{front.strip()}\n---\n{body}", file=FILE)


def refused(text: str) -> ArticleError:
    with pytest.raises(ArticleError) as caught:
        article.parse(text, file=FILE)
    assert caught.value.file == FILE
    return caught.value


def test_every_key_of_the_front_matter_is_read() -> None:
    found = made("""
title: "Rest: why it helps"
subject: Rest helps, {{ name | fallback('reader') }}
preheader: Two minutes to read
sender: Clinic News <news@clinic.example>
reply_to: desk@clinic.example
language: pt-br
links:
  quote:
  study: https://clinic.example/study?a=1&b=[2]
""")
    assert (found.name, found.title, found.language) == ("rest", "Rest: why it helps", "pt-BR")
    assert found.subject == "Rest helps, {{ name | fallback('reader') }}"
    assert found.preheader == "Two minutes to read"
    assert found.sender == "Clinic News <news@clinic.example>"
    assert found.reply_to == "desk@clinic.example"
    assert dict(found.links) == {"quote": "", "study": "https://clinic.example/study?a=1&b=[2]"}


def test_a_title_is_enough() -> None:
    found = made("title: Rest")
    assert (found.subject, found.preheader, found.language) == ("Rest", "", "en")
    assert (found.sender, found.reply_to, dict(found.links), dict(found.extra)) == (None, None, {}, {})


def test_what_is_left_empty_is_left_to_the_setting() -> None:
    found = made("title: Rest\nsender:\nreply_to: ~\nlanguage:\nlinks:\n  quote:\n")
    assert (found.sender, found.reply_to, found.language) == (None, None, "en")
    assert dict(found.links) == {"quote": ""}


@pytest.mark.parametrize(("written", "text"), [("no", "no"), ("2024", "2024"), ("1.10", "1.10"), ("2024-05-01",) * 2])
def test_text_is_not_taken_for_something_else(written: str, text: str) -> None:
    assert made(f"title: {written}\nedition: {written}").title == text
    assert made(f"title: {written}\nedition: {written}").extra == {"edition": text}


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_do_not_matter(ends: str, mark: str) -> None:
    text = "---\ntitle: Rest\n---\n\nOne.\n\nTwo.\n".replace("\n", ends)
    found = article.parse(mark + text, file=FILE)
    assert (found.title, found.body, found.body_line) == ("Rest", "\nOne.\n\nTwo.\n", 4)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "begins with front matter"),
        ("Just text", 1, "begins with front matter"),
        ("---\ntitle: Rest\n\nText", 1, "never closed"),
        ("---\nsubject: Rest\n---\nText", 1, "no title"),
        ("---\nsubject: Rest\ntitle:\n---\nText", 3, "no title"),
        ("---\ntitle: Rest\n---\n  \n", 4, "no text"),
        ("---\n---\nText", 1, "no title"),
        ("---\n- a\n---\nText", 2, "key: value"),
        ("---\nRest\n---\nText", 2, "key: value"),
        ("---\nsubject: ok\ntitle: One: two\n---\nText", 3, "quotes"),
        ("---\ntitle: Rest\nlinks: {a: [\n---\nText", 3, "cannot be read"),
        ("---\ntitle: Rest\nsubject: *x\n---\nText", 3, "cannot be read"),
        ("---\ntitle: Rest\ntitle: Again\n---\nText", 3, "stands twice"),
        ("---\ntitle: Rest\ntags: [a, b]\n---\nText", 3, "text on one line"),
        ("---\ntitle: Rest\nmore:\n  deep: x\n---\nText", 3, "text on one line"),
        ("---\ntitle: Rest\n? [a]\n: b\n---\nText", 3, "not a word"),
        ("---\ntitle: Rest\nbody: x\n---\nText", 3, "another part"),
        ("---\ntitle: Rest\nlanguage: english\n---\nText", 3, "language tag"),
        ("---\ntitle: Rest\nlanguage: xx\n---\nText", 3, "language tag"),
        ("---\ntitle: Rest\nsender: nobody\n---\nText", 3, "sender:"),
        ("---\ntitle: Rest\nfrom: a@example.org\nsender: b@example.org\n---\nText", 3, "mean the same"),
        ("---\ntitle: Rest\nreply_to: a b@example.org\n---\nText", 3, "reply_to:"),
        ("---\ntitle: Rest\nlinks: https://example.org\n---\nText", 3, "links:"),
        ("---\ntitle: Rest\nlinks:\n  Quote: https://example.org\n---\nText", 4, "small letters"),
        ("---\ntitle: Rest\nlinks:\n  unsubscribe: https://example.org\n---\nText", 4, "cannot be declared"),
        ("---\ntitle: Rest\nlinks:\n  quote: www.example.org\n---\nText", 4, "neither"),
        ("---\ntitle: Rest\nlinks:\n  quote: javascript:alert(1)\n---\nText", 4, "neither"),
        ("---\ntitle: Rest\nlinks:\n  quote: https://clinic.example@evil.example/\n---\nText", 4, "user name"),
        ("---\ntitle: Rest\nlinks:\n  quote: https://a.example/{{ name }}\n---\nText", 4, "same for every reader"),
        ("---\ntitle: Rest\nlinks:\n  quote: https://a.example/a b\n---\nText", 4, "space"),
        ("---\ntitle: Rest\nlinks:\n  quote: 'https://[::1'\n---\nText", 4, "is no URL"),
        ("---\ntitle: Rest {{ name\n---\nText", 2, "never closed"),
        ("---\ntitle: Rest\nsubject: '{% if name'\n---\nText", 3, "never closed"),
        ("---\ntitle: Rest\n---\nText\n\n{# note", 6, "never closed"),
        ("---\ntitle: Rest\n---\nText\n{% raw %} {{ x }}", 5, "never closed by {% endraw %}"),
        ("---\ntitle: Rest\n---\nText \x07", 4, "U+0007"),
        ("---\ntitle: Rest\n---\nOne\n\nTwo [x](ftp://example.org/)", 6, "neither"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    error = refused(text)
    assert (error.line, words in error.message) == (line, True), error.message
    assert str(error).startswith(f"{FILE}, line {line}: ")


@pytest.mark.parametrize("key", ["title", "subject", "sender", "preheader", "reply_to", "language", "edition"])
@pytest.mark.parametrize("ends", [r"\n", r"\r", r"\r\n", r"\L", r"\P", r"\N"])
def test_a_line_break_in_a_value_is_refused_with_its_line(key: str, ends: str) -> None:
    front = f'edition: x\ntitle: x\n{key}: "a{ends}Bcc: b@example.org"'.replace(f"{key}: x\n", "", 1)
    assert "line break" in refused(f"---\n{front}\n---\nText").message


def test_the_line_of_a_line_break_in_a_block_is_its_own() -> None:
    error = refused("---\ntitle: Rest\nsubject: |\n  one\n  two\n---\nText")
    assert (error.line, "line break" in error.message) == (4, True)


def test_a_folded_value_is_one_line() -> None:
    assert made("title: >\n  Rest and\n  sleep\n").title == "Rest and sleep"


@pytest.mark.parametrize(
    ("tag", "direction"),
    [("en", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("az-Arab", "rtl"), ("ur-Latn", "ltr"), ("zh-Hant-TW", "ltr")],
)
def test_the_direction_follows_the_language_and_its_script(tag: str, direction: str) -> None:
    assert made(f"title: x\nlanguage: {tag}").direction == direction


def test_settings_fill_only_what_was_left_empty() -> None:
    found = made("title: x\nlinks:\n  quote:\n  study: https://a.example/\n", "[x](quote) [y](study) [z](other)")
    assert found.dead_roles == ("quote", "other")
    filled = found.with_links({"quote": "https://q.example/", "study": "https://b.example/", "other": None})
    assert dict(filled.links) == {"quote": "https://q.example/", "study": "https://a.example/"}
    assert filled.dead_roles == ("other",)
    assert dict(found.links)["quote"] == ""
    assert found.with_links({"quote": None}) == found


def test_a_role_that_is_declared_and_not_used_is_dead_without_a_url() -> None:
    assert made("title: x\nlinks:\n  quote:\n").dead_roles == ("quote",)


def test_a_filled_role_is_in_the_html() -> None:
    found = made("title: x\nlinks:\n  quote:\n", "[Ask](quote)").with_links({"quote": "https://q.example/?a=1&b=2"})
    link = lxml.html.fromstring(article.render_html(found)).find(".//a")
    assert link is not None
    assert (link.get("data-role"), link.get("href"), link.text) == ("quote", "https://q.example/?a=1&b=2", "Ask")


def test_a_line_of_the_html_leads_back_to_the_line_of_the_article() -> None:
    body = "\nHello.\n\n{# two\nlines #}\n\n- {{ one }}\n- {{ two }}\n\nAnd\n{{ three }}\n"
    found = made("title: x", body)
    html = article.render_html(found).split("\n")
    places = {word: article.line_at(found, html_line(html, word)) for word in ("one", "two }}", "three")}
    assert places == {"one": 10, "two }}": 11, "three": 14}
    assert article.line_at(found, 10_000) == 14
    assert article.line_of(found, "{{ two }}") == 11
    assert article.line_of(found, "nowhere") == found.body_line == 4


def html_line(html: list[str], word: str) -> int:
    return next(number for number, text in enumerate(html, 1) if word in text)


WORDS = """
    {{ {% {# }} %} #} { } {{name}} {%if(a)%} {{'}}'}} {{"{"}} {%raw%} {%endraw%} {{{'a':{}}}} {#note#} &#123; \\{
    ` ``` ~~~ [ ]( ) ![ ]: | |-|\\ ** _ - > # 1. < <b> &amp; \\ ' " a https://a.example/ x.png jinja0end
"""
PIECES = [*WORDS.split(), " ", "\n", "\n\n", "    "]


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_only_what_was_written_as_jinja_is_jinja(body: str) -> None:
    """Jinja's own lexer finds in the HTML what it finds in the Markdown (which may drop some), and no more."""
    try:
        html = article.render_html(made("title: x", f"Text {body}"))
        written = set(jinja_in(f"Text {body}"))
    except (ArticleError, jinja2.TemplateSyntaxError):
        return
    assert set(jinja_in(html)) <= {*written, "image('x.png')"}


def jinja_in(text: str) -> Iterator[str]:
    """Each piece of Jinja, without the blanks around it."""
    inside: list[str] = []
    for _, kind, value in jinja2.Environment(autoescape=True).lex(text):
        if kind.endswith("_end"):
            yield "".join(inside).strip()
            inside = []
        elif kind != "data" and not kind.endswith("_begin"):
            inside.append(value)
