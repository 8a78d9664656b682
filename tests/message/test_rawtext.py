"""A raw text's bytes are decoded and its lines are told apart: headings, paragraphs, items."""

from __future__ import annotations

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import ArticleError
from outreach.message import markdown, rawtext
from outreach.message.rawtext import Kind

WORDS = "Zoë’s café – naïve “quotes”"
PROSE = "This is a paragraph that is long enough to be told from a heading by anyone who reads it, or so we hope."


def kinds(text: str) -> list[tuple[Kind, str]]:
    return [(block.kind, block.words) for block in rawtext.blocks(text)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    text = f"{WORDS}\n\n{PROSE}"
    assert rawtext.decode(text.encode(encoding), file="a.txt") == text


def test_utf_16_of_either_order_is_known_by_its_mark() -> None:
    assert rawtext.decode(b"\xfe\xff" + WORDS.encode("utf-16-be"), file="a.txt") == WORDS


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\f", "\u2028", "\x85"])
def test_every_kind_of_line_end_is_one(ends: str) -> None:
    assert rawtext.decode(f"a{ends}b".encode(), file="a.txt") == "a\nb"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n ", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (bytes(range(256)) * 20, "does not hold text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(32)) * 30, "does not hold text"),
        (b"PK\x03\x04" + bytes([0, 1, 2, 3, 200, 0, 7]) * 90, "does not hold text"),
    ],
)
def test_a_file_without_text_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ArticleError, match=words) as caught:
        rawtext.decode(data, file="a.txt")
    assert caught.value.file == "a.txt"


@pytest.mark.parametrize(
    "heading",
    [
        "Understanding the Treatment",
        "Benefits and Breakthroughs",
        "What happens next?",
        "Side effects and risks",
        "Über die Behandlung",
        "治疗 的 好处",
        "A FEW WORDS FIRST",
    ],
)
def test_a_short_line_above_prose_is_a_heading(heading: str) -> None:
    assert kinds(f"{heading}\n\n{PROSE}")[0] == (Kind.HEADING, heading)
    assert kinds(f"{heading}\n{PROSE}")[0] == (Kind.HEADING, heading)


@pytest.mark.parametrize("line", ["It ends like a sentence.", "and begins in the middle", "It goes on,", "—", "1984"])
def test_another_short_line_is_none(line: str) -> None:
    assert kinds(f"{line}\n\n{PROSE}")[0] == (Kind.TEXT, line)


def test_a_short_line_above_nothing_is_no_heading() -> None:
    assert kinds(f"{PROSE}\n\nThe End")[1] == (Kind.TEXT, "The End")


def test_wrapped_lines_are_one_paragraph() -> None:
    wrapped = "The first line is as long as it can be before it\nis wrapped, and the second line goes on\nlike that."
    assert kinds(wrapped) == [(Kind.TEXT, " ".join(wrapped.split()))]


def test_paragraphs_on_lines_of_their_own_need_no_empty_line() -> None:
    text = f"{PROSE * 3}\n{PROSE}\n{PROSE * 2}"
    assert [words for _, words in kinds(text)] == [PROSE * 3, PROSE, PROSE * 2]


def test_a_heading_right_above_wrapped_lines_stays_one() -> None:
    text = (
        "Getting Ready\nThe first line is as long as it can be before it\nis wrapped, and then it goes on in another."
    )
    assert [kind for kind, _ in kinds(text)] == [Kind.HEADING, Kind.TEXT]


@pytest.mark.parametrize(("sign", "markdown"), [("-", "- "), ("•", "- "), ("*", "- "), ("1.", "1. "), ("12)", "12. ")])
def test_items_of_a_list_are_known_by_their_sign(sign: str, markdown: str) -> None:
    block = rawtext.blocks(f"{sign} one thing\n{sign} another")[0]
    assert (block.kind, block.markdown) == (Kind.ITEM, f"{markdown}one thing")


def test_a_block_knows_its_line() -> None:
    assert [block.line for block in rawtext.blocks(f"\n\nOne\n\n\n{PROSE}\n")] == [3, 6]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1))
def test_markdown_shows_exactly_the_text(text: str) -> None:
    assert shown(rawtext.as_markdown(text)) == text


SIGNS = """
    {{ {% {# }} %} #} # ## - + * _ ** ` ``` ~~~ > 1. 1) [a](b) ![a] <b> &amp; \\ | === --- ~ : https://a.example/_b_*c*
"""


@given(st.lists(st.sampled_from(SIGNS.split()), min_size=1, max_size=8))
def test_signs_of_markdown_html_and_jinja_are_shown_as_they_are(signs: list[str]) -> None:
    text = " ".join(signs)
    assert shown(rawtext.as_markdown(text)) == text


def shown(text: str) -> str:
    """What a reader sees: the article's HTML, decoded by another parser."""
    html = markdown.render(text, {}, file="a.md", line=1).html
    return str(lxml.html.document_fromstring(f"<body>{html}</body>").text_content()).rstrip("\n")
