"""The text part says what the HTML says, for somebody who reads nothing but text."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.message import wrap
from outreach.message.plaintext import COLUMNS, from_html

LETTER = """<!doctype html>
<html lang="en"><head><title>Not said</title><style>p { color: red }</style></head><body>
<!-- not said either -->
<div class="preheader">In the list of mails only</div>
<h1>A Treatment Made From
 Your Own Cells</h1>
<p>Dear zq3f9a8c71,</p>
<p>Please read <a href="https://example.org/guide?a=1&amp;b=2">our <b>guide</b></a> before you travel;
it says what to ask, whom to ask, and what <em>nobody</em> can promise.
Write to <a href="mailto:care@example.org">care@example.org</a>.</p>
<table role="presentation" class="button"><tr><td class="button">
<a href="https://example.org/quote">Receive a Free Medical Quote</a></td></tr></table>
<h2>What can go wrong</h2>
<ul><li>Fever, low blood pressure, and at times intensive care for several days or even weeks after it</li>
<li>Confusion: <a href="https://example.org/signs">signs to know</a></li></ul>
<h3>In this order</h3>
<ol><li>Ask</li><li>Decide</li></ol>
<blockquote><p>Information, not advice.</p><p>Ask your doctor.</p></blockquote>
<table><thead><tr><th>Step</th><th>Time</th></tr></thead>
<tbody><tr><td>Collecting</td><td>one day</td></tr></tbody></table>
<p><img src="cid:x" alt="A nurse at a bedside"><br>First line<br>second line</p>
<hr>
<p>&nbsp;</p>
<div role="contentinfo"><p>You receive this because you are on the list.</p>
<p><a href="https://example.org/u">Unsubscribe</a> &middot; <a href="https://example.org/p">Preferences</a></p></div>
</body></html>"""

AS_TEXT = """\
A Treatment Made From Your Own Cells
====================================

Dear zq3f9a8c71,

Please read our guide [1] before you travel; it says what to ask, whom to ask,
and what nobody can promise. Write to care@example.org.

[1] https://example.org/guide?a=1&b=2

Receive a Free Medical Quote:
https://example.org/quote


What can go wrong
-----------------

- Fever, low blood pressure, and at times intensive care for several days or
  even weeks after it
- Confusion: signs to know [2]

[2] https://example.org/signs

In this order

1. Ask
2. Decide

> Information, not advice.
>
> Ask your doctor.

Step        Time
----------  -------
Collecting  one day

A nurse at a bedside
First line
second line

----------------------------------------

----------------------------------------

You receive this because you are on the list.

Unsubscribe:
https://example.org/u
Preferences:
https://example.org/p
"""


def test_a_letter_reads_as_a_letter() -> None:
    assert from_html(LETTER) == AS_TEXT


def test_the_same_words_in_the_same_order_as_another_reader_finds() -> None:
    browser = shutil.which("w3m")
    if browser is None:
        pytest.fail("w3m is not on this machine: run .ci/tools.")
    seen = re.sub(r'<div class="preheader">.*?</div>', "", LETTER)  # w3m does not hide it
    command = [browser, "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", "-cols", "78"]
    dumped = subprocess.run(command, input=seen, capture_output=True, text=True, check=True, timeout=30).stdout

    assert _words(from_html(LETTER)) == _words(dumped)


def _words(text: str) -> list[str]:
    """The words alone: no URLs, no numbers of links or items, no rules, marks and underlines."""
    text = re.sub(r"https?://\S+|\[\d+\]", " ", text)
    text = re.sub(r"^\s*\d+\.\s", " ", text, flags=re.MULTILINE)
    return re.findall(r"\w+", text)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>A <a href='https://example.org/'>https://example.org/</a></p>", "A https://example.org/\n"),
        ("<p><a href='https://example.org/'>https://example.org/</a></p>", "https://example.org/\n"),
        ("<p>Call <a href='tel:+123'>our nurse</a></p>", "Call our nurse (+123)\n"),
        ("<p>See <a href='#top'>above</a> or <a>nowhere</a></p>", "See above or nowhere\n"),
        ("<p>See <a href='https://example.org/'><img alt='the map' src='x'></a>, please</p>",
         "See the map [1], please\n\n[1] https://example.org/\n"),
        ("<p><a href='https://example.org/'><img alt='' src='x'></a></p>", "https://example.org/\n"),
        ("<p>a<span style='display: none'>b</span><span hidden>c</span><i aria-hidden='true'>d</i>e</p>", "ae\n"),
        ("<p>soft\u00adly and zero\u200bwidth</p>", "softly and zerowidth\n"),
        ("<h1><a href='https://example.org/'>Title</a></h1><p>x</p>",
         "Title [1]\n=========\n\n[1] https://example.org/\n\nx\n"),
        ("<p><a href='https://example.org/'>Ask</a> them:</p> <ul><li>Who</li></ul><p>x</p>",
         "Ask [1] them:\n\n- Who\n\n[1] https://example.org/\n\nx\n"),
        ("<p>As <a href='https://example.org/'>he</a> said:</p>", "As he [1] said:\n\n[1] https://example.org/\n"),
        ("<p>a</p><ul></ul><blockquote></blockquote><p>b</p>", "a\n\nb\n"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c\n"),
        ("<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>", "- a\n\n  b\n\n- c\n"),
        ("<ol start='9'><li>a</li><li>b</li></ol>", " 9. a\n10. b\n"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b\n"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c\n"),
        ("<dl><dt>CRS</dt><dd>a storm</dd></dl>", "CRS\n\n  a storm\n"),
        ("<div>a<p>b</p>c</div>", "a\n\nb\n\nc\n"),
        ("<span>a<div>b</div></span>", "a\n\nb\n"),
        ("<table><tr><th>A</th><td>1</td></tr><tr><th>B</th><td>2</td></tr></table>", "A  1\nB  2\n"),
        ("", ""),
        ("<p> &nbsp; </p>", ""),
        ("<!-- nothing -->", ""),
    ],
)  # fmt: skip
def test_each_thing_has_its_plain_form(html: str, text: str) -> None:
    assert from_html(html) == text


def test_a_table_that_is_too_wide_becomes_lines_with_their_names() -> None:
    long = " ".join(["words"] * 20)
    html = (
        f"<table><thead><tr><th>Risk</th><th>What it is</th></tr></thead><tr><td>CRS</td><td>{long}</td></tr></table>"
    )

    assert from_html(html).startswith("Risk: CRS\nWhat it is: words words")


def test_wide_characters_count_double() -> None:
    text = from_html("<p>" + "治療の説明を読んでください。" * 10 + "</p>")

    assert max(wrap.width(line) for line in text.splitlines()) in {COLUMNS - 1, COLUMNS}
    assert text.replace("\n", "") == "治療の説明を読んでください。" * 10


@given(
    st.lists(
        st.sampled_from(["zq3f9a8c71b2", "https://zq77.invalid/zq3f9a8c72", "a", "words", "x" * 90]),
        max_size=60,
    )
)
def test_a_sentinel_or_url_is_never_broken(words: list[str]) -> None:
    text = from_html(f"<ul><li><blockquote><p>{' '.join(words)}</p></blockquote></li></ul>")

    assert [word for word in text.split() if word not in {"-", ">"}] == words
    assert all(wrap.width(line) <= COLUMNS or len(line.split()) <= 3 for line in text.splitlines())


def test_lines_of_prose_do_not_depend_on_the_length_of_urls() -> None:
    def prose(url: str) -> list[str]:
        text = from_html(f"<p>{'word ' * 12}<a href='{url}'>our guide</a> {'word ' * 30}</p>")
        return [line for line in text.splitlines() if "//" not in line]

    assert prose("https://a.example/") == prose("https://a.example/" + "x" * 200)
