"""Reports that keep to no standard: who is heard, and what flufl.bounce may and may not decide."""

from __future__ import annotations

from email import message_from_bytes

import pytest
from flufl.bounce import all_failures

from outreach.replies import crowd, mime
from outreach.replies.kind import Kind
from tests.replies.corpus import cases

QMAIL = b"""From: MAILER-DAEMON@mail.example.com
Subject: failure notice

Hi. This is the qmail-send program at mail.example.com.

<reader@example.com>:
%s

--- Below this line is a copy of the message.

550 5.1.1 user unknown
"""


@pytest.mark.parametrize(
    ("words", "kind", "status"),
    [
        (b"Sorry, no mailbox here by that name. (#5.1.1)", Kind.HARD, "5.1.1"),
        (b"Remote host said: 550 5.7.1 user unknown", Kind.SOFT, "5.7.1"),
        (b"Remote host said: 550 user unknown", Kind.HARD, None),
        (b"Remote host said: 550 user unknown, blocked by policy", Kind.SOFT, None),
        (b"Remote host said: 452 user unknown for now", Kind.SOFT, None),
        (b"The user is over quota.", Kind.SOFT, None),
    ],
)
def test_a_code_outranks_words_and_words_outrank_nothing(words: bytes, kind: Kind, status: str | None) -> None:
    said = crowd.read(mime.opened(QMAIL % words))
    assert said is not None
    assert (said.kind, said.status, said.recipient) == (kind, status, "reader@example.com")


def test_what_only_flufl_bounce_knows_is_no_dead_address_and_its_words_are_kept() -> None:
    said = crowd.read(mime.opened(QMAIL % b"The mailfolder has no room."))
    assert said is not None
    assert (said.kind, said.by) == (Kind.SOFT, "flufl")
    assert said.words == "<reader@example.com>: The mailfolder has no room."


@pytest.mark.parametrize(
    "sender",
    [
        "MAILER-DAEMON@example.com",
        "postmaster@example.com",
        '"Mail Delivery System" <noreply@example.com>',
        "MDaemon@a.example",
    ],
)
def test_mail_servers_are_heard(sender: str) -> None:
    assert crowd.looks_like_one(mime.opened(f"From: {sender}\n\n".encode()))


@pytest.mark.parametrize("subject", ["Re: Undeliverable mail", "Letter", "Your mailbox", "550 5.1.1"])
def test_a_person_who_writes_about_bounces_is_not_one(subject: str) -> None:
    message = f"From: reader@example.com\nSubject: {subject}\n\n<a@example.com>: 550 5.1.1 user unknown\n"
    assert crowd.read(mime.opened(message.encode())) is None


def test_flufl_bounce_stumbles_and_the_words_still_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise TypeError("get_payload")

    monkeypatch.setattr(crowd, "all_failures", broken)
    said = crowd.read(mime.opened(QMAIL % b"Sorry, no mailbox here by that name. (#5.1.1)"))
    assert said is not None
    assert said.kind is Kind.HARD


def test_flufl_bounce_never_sees_the_mail_that_a_report_encloses() -> None:
    message = (
        b"From: MAILER-DAEMON@example.com\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nSorry.\n\n"
        b"--b\nContent-Type: message/rfc822\n\n" + QMAIL % b"No." + b"\n--b--\n"
    )
    assert all_failures(crowd._plain(mime.opened(message))) == (frozenset(), frozenset())


def test_flufl_bounce_alone_would_bury_the_living() -> None:
    """Why it decides nothing here: full mailboxes, policy and patience at its end are permanent failures to it."""
    living = [case for case in cases() if case.truth[0] == Kind.SOFT]
    buried = [case.name for case in living if all_failures(message_from_bytes(case.message))[1]]
    assert len(buried) > len(living) // 2
