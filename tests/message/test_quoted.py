"""Pieces of quoted-printable that were written apart decode, put together, to exactly the text they came from."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.message import quoted

LINES = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=("Cs", "Cc")), st.sampled_from("\n.= \tF")), max_size=200
)


@given(
    pieces=st.lists(st.one_of(LINES, LINES.map(lambda text: text.replace("\n", "")).map(lambda text: ("value", text))))
)
def test_pieces_in_any_order_decode_to_the_whole(pieces: list[str | tuple[str, str]]) -> None:
    encoded = [quoted.piece(piece, more=True) if isinstance(piece, str) else quoted.value(piece[1]) for piece in pieces]
    text = "".join(piece if isinstance(piece, str) else piece[1] for piece in pieces)
    data = b"".join([*encoded, quoted.piece("")])
    assert quopri.decodestring(data.replace(b"\r\n", b"\n")).decode() == text
    for line in data.split(b"\r\n"):
        assert len(line) <= 76
        assert line.isascii()
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", b""),
        ("Ann", b"Ann=\r\n"),
        (".", b"=2E=\r\n"),
        ("From Ann", b"=46rom Ann=\r\n"),
        ("Fromage", b"Fromage=\r\n"),
        ("1=1", b"1=3D1=\r\n"),
        ("x" * 75, b"x" * 75 + b"=\r\n"),
        ("x" * 76, b"x" * 75 + b"=\r\nx=\r\n"),
        ("x" * 74 + "=", b"x" * 74 + b"=\r\n=3D=\r\n"),
        ("x" * 75 + ".", b"x" * 75 + b"=\r\n=2E=\r\n"),
    ],
)
def test_a_value_begins_and_ends_at_the_first_column(text: str, encoded: bytes) -> None:
    assert quoted.value(text) == encoded


def test_white_space_before_a_line_break_is_written_out() -> None:
    assert quoted.piece("a \nb\t\n") == b"a=20\r\nb=09\r\n"
