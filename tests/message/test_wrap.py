"""Lines are as wide as a terminal shows them, and break only where a reader would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.message import wrap

WORD = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("", 0),
        ("日本", 4),
        ("ü", 1),
        ("u\u0308", 1),
        ("한글", 4),
        ("ｶﾅ", 2),
        ("🙂", 2),
        ("می\u200cخواهم", 7),
    ],
)
def test_wide_characters_count_double_and_combining_ones_nothing(text: str, columns: int) -> None:
    assert wrap.width(text) == columns


@given(st.lists(WORD, max_size=40), st.integers(12, 78))
def test_no_word_is_lost_broken_or_moved_and_no_line_is_too_long(words: list[str], columns: int) -> None:
    done = wrap.lines(" ".join(words), columns)

    assert " ".join(done).split() == words
    assert all(len(line) <= columns for line in done)


@given(st.text("日本語のー、。「」っabc ", max_size=80), st.integers(4, 40))
def test_nothing_is_lost_where_there_are_no_spaces(text: str, columns: int) -> None:
    assert "".join("".join(wrap.lines(text, columns)).split()) == "".join(text.split())


def test_a_line_is_filled_as_far_as_it_goes() -> None:
    assert wrap.lines("aa bb cc dd", 5) == ["aa bb", "cc dd"]
    assert wrap.lines("aa bb cc dd", 4) == ["aa", "bb", "cc", "dd"]


def test_a_word_that_is_too_long_stands_alone_and_whole() -> None:
    url = "https://example.org/" + "x" * 90

    assert wrap.lines(f"see {url} now", 20) == ["see", url, "now"]


def test_a_no_break_space_holds_words_together_and_is_written_as_a_space() -> None:
    assert wrap.lines("aaa bbb\u00a0ccc", 8) == ["aaa", "bbb ccc"]


def test_chinese_and_japanese_break_anywhere_but_not_before_a_full_stop_or_after_a_bracket() -> None:
    assert wrap.lines("これは「長い」文章です。", 8) == ["これは", "「長い」", "文章で", "す。"]


def test_latin_words_inside_japanese_are_not_broken() -> None:
    assert wrap.lines("治療zq3f9a8c71について", 14) == ["治療zq3f9a8c71", "について"]


def test_korean_breaks_at_its_spaces() -> None:
    assert wrap.lines("안녕하세요 여러분", 12) == ["안녕하세요", "여러분"]
