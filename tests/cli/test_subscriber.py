"""`outreach subscriber ...`"""

from __future__ import annotations

import io
import json
from pathlib import Path
from unittest import mock

import pytest

from outreach.audience.ledger import version
from tests.cli.line import Said, outreach

HEADER = "email,name\n"


@pytest.fixture(autouse=True)
def _installed() -> None:
    outreach("init")


def imported(tmp_path: Path, text: str | bytes, *options: str, name: str = "people.csv") -> Said:
    """Import a file into the list 'news'."""
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return outreach("subscriber", "import", str(file), "--list", "news", *options)


def test_the_json_of_an_import_is_the_contract(tmp_path: Path) -> None:
    said = imported(tmp_path, HEADER + "a@example.org,A\nbad,B\n", "--consent", "I agree", "--json")
    assert said.code == 0
    assert said.document == {
        "read": 2,
        "added": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": [{"line": 3, "reason": "'bad' has no @"}],
    }
    assert said.err.strip() == "The list 'news' is new."


def test_an_import_is_told_to_a_person(tmp_path: Path) -> None:
    rows = "".join(f"bad{number}\n" for number in range(30))
    said = imported(tmp_path, "E-Mail;Name\na@example.org;Jörg\n" + rows)
    assert said.code == 0
    assert "which is new" in said.out
    assert "email (E-Mail)" in said.out
    assert "line 22:" in said.out
    assert "line 23:" not in said.out
    assert "10 more" in said.out


def test_an_import_with_a_blank_consent_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    said = imported(tmp_path, HEADER + "a@example.org,A\n", "--consent", "  ")
    assert (said.code, "The consent is blank" in said.err) == (1, True)
    assert outreach("list", "show", "news").code == 1


def test_people_without_consent_are_told_loudly(tmp_path: Path) -> None:
    for options in ((), ("--dry-run",), ("--json",)):
        said = imported(tmp_path, HEADER + "a@example.org,A\n", *options)
        assert "UNCONFIRMED and will NOT be mailed" in said.err
    assert "UNCONFIRMED" not in imported(tmp_path, HEADER + "a@example.org,A\n", "--consent", "yes").err


def test_an_encoding_that_was_guessed_is_said_and_can_be_named(tmp_path: Path) -> None:
    said = imported(tmp_path, (HEADER + "a@example.org,Jörg\n").encode("latin-1"), "--consent", "yes")
    assert "Latin-1" in said.err
    cyrillic = (HEADER + "b@example.org,Иван\n").encode("cp1251")
    imported(tmp_path, cyrillic, "--consent", "yes", "--encoding", "cp1251")
    assert outreach("subscriber", "show", "b@example.org", "--json").document["subscriber"]["name"] == "Иван"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    said = imported(tmp_path, HEADER + "a@example.org,A\n", "--dry-run", "--json")
    assert said.document["added"] == 1
    assert "would be new" in said.err
    assert outreach("list", "ls", "--json").document == []


def test_standard_input_is_read() -> None:
    class Standard:
        buffer = io.BytesIO(b"email\na@example.org\n")

    with mock.patch("sys.stdin", Standard):
        said = outreach("subscriber", "import", "-", "--list", "news", "--json")
    assert said.document["added"] == 1


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"", "people.csv: the file is empty"), (b"name\nAnn\n", "no column holds"), (b"PK\x03\x04", "workbook")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, data: bytes, what: str) -> None:
    said = imported(tmp_path, data)
    assert (said.code, said.out) == (1, "")
    assert what in said.err
    assert "Traceback" not in said.err


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    said = outreach("subscriber", "import", str(tmp_path / "none.csv"), "--list", "news")
    assert said.code == 1
    assert "No such file" in said.err


def test_a_person_comes_leaves_and_stays_away(tmp_path: Path) -> None:
    outreach("list", "create", "news")
    come = outreach("subscriber", "add", "Ann@example.org", "--list", "news", "--name", "Ann", "--consent", "I agree")
    assert (come.code, "confirmed" in come.out) == (0, True)
    assert "already" in outreach("subscriber", "add", "ann@example.org", "--list", "news").out
    assert "'news'" in outreach("subscriber", "unsubscribe", "ann@example.org", "--list", "news").out
    assert "nothing changed" in outreach("subscriber", "unsubscribe", "ann@example.org").out
    assert outreach("subscriber", "add", "ann@example.org", "--list", "news", "--consent", "yes").code == 1
    again = imported(tmp_path, HEADER + "ann@example.org,Ann\n", "--consent", "yes")
    assert "stay off it" in again.err
    found = outreach("subscriber", "show", "ann@example.org", "--json").document
    assert [row["state"] for row in found["subscriptions"]] == ["unsubscribed"]
    assert [row["act"] for row in found["consents"]] == ["given", "withdrawn"]
    assert "unsubscribed" in outreach("subscriber", "show", "ann@example.org").out


def test_a_suppressed_address_is_told(tmp_path: Path) -> None:
    outreach("list", "create", "news")
    assert "never mailed" in outreach("subscriber", "suppress", "ann@example.org", "--note", "asked by letter").out
    assert "before" in outreach("subscriber", "suppress", "ANN@example.org").out
    assert "suppressed (manual)" in outreach("subscriber", "add", "ann@example.org", "--list", "news").err
    assert "asked by letter" in outreach("subscriber", "show", "ann@example.org").out


def test_everything_is_handed_out_and_then_erased(tmp_path: Path) -> None:
    imported(tmp_path, HEADER + "ann@example.org,Ann\nbob@example.org,Bob\n", "--consent", "yes")
    out = tmp_path / "ann.json"
    assert outreach("subscriber", "export", "ann@example.org", "--out", str(out)).code == 0
    assert json.loads(out.read_text()) == outreach("subscriber", "export", "ann@example.org").document
    assert json.loads(out.read_text()) == outreach("subscriber", "export", "ann@example.org", "--json").document
    with (
        mock.patch("sys.stdin", terminal := io.StringIO("n\n")),
        mock.patch.object(terminal, "isatty", return_value=True),
    ):
        assert outreach("subscriber", "erase", "ann@example.org").code == 1
    assert outreach("subscriber", "erase", "ann@example.org", "--yes").code == 0
    with mock.patch("sys.stdin", io.StringIO()):
        assert outreach("subscriber", "erase", "bob@example.org").code == 0
    assert outreach("subscriber", "show", "ann@example.org").code == 1
    again = imported(tmp_path, HEADER + "ann@example.org,Ann\n", "--json").document
    assert "erased" in again["rejected"][0]["reason"]


def test_a_person_who_is_not_there_suggests_the_nearest(tmp_path: Path) -> None:
    imported(tmp_path, HEADER + "ann.lee@example.org,Ann\n")
    for command in ("show", "export", "unsubscribe", "erase"):
        said = outreach("subscriber", command, "ann.le@example.org")
        assert said.code == 1
        assert "ann.lee@example.org" in said.err
    assert outreach("subscriber", "show", "no address").code == 1
    assert outreach("subscriber", "unsubscribe", "ann.lee@example.org", "--list", "nwes").code == 1
    assert outreach("subscriber", "add", "a@example.org", "--list", "nwes").code == 1
    assert outreach("subscriber", "import", "x.csv").code == 2


def test_an_export_tells_by_which_wording_and_what_bars_the_address() -> None:
    outreach("list", "create", "export-news")
    outreach("subscriber", "add", "eve@example.org", "--list", "export-news", "--consent", "I agree")
    outreach("suppression", "add", "@example.org", "--note", "moved")
    found = outreach("subscriber", "export", "eve@example.org").document
    (consent,) = found["consents"]
    assert (consent["wording"], consent["version"], consent["confirmation"]) == ("I agree", version("I agree"), "")
    assert consent["entry"] >= 1
    assert (found["suppression"]["entry"], found["suppression"]["note"]) == ("@example.org", "moved")
