"""The HTML of a mail can be read out, found one's way in, and seen without pictures."""

from __future__ import annotations

import pytest

from tests.message.check.mails import GOOD, codes, look, told


@pytest.mark.parametrize(
    ("html", "words"),
    [
        (GOOD.replace("<h1>Hello</h1>", "<p>Hello</p>"), ["no <h1>"]),
        (GOOD.replace("</div>", "<h1>Again</h1></div>"), ["2 <h1>"]),
        (GOOD.replace("</div>", "<h3>Deep</h3></div>"), ["“Deep” leaps from level 1 to 3"]),
        (GOOD.replace("</div>", "<h2>A</h2><h3>B</h3><h2>C</h2><h4>D</h4></div>"), ["“D” leaps from level 2 to 4"]),
        (GOOD.replace("</div>", "<h2>A</h2><h3>B</h3><h2>C</h2><h3>D</h3></div>"), []),
    ],
)
def test_headings_are_one_above_all_and_leave_no_level_out(html: str, words: list[str]) -> None:
    found = told(look(html=html), "headings")
    assert len(found) == len(words)
    assert all(part in message for part, message in zip(words, found, strict=True))


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("<table><tr><td>x</td></tr></table>", True),
        ('<table role="presentation"><tr><td>x</td></tr></table>', False),
        ('<table role="none"><tr><td>x</td></tr></table>', False),
        ("<table><tr><th>a</th></tr><tr><td>x</td></tr></table>", False),
    ],
)
def test_a_table_that_only_lays_out_says_so(table: str, fault: bool) -> None:
    assert codes(look(table)) == [("warning", "table-without-role")] * fault


@pytest.mark.parametrize("alt", ["photo.JPG", "IMG_2041", "banner-2.png", "Screenshot 12", "DSC 0042"])
def test_an_alt_text_that_is_the_name_of_a_file_is_told(alt: str) -> None:
    assert codes(look(f'<img src="cid:x" alt="{alt}">')) == [("warning", "alt-is-file-name")]


@pytest.mark.parametrize("alt", ["", "A nurse at a bed", "Image of a heart", "Version 2.0 of the ward"])
def test_an_alt_text_that_says_something_is_left_in_peace(alt: str) -> None:
    assert look(f'<img src="cid:x" alt="{alt}">') == []


def test_a_language_that_only_the_html_element_names_is_told() -> None:
    html = GOOD.replace('<div lang="en">', "<div>")
    assert codes(look(html=html)) == [("warning", "no-language-inside")]


def test_the_same_words_lead_to_the_same_place() -> None:
    one, other = '<a href="https://example.org/1">Ask us</a>', '<a href="https://example.org/2">ask  us</a>'
    assert codes(look(one + one)) == []
    assert codes(look(one + other)) == [("warning", "same-words-other-link")]
