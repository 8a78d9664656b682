"""Whatever comes back, reading it ends, and soon, and never with an error."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outreach.replies import report
from outreach.replies.report import Kind, Report
from tests.replies import corpus

MESSAGES = [case.message for case in corpus.cases()]

#: CPU seconds that no message may take, whoever made it; the worst below takes a tenth.
LONGEST = 2.0

DSN = b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'


def _read_soon(message: bytes) -> Report:
    started = time.process_time()
    said = report.read(message)
    assert time.process_time() - started < LONGEST
    assert all(
        value is None or (value.isprintable() and len(value) <= 500)
        for value in (said.reason, said.status, said.words, said.recipient, said.reporter)
    ), said
    repr(said).encode()  # nothing in it that cannot be stored
    return said


def _nested(levels: int, kind: str) -> bytes:
    """Parts in parts in parts."""
    if kind == "message":
        return b"Content-Type: message/rfc822\n\n" * levels + b"Subject: deep\n\nhello"
    opened = (f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(levels))
    return "".join(opened).encode() + b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n"


HOSTILE = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "a megabyte of garbage": bytes(range(256)) * 4096,
    "a megabyte of zeros": b"\0" * 1_000_000,
    "a megabyte without a line end": b"a" * 1_000_000,
    "a megabyte of line ends": b"\n" * 1_000_000,
    "a megabyte of header": b"X: y\n" * 200_000,
    "one endless field": b"Subject: " + b"=?utf-8?q?=41?= " * 60_000 + b"\n\n",
    "one endless folded field": b"Content-Type: text/plain" + b";\n a=b" * 150_000,
    "semicolons in a quote that never ends": b'Content-Type: multipart/report; x="' + b";" * 300_000 + b"\n\n",
    "a recipient of semicolons": DSN + b"Content-Type: message/delivery-status\n\nFinal-Recipient: " + b";" * 200_000,
    "deep parts": _nested(3000, "multipart"),
    "deep messages": _nested(9000, "message"),
    "thousands of parts": DSN + b"\nhello\n--b\n" * 30_000,
    "thousands of status parts": DSN + b"Content-Type: message/delivery-status\n\nAction: failed\n--b\n" * 5_000,
    "thousands of recipients": DSN
    + b"Content-Type: message/delivery-status\n\n"
    + b"Action: failed\nStatus: 5.1.1\n\n" * 9_000,
    "open tags": b"From: MAILER-DAEMON@example.com\nContent-Type: text/html\n\n" + b"<" * 250_000,
    "open styles": b"From: MAILER-DAEMON@example.com\nContent-Type: text/html\n\n" + b"<style>" * 35_000,
    "open breaks": b"From: MAILER-DAEMON@example.com\nContent-Type: text/html\n\n" + b"<br " * 60_000,
    "entities": b"From: MAILER-DAEMON@example.com\nContent-Type: text/html\n\n" + b"&amp" * 60_000,
    "a line of at signs": b"From: MAILER-DAEMON@example.com\n\nfailed addresses follow:\n" + b"a@" * 120_000,
    "lines of one address": b"From: MAILER-DAEMON@example.com\n\nfailed addresses follow:\n" + b"a" * 499 + b"\n" * 900,
    "lines of letters": b"From: MAILER-DAEMON@example.com\n\nYour message to:\n" + (b"a" * 499 + b"\n") * 500,
    "lines of commas": b"From: MAILER-DAEMON@example.com\n\n" + (b"," * 499 + b"\n") * 500,
    "paragraphs": b"From: MAILER-DAEMON@example.com\n\n" + b"550 \n\n" * 40_000,
    "blank lines of blanks": b"From: MAILER-DAEMON@example.com\n\n" + (b" " * 900 + b"\n") * 270,
    "codes": b"From: MAILER-DAEMON@example.com\n\n" + b"5.1." * 60_000,
    "words of nobody": b"From: MAILER-DAEMON@example.com\n\n" + b"does not have a " * 15_000,
    "failed recipients": b"X-Failed-Recipients: " + b"(" * 250_000 + b"\n\nhello",
    "nested comments": b"From: " + b"(" * 200_000 + b"\n\nhello",
    "a charset that is slow": DSN + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 60_000,
    "a charset that is none": DSN + b"Content-Type: text/plain; charset=zlib\n\nhello",
    "a charset of nulls": DSN + b'Content-Type: text/plain; charset="utf-8\0"\n\nhello',
    "half a surrogate pair": DSN
    + b"Content-Type: message/delivery-status; charset=utf-7\n\nFinal-Recipient: utf-8; \\x{D800}@example.com\n"
    + b"Action: failed\nDiagnostic-Code: smtp; 550 \xed\xa0\x80\n",
    "a boundary of its own kind": b"Content-Type: multipart/mixed; boundary*0=; boundary*1*=x''%zz\n\n--\n",
    "base64 of nothing": DSN + b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n=\n",
    "base64 broken": DSN + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nABC\xff" * 1000,
    "subjects": b"From: MAILER-DAEMON@example.com\nSubject: " + b"confirm " * 30_000 + b"\n\n",
    "an encoded subject": b"Subject: =?utf-8?b?////=?= =?x?b?A?=\n\n",
    "away": b"Subject: " + b"re: " * 60_000 + b"out of office\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_read_soon_and_bring_nobody_to_harm(name: str) -> None:
    assert _read_soon(HOSTILE[name]).kind not in {Kind.COMPLAINT, Kind.DELIVERED}


@given(st.binary(max_size=5000))
def test_no_bytes_raise(message: bytes) -> None:
    assert _read_soon(message).kind is not Kind.COMPLAINT


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message of the corpus after some accidents: cut, doubled, mixed with another, with bytes changed."""
    message = draw(st.sampled_from(MESSAGES))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(message)))
        end = draw(st.integers(start, min(len(message), start + 300)))
        other = draw(st.sampled_from(MESSAGES))
        inserted = draw(
            st.one_of(
                st.binary(max_size=20),
                st.just(message[start:end] * 3),
                st.just(other[: len(other) // 2]),
                st.sampled_from(
                    [b"\n\n", b"\r\n", b"--", b"\0", b"\xff\xfe", b"=?", b";", b'"', b"Content-Type: message/"]
                ),
            )
        )
        message = message[:start] + inserted + message[end:]
    return message


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_no_mutilated_report_raises(message: bytes) -> None:
    _read_soon(message)


def test_a_reader_that_breaks_leaves_the_message_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> Report | None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(report, "_READERS", (broken,))
    assert report.read(MESSAGES[0]).kind is Kind.UNCLEAR
