"""Subscriber files: everybody who can be read is, every row that cannot is told with its line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import address
from outreach.audience import listfile
from outreach.audience.listfile import Entry, ListFile
from outreach.errors import ListFileError

SHIPPED = Path(__file__).parents[2] / "subscribers" / "sample.csv"


def read(data: str | bytes, *, piece: int = 100_000) -> tuple[list[Entry], list[tuple[int, str]], ListFile]:
    """Everybody in a file, its faults, and the file when it was read."""
    raw = data.encode() if isinstance(data, str) else data
    people = ListFile(raw[at : at + piece] for at in range(0, len(raw), piece))
    entries = [entry for batch in people.batches() for entry in batch.entries]
    faults = sorted((fault.line, fault.reason) for fault in people.faults)
    assert len(entries) + len(faults) == people.read
    return entries, faults, people


def test_a_row_becomes_an_entry() -> None:
    entries, faults, people = read("E-mail,Full Name,lang,tz,City,Note\nAnn@Example.org, Ann Lee ,en,UTC,Wien,\n")
    assert entries == [("ann@example.org", "Ann@example.org", "Ann Lee", "en", "UTC", '{"city":"Wien"}')]
    assert faults == []
    assert people.columns == {
        "email": "E-mail", "name": "Full Name", "language": "lang", "timezone": "tz", "city": "City", "note": "Note",
    }  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told(separator: str) -> None:
    rows = [["email", "name", "note"], ["a@example.org", "A, B; C", "x | y"], ["b@example.org", "B", "tab\there"]]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    entries, faults, people = read(text.getvalue())
    assert people.separator == separator
    assert [entry[2] for entry in entries] == ["A, B; C", "B"]
    assert faults == []


def test_excels_separator_line_is_understood() -> None:
    entries, faults, _ = read("sep=;\r\nemail;name\r\na@example.org;A, B\r\nbad;B\r\n")
    assert [entry[2] for entry in entries] == ["A, B"]
    assert [line for line, _ in faults] == [4]


def test_a_single_column_is_a_file_too() -> None:
    entries, _, _ = read("email\na@example.org\n\nb@example.org\n")
    assert [entry[0] for entry in entries] == ["a@example.org", "b@example.org"]


def test_first_and_last_name_are_joined_and_kept() -> None:
    entries, _, _ = read("first name,last name,email\nAnn,Lee,a@example.org\n,Cher,c@example.org\n")
    assert [entry[2] for entry in entries] == ["Ann Lee", "Cher"]
    assert json.loads(entries[0][5]) == {"first_name": "Ann", "last_name": "Lee"}


def test_a_file_without_header_is_read_from_its_first_row() -> None:
    entries, _, people = read("Ann,a@example.org,Wien\nBob,b@example.org,Graz\n")
    assert [(entry[0], entry[2]) for entry in entries] == [("a@example.org", "Ann"), ("b@example.org", "Bob")]
    assert json.loads(entries[1][5]) == {"column_3": "Graz"}
    assert people.read == 2


def test_a_header_without_a_word_for_address_is_understood_from_the_rows() -> None:
    entries, _, people = read("Kontakt;Ort\na@example.org;Wien\nb@example.org;Graz\n")
    assert [entry[5] for entry in entries] == ['{"ort":"Wien"}', '{"ort":"Graz"}']
    assert people.columns["email"] == "Kontakt"


@pytest.mark.parametrize("text", ["", "\n\n", "  \n", "\ufeff"])
def test_an_empty_file_is_refused(text: str) -> None:
    with pytest.raises(ListFileError, match="empty"):
        read(text)


@pytest.mark.parametrize("text", ["name,city\nAnn,Wien\n", "Ann,Wien\n", "name\n", "just some text about nothing\n"])
def test_a_file_without_addresses_is_refused(text: str) -> None:
    with pytest.raises(ListFileError, match="no column holds e-mail addresses"):
        read(text)


def test_a_header_alone_is_an_empty_list() -> None:
    assert read("email,name\n")[:2] == ([], [])


def test_bad_rows_are_rejected_one_by_one_with_line_and_reason() -> None:
    entries, faults, people = read(
        "email,name\n"
        "a@example.org,A\n"
        "no address,B\n"
        ",C\n"
        "d@example.org\n"
        "e@example.org,E,more\n"
        "\n"
        "A@EXAMPLE.org,again\n"
        "h@example.org,H\n"
        ",\n"
    )
    assert [entry[0] for entry in entries] == ["a@example.org", "h@example.org"]
    assert faults == [
        (3, "'no address' has no @"),
        (4, "the address is empty"),
        (5, "the row has 1 value where the header has 2"),
        (6, "the row has 3 values where the header has 2"),
        (8, "A@example.org repeats line 2"),
    ]
    assert people.read == 7


def test_the_first_good_row_wins() -> None:
    """A row that was rejected does not keep its address from a later one."""
    entries, faults, _ = read('email,name\na@example.org,"A\nB"\na@example.org,A\na@example.org,B\n')
    assert [entry[2] for entry in entries] == ["A"]
    assert faults == [(2, "the name holds a line break"), (5, "a@example.org repeats line 4")]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    entries, faults, _ = read(
        'email,name,note\r\na@example.org,A,"one\r\ntwo\r\nthree"\r\nbad,B,"x\ny"\r\n\r\nc@example.org,C,\r\nbad,D,\r\n'
    )
    assert json.loads(entries[0][5]) == {"note": "one\r\ntwo\r\nthree"}
    assert [line for line, _ in faults] == [5, 9]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('a@example.org,"A\r\nBcc: x@example.org",en,x', "the name holds a line break"),
        ('a@example.org,"A\x0bB",en,x', "the name holds a control character"),
        ("a@example.org,A\u2028B,en,x", "the name holds a line break"),
        ("a@example.org,A,e\x07n,x", "the language holds a control character"),
        ("a@example.org,A,en,x\x1by", "the column 'note' holds a control character"),
        ("a@example.org,A\x00,en,x", "the row holds a NUL byte"),
        ('"a@exam\nple.org",A,en,x', "the address holds a line break"),
        (f"a@example.org,{'A' * 501},en,x", "the name is longer than 500 characters"),
        (f"a@example.org,A,{'e' * 36},x", "the language is longer than 35 characters"),
        (f"a@example.org,A,en,{'x' * 10_001}", "the column 'note' is longer than 10000 characters"),
    ],
)
def test_what_would_break_a_header_or_a_column_is_refused(row: str, reason: str) -> None:
    entries, faults, _ = read(f"email,name,language,note\nz@example.org,Z,en,\n{row}\n")
    assert [entry[0] for entry in entries] == ["z@example.org"]
    assert faults == [(3, reason)]


def test_a_quotation_that_is_never_closed_costs_one_row() -> None:
    many = "".join(f"p{number}@example.org,P\n" for number in range(2000))
    entries, faults, _ = read('email,name\na@example.org,"A\n' + many, piece=4096)
    assert len(entries) == 2000
    assert faults == [(2, "a quotation mark is opened here and never closed")]


def test_a_quotation_that_swallows_rows_until_the_next_one_costs_one_row() -> None:
    entries, faults, _ = read(
        'email,name\na@example.org,"A\nb@example.org,B\nc@example.org,"C"\nd@example.org,D\ne@example.org,"E\n'
        'f@example.org,F"\ng@example.org,G\n'
    )
    assert [entry[0][0] for entry in entries] == ["b", "c", "d", "f", "g"]
    assert [line for line, _ in faults] == [2, 6]


def test_a_quotation_mark_in_the_middle_is_refused_where_it_is_ambiguous() -> None:
    entries, faults, _ = read('email,name\na@example.org,"A" B\nb@example.org,B "the" Builder\nc@example.org,C\n')
    assert [entry[2] for entry in entries] == ['B "the" Builder', "C"]
    assert faults == [(2, "the quotation marks do not match (one inside a quoted value is written twice)")]


def test_old_mac_line_ends_are_line_ends() -> None:
    entries, faults, _ = read("email,name\ra@example.org,A\rbad,B\r", piece=5)
    assert len(entries) == 1
    assert [line for line, _ in faults] == [3]


def test_names_in_any_script_are_taken_as_they_are() -> None:
    names = [
        "Zoë Ørsted",
        "Ιωάννα",
        "Иван",
        "نور",
        "תמר'",
        "मीरा",
        "ทิพย์",
        "李娜",
        "さくら",
        "서연",
        "N\u0303on\u0303o",
        "👩🏽‍⚕️",
    ]
    rows = "".join(f"p{number}@example.org,{name}\n" for number, name in enumerate(names))
    entries, faults, _ = read("email,name\n" + rows)
    assert [entry[2] for entry in entries] == names
    assert faults == []


def test_the_shipped_sample_has_no_fault() -> None:
    entries, faults, people = read(SHIPPED.read_bytes())
    assert (faults, people.encoding, 40 <= len(entries) <= 48) == ([], "UTF-8", True)
    assert all(entry[0].rpartition("@")[2] in {"example.com", "example.org", "example.net"} for entry in entries)


_LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
_VALUE = st.text(_LETTERS, max_size=15).map(str.strip)
_NOTE = st.text(st.one_of(_LETTERS, st.sampled_from(',;|\t"\n')), max_size=15).map(str.strip)
_LOCAL = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,4})?", fullmatch=True)
_TABLE = st.lists(st.tuples(_LOCAL, _VALUE, _NOTE, _NOTE), min_size=1, max_size=30, unique_by=lambda row: row[0])
_DIALECT = st.tuples(
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
)


@given(_TABLE, _DIALECT, st.integers(3, 4000))
def test_any_table_that_csv_writes_is_read_back(
    rows: list[tuple[str, str, str, str]], dialect: tuple[str, str, int, str], piece: int
) -> None:
    separator, newline, quoting, encoding = dialect
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=newline, quoting=quoting)
    writer.writerow(["email", "name", "note", "city"])
    writer.writerows([f"{local}@example.org", *rest] for local, *rest in rows)
    entries, faults, people = read(text.getvalue().encode(encoding), piece=piece)
    assert faults == []
    assert people.separator == separator
    assert [(entry[0], entry[2]) for entry in entries] == [(f"{row[0]}@example.org", row[1]) for row in rows]
    for entry, row in zip(entries, rows, strict=True):
        kept = {key: value for key, value in (("note", row[2]), ("city", row[3])) if value}
        assert json.loads(entry[5]) == kept


_CELL = st.one_of(
    st.sampled_from(
        ["a@example.org", "A@example.ORG", "b@example.org", "jürgen@example.org", "bad", "", "x@y", "x" * 36]
    ),
    st.text(st.sampled_from("ab@. \n\x07\xa0é"), max_size=6),
)


@given(st.lists(st.lists(_CELL, max_size=4), max_size=40))
def test_batches_and_single_rows_are_judged_alike(rows: list[list[str]]) -> None:
    """The way by columns and the way by rows come to the same result."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["email", "name", "language"], *rows])
    taken = read(text.getvalue())

    class RowByRow(ListFile):
        def _plain(self, lines: object, rows: object, *, clean: bool) -> None:
            return None

    slowly = RowByRow([text.getvalue().encode()])
    entries = [entry for batch in slowly.batches() for entry in batch.entries]
    assert entries == taken[0]
    assert sorted((fault.line, fault.reason) for fault in slowly.faults) == taken[1]
    assert slowly.read == taken[2].read


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(b"email,name\n" + data)
        read(data)
    except ListFileError:
        pass


def test_every_good_row_has_its_line() -> None:
    people = ListFile([b"email\n" + b"".join(b"p%d@example.org\n\n" % number for number in range(1500))])
    lines = [line for batch in people.batches() for line in batch.lines]
    assert lines == list(range(2, 3002, 2))


def test_the_key_is_the_one_that_addresses_compare_by() -> None:
    entries, _, _ = read("email\nA.B@Example.ORG\nJürgen@bücher.example\n")
    assert [entry[0] for entry in entries] == [address.parse(entry[1]).key for entry in entries]


def test_values_of_one_person_are_checked_alike() -> None:
    assert listfile.fault_of_person("Ann", "en", "UTC", {"note": "one\ntwo"}) is None
    assert listfile.fault_of_person("A\nB", "", "", {}) == "the name holds a line break"
