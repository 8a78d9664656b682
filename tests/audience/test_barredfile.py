"""Files of suppressions: what people and providers write is understood, and bad rows are told with their line."""

from __future__ import annotations

import pytest

from outreach.audience.barredfile import BarredFile, Row
from outreach.errors import ListFileError

HASH = "erased:" + "0f" * 32


def read(text: str | bytes) -> tuple[list[Row], list[tuple[int, str]], int]:
    """The rows, the faults, and how many rows were read."""
    found = BarredFile([text.encode() if isinstance(text, str) else text])
    rows = list(found.rows())
    return rows, [(fault.line, fault.reason) for fault in found.faults], found.read


def test_an_export_is_read_back() -> None:
    lines = (
        "entry,reason,note,at",
        '@example.com,manual,"a, b",2026',
        "a@example.org,complaint,,2026",
        f"{HASH},erased,,",
    )
    text = "".join(f"{line}\r\n" for line in lines)
    rows, faults, n = read(text)
    assert faults == []
    assert n == 3
    assert [row[1:] for row in rows] == [
        ("@example.com", "manual", "a, b"),
        ("a@example.org", "complaint", ""),
        (HASH, "erased", ""),
    ]


@pytest.mark.parametrize(
    ("said", "reason", "note"),
    [
        ("Hard Bounce", "hard_bounce", ""), ("bounced", "hard_bounce", ""), ("soft_bounces", "soft_bounces", ""),
        ("Spam-Report", "complaint", ""),
        ("", "manual", ""), ("asked by phone", "manual", "asked by phone"),
    ],
)  # fmt: skip
def test_the_reasons_of_providers_are_understood(said: str, reason: str, note: str) -> None:
    rows, _, _ = read(f"Email;Reason\na@example.org;{said}\n")
    assert [(row.reason, row.note) for row in rows] == [(reason, note)]


def test_a_file_without_header_is_read() -> None:
    rows, faults, n = read("a@example.org\n@example.com\n")
    assert ([row.key for row in rows], faults, n) == (["a@example.org", "@example.com"], [], 2)


def test_bad_rows_are_told_with_their_line_and_the_others_taken() -> None:
    rows, faults, n = read("email\n\nnobody\na@example.org\nA@EXAMPLE.org\n" + HASH + '\n"x\ny"\n')
    assert [row.key for row in rows] == ["a@example.org"]
    assert n == 5
    assert [line for line, _ in faults] == [3, 5, 6, 8]
    assert "repeats line 4" in faults[1][1]
    assert "hash" in faults[2][1]


@pytest.mark.parametrize(("text", "words"), [("name,city\nAnn,Bonn\n", "no column holds"), (b"PK\x03\x04", "workbook")])
def test_what_holds_no_entries_is_refused(text: str | bytes, words: str) -> None:
    with pytest.raises(ListFileError, match=words):
        read(text)
