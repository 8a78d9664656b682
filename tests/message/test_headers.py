"""Header fields say the same to the standard library as they were given, in lines that every server passes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_string
from email.header import decode_header, make_header
from email.policy import compat32, default
from email.utils import parseaddr, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outreach.address import parse_mailbox
from outreach.errors import CompileError
from outreach.message import headers

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cn")), max_size=300)


def lines(field: str) -> list[str]:
    """The lines of one whole field, looked at."""
    assert field.endswith("\r\n")
    found = field.removesuffix("\r\n").split("\r\n")
    assert all(line.startswith(" ") and line.strip() for line in found[1:])
    assert all(len(line) <= 76 for line in found if "=?" in line)
    return found


@given(text=TEXT)
@example("Ärzte außerhalb der Klinik berichten über lange Wartezeiten und neue Verfahren in der Ärzteschaft")
@example("a  b " + "x" * 100 + "   c ")
@example("=?utf-8?q?looks_encoded?=")
def test_a_subject_of_any_length_loses_nothing(text: str) -> None:
    field = headers.subject(text)
    lines(field)
    assert str(make_header(decode_header(message_from_string(field, policy=compat32)["Subject"]))) == text
    assert str(message_from_string(field, policy=default)["Subject"]).split() == text.split()


@given(name=TEXT, field=st.sampled_from(["To", "From", "Reply-To"]))
@example(name='Dr. "Ann" Lee, \\ (x)', field="To")
@example(name="x" * 60, field="Reply-To")
def test_a_display_name_loses_nothing(name: str, field: str) -> None:
    written = headers.mailbox(field, name, "ann.lee+news@example.org")
    lines(written)
    read, address = parseaddr(str(message_from_string(written, policy=compat32)[field]))
    assert address == "ann.lee+news@example.org"
    assert str(make_header(decode_header(read))) == name.strip()
    (mailbox,) = message_from_string(written, policy=default)[field].addresses
    assert mailbox.addr_spec == "ann.lee+news@example.org"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("", "To: a@example.org\r\n"),
        ("Ann Lee", "To: Ann Lee <a@example.org>\r\n"),
        ("Lee, Ann", 'To: "Lee, Ann" <a@example.org>\r\n'),
        ("A. Lee", 'To: "A. Lee" <a@example.org>\r\n'),
        ('The "A"', 'To: "The \\"A\\"" <a@example.org>\r\n'),
        ("Ann\r\nBcc: x@example.org", 'To: "Ann  Bcc: x@example.org" <a@example.org>\r\n'),
        ("Jörg", "To: =?utf-8?b?SsO2cmc=?= <a@example.org>\r\n"),
        ("x" * 60, f"To: {'x' * 60}\r\n <a@example.org>\r\n"),
    ],
)
def test_a_mailbox_is_written_as_plainly_as_it_can_be(name: str, field: str) -> None:
    if "Bcc" in name:  # two blanks in a row would be lost in a quoted name
        assert headers.mailbox("To", name, "a@example.org").startswith("To: =?utf-8?b?")
    else:
        assert headers.mailbox("To", name, "a@example.org") == field


def test_an_international_domain_is_written_in_a_labels() -> None:
    sender = parse_mailbox("Bücher <news@bücher.example>")
    field = headers.mailbox("From", sender.name, str(sender.address))
    assert field == "From: =?utf-8?b?QsO8Y2hlcg==?= <news@xn--bcher-kva.example>\r\n"


@pytest.mark.parametrize("address", ["a@example.org\r\nX: y", "a@b@example.org", "a @example.org", "a", "", "<a@b.c>"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(CompileError, match="cannot stand in From"):
        headers.mailbox("From", "", address)


def test_a_date_is_in_utc_and_says_so() -> None:
    assert headers.date(datetime(2026, 3, 2, 9, 5, tzinfo=UTC)) == "Date: Mon, 02 Mar 2026 09:05:00 +0000\r\n"
    east = datetime(2026, 3, 2, 9, 5, tzinfo=timezone(timedelta(hours=2)))
    assert parsedate_to_datetime(headers.date(east).removeprefix("Date: ").strip()) == east
    with pytest.raises(ValueError, match="zone"):
        headers.date(datetime(2026, 3, 2))  # noqa: DTZ001


def test_a_list_is_known_by_a_name_under_the_domain_of_its_sender() -> None:
    assert headers.list_id("Cell news", "cells", "a.example") == "List-ID: Cell news <cells.a.example>\r\n"
    assert headers.list_id("", "cells", "a.example") == "List-ID: <cells.a.example>\r\n"
    assert headers.list_id("細胞", "cells", "a.example") == "List-ID: =?utf-8?b?57Sw6IOe?= <cells.a.example>\r\n"
    with pytest.raises(CompileError, match="the title of the list holds a line break"):
        headers.list_id("Cell\r\nX: y", "cells", "a.example")


def test_an_unsubscribe_url_is_never_encoded_or_folded() -> None:
    url = f"https://go.clinic.example/u/{'x' * 200}"
    assert headers.list_unsubscribe(url) == f"List-Unsubscribe: <{url}>\r\n"


@pytest.mark.parametrize("value", ["a b", "a\r\nX: y", "ä", "a>b", ""])
def test_what_would_break_a_field_is_refused_by_its_name(value: str) -> None:
    for write, name in (
        (headers.message_id, "Message-ID"),
        (headers.list_unsubscribe, "List-Unsubscribe"),
        (headers.feedback_id, "Feedback-ID"),
    ):
        with pytest.raises(CompileError, match=name):
            write(value)


def test_no_feedback_id_is_no_field() -> None:
    assert headers.feedback_id(None) == ""
