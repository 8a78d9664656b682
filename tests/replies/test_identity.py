"""One report is one report, whichever way it comes; two are two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies import identity

MAIL = b"""From: MAILER-DAEMON@mx.example.org
To: b+token@news.clinic.example
Subject: Undelivered
 Mail
Date: Mon, 2 Mar 2026 09:05:00 +0000
Message-ID: <1@mx.example.org>
Content-Type: text/plain

It could not be delivered.

Sorry.
"""


def digest(mail: bytes, about: int | None = 7) -> str:
    return identity.digest(mail, about=about)


@pytest.mark.parametrize(
    "same",
    [
        MAIL.replace(b"\n", b"\r\n"),
        MAIL + b"\n\n",
        b"Return-Path: <>\nDelivered-To: x@example.org\nReceived: from a\n\tby b;\n now\n" + MAIL,
        MAIL.replace(b"Undelivered\n Mail", b"Undelivered Mail"),
        MAIL.replace(b"Sorry.", b"Sorry.   "),
        MAIL.replace(b"Message-ID: <1@mx.example.org>\n", b"").replace(
            b"From:", b"message-id: <1@mx.example.org>\nFROM:"
        ),
        MAIL.replace(b"\n\nIt", b"\nX-Spam-Status: No\n\nIt"),
    ],
)
def test_what_servers_do_on_the_way_makes_no_other_report(same: bytes) -> None:
    assert digest(same) == digest(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"<1@", b"<2@"),
        MAIL.replace(b"09:05", b"09:06"),
        MAIL.replace(b"Sorry.", b"Soon."),
        MAIL.replace(b"token", b"other"),
        MAIL.replace(b"Undelivered", b"Delivered"),
    ],
)
def test_what_the_sender_wrote_does(other: bytes) -> None:
    assert digest(other) != digest(MAIL)


def test_the_same_words_about_another_delivery_are_another_report() -> None:
    assert len({digest(MAIL, about) for about in (None, 0, 1, 2)}) == 4


def test_notices_are_told_apart_by_provider_and_key() -> None:
    assert len({identity.of_notice("ses", "a"), identity.of_notice("ses", "b"), identity.of_notice("x", "a")}) == 3


@given(st.binary(max_size=500))
def test_any_bytes_have_a_digest(data: bytes) -> None:
    assert len(digest(data)) == 64
