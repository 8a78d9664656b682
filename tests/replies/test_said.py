"""What a server said, found in the prose around it."""

from __future__ import annotations

import pytest

from outreach.replies import said


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("550 5.1.1 user unknown", "5.1.1", 550),
        ("550-5.1.1 user 550 5.1.1 unknown", "5.1.1", 550),
        ("host mx.example.com[192.0.2.25] said: 550 5.7.1 no", "5.7.1", 550),
        ("SMTP error after RCPT TO:<a@example.com>: 550 no", None, 550),
        ("Remote server returned '550 5.1.10 RESOLVER'", "5.1.10", 550),
        ("<<< 452 4.2.2 full", "4.2.2", 452),
        ("554: delivery error", None, 554),
        ("no mailbox here by that name. (#5.1.1)", "5.1.1", None),
        ("first\n550 no", None, 550),
        # a code of another class than the reply is not the reply's
        ("550 4.2.2 what", None, 550),
        # numbers that are no codes
        ("connect to mx.example.com[192.0.2.5]: timed out", None, None),
        ("Exim version 4.94.2 gave up after 500 tries", None, None),
        ("your message of 5.1.1.7 took 450 seconds", None, None),
        ("port 5.1.2024", None, None),
        ("v5.1.1", None, None),
        ("250 2.1.5 fine", None, None),
        ("", None, None),
    ],
)
def test_codes_are_told_from_other_numbers(words: str, status: str | None, code: int | None) -> None:
    found = said.of(words)
    assert (found.status, found.code) == (status, code)


def test_the_paragraph_with_the_code_is_what_was_said() -> None:
    text = "Sorry.\n\nThe answer was:\n\n550 5.7.1 user\nunknown\n\nuser unknown, we think\n\n550 5.1.1 no\n"
    found = said.in_prose(text)
    assert found is not None
    assert (found.status, found.words) == ("5.7.1", "550 5.7.1 user unknown")


def test_where_no_code_says_anything_words_do() -> None:
    found = said.in_prose("Status 5.0.0\n\n<a@example.com>:\nno such user\n")
    assert found is not None
    assert (found.status, found.words) == (None, "<a@example.com>: no such user")


@pytest.mark.parametrize(
    "quote",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "----- Original message -----",
        "--- The header of the original message is following. ---",
        "-------- Returned Mail Follows --------",
        "Received: from a.example",
        "> 550 5.1.1",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_quoted_is_not_what_was_said(quote: str, end: str) -> None:
    assert said.in_prose(f"Sorry.{end}{end}{quote}{end}{end}550 5.1.1 user unknown{end}") is None


def test_a_transcript_is_no_quote() -> None:
    found = said.in_prose("... while talking to mx:\n>>> DATA\n<<< 550 5.1.1 no\n")
    assert found is not None
    assert found.status == "5.1.1"
