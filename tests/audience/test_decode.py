"""Encodings are told from the bytes alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.audience.decode import Text
from outreach.errors import ListFileError

SAMPLE = "email;name\r\na@example.org;Jörg Größe\r\nb@example.org;Zoë Ørsted\r\n"


def decoded(data: bytes, size: int = 7, encoding: str | None = None) -> tuple[str, str]:
    """The text and the encoding of some bytes that come in small pieces."""
    text = Text((data[at : at + size] for at in range(0, len(data), size)), encoding=encoding)
    return "".join(text.blocks()), text.encoding


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (SAMPLE.encode(), "UTF-8"),
        (SAMPLE.encode("utf-8-sig"), "UTF-8 with a byte order mark"),
        (SAMPLE.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + SAMPLE.encode("utf-16-be"), "UTF-16"),
        (SAMPLE.encode("utf-16-le"), "UTF-16 (little endian, without a mark)"),
        (SAMPLE.encode("utf-16-be"), "UTF-16 (big endian, without a mark)"),
        (SAMPLE.encode("utf-32"), "UTF-32"),
        (SAMPLE.encode("latin-1"), "Latin-1"),
        ((SAMPLE + "c@example.org;Œuvre €\n").encode("cp1252"), "Windows-1252"),
        (b"email\na@example.org\n", "UTF-8"),
    ],
)
def test_the_encoding_is_told_and_said(data: bytes, said: str) -> None:
    text, encoding = decoded(data)
    assert text.startswith("email")
    assert encoding == said
    if "example.org;" in text:
        assert "Jörg Größe" in text


def test_latin_1_is_told_though_its_first_letter_comes_late() -> None:
    data = b"email,name\n" + b"a@example.org,Ann\n" * 20_000 + "b@example.org,Jörg\n".encode("latin-1")
    text, encoding = decoded(data, 65_536)
    assert text.endswith("b@example.org,Jörg\n")
    assert encoding == "Latin-1"


def test_a_file_in_two_encodings_is_refused_with_the_line() -> None:
    data = "email,name\na@example.org,Jörg\n".encode() + "b@example.org,Jörg\n".encode("latin-1")
    with pytest.raises(ListFileError, match=r"line 3.*0xf6.*UTF-8"):
        decoded(data, 10_000)


def test_a_named_encoding_is_used_and_a_wrong_one_refused() -> None:
    text, encoding = decoded("email,имя\na@example.org,Иван\n".encode("cp1251"), encoding="cp1251")
    assert ("Иван" in text, encoding) == (True, "cp1251")
    for wrong in ("no-such", "base64"):
        with pytest.raises(ListFileError, match="encoding"):
            decoded(b"x", encoding=wrong)


@pytest.mark.parametrize(
    ("data", "what"), [(b"PK\x03\x04rest", "workbook"), (b"\x1f\x8b\x08", "compressed"), (b"%PDF-1.7", "PDF")]
)
def test_what_is_no_text_is_refused_with_what_to_do(data: bytes, what: str) -> None:
    with pytest.raises(ListFileError, match=what):
        decoded(data)


_LETTERS = st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\x00\ufeff")


@given(st.text(_LETTERS, min_size=1), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.integers(1, 9))
def test_nothing_is_lost_between_pieces(rest: str, encoding: str, size: int) -> None:
    whole = "email\r\n" + rest
    assert decoded(whole.encode(encoding), size)[0] == whole


@given(st.text(st.sampled_from("ab\r\n"), max_size=30), st.integers(1, 4))
def test_blocks_end_where_lines_end(text: str, size: int) -> None:
    data = text.encode()
    blocks = list(Text(data[at : at + size] for at in range(0, len(data), size)).blocks())
    assert "".join(blocks) == text
    for block, after in pairwise(blocks):
        assert block.endswith(("\n", "\r"))
        assert not (block.endswith("\r") and after.startswith("\n"))
