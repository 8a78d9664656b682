"""Where a report may hold a token: found in every place that servers use, and never in a mail within a mail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outreach.replies import carried

FORWARDED = b"""From: reader@example.org
To: friend@example.org
Subject: Fwd: Hello
Message-ID: <forward@example.org>
Content-Type: multipart/mixed; boundary=IN

--IN
Content-Type: text/plain

Look at this.
--IN
Content-Type: message/rfc822

Return-Path: <b+inner@news.clinic.example>
Message-ID: <inner@clinic.example>
Subject: Hello

Good day.
--IN--
"""


def complaint(inner: bytes, kind: bytes = b"message/rfc822", fields: bytes = b"") -> bytes:
    return (
        b"To: fbl@news.clinic.example\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=OUT\n\n"
        b"--OUT\nContent-Type: text/plain\n\nA complaint.\n"
        b"--OUT\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + fields + b"\n"
        b"--OUT\nContent-Type: " + kind + b"\n\n" + inner + b"\n--OUT--\n"
    )


def test_every_field_in_which_servers_note_a_recipient_is_read() -> None:
    found = carried.of(
        b"Delivered-To: a@example.org\nX-Original-To: b@example.org\nEnvelope-To: c@example.org, d@example.org\n"
        b"Received: from mx (mx [192.0.2.1])\n\tby host with ESMTP id 1\n\tfor <e@example.org>; Mon, 2 Mar 2026\n"
        b'To: "Bounces, all" <f@example.org>\nCc: a@example.org\n\n'
    )
    assert sorted(found.recipients) == [f"{letter}@example.org" for letter in "abcdef"]


def test_a_complaint_tells_return_path_and_message_id_of_the_mail() -> None:
    mail = b"Return-Path: <b+x@news.clinic.example>\nMessage-ID:\n <x@clinic.example>\nSubject: Hello\n\nGood day."
    for kind in (b"message/rfc822", b"text/rfc822-headers", b"Message/RFC822"):
        found = carried.of(complaint(mail, kind, b"Original-Mail-From: <b+y@news.clinic.example>\n"))
        assert found.return_paths == ("b+y@news.clinic.example", "b+x@news.clinic.example")
        assert found.message_ids == ("x@clinic.example",)


def test_a_mail_that_the_mail_encloses_is_none_of_ours_to_look_at() -> None:
    """A friend who complains about what a reader passed on must not cost the reader the newsletter."""
    found = carried.of(complaint(FORWARDED))
    assert (found.message_ids, found.return_paths) == (("forward@example.org",), ())


def test_an_answer_that_encloses_a_mail_carries_only_where_it_came_to() -> None:
    found = carried.of(FORWARDED)
    assert found.recipients == ("friend@example.org",)


@given(st.binary(max_size=2000))
def test_nothing_that_comes_can_break_it(data: bytes) -> None:
    carried.of(data)
    carried.of(complaint(data))
    carried.of(b"Content-Type: multipart/report; boundary=x\n\n--x\n" + data)
