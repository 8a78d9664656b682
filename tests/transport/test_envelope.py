"""What stands on the wire after 354."""

from __future__ import annotations

import pytest

from outreach.transport import envelope
from outreach.transport.base import Outgoing


def body(message: bytes, *, is_dotless: bool = False) -> bytes:
    return envelope.body(Outgoing(1, "news@example.com", "p@example.org", message, is_dotless=is_dotless))


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (b"A: b\r\n\r\nc\r\n", b"A: b\r\n\r\nc\r\n.\r\n"),
        (b"A: b\r\n\r\nno end", b"A: b\r\n\r\nno end\r\n.\r\n"),
        (b"A: b\r\n\r\n.\r\n", b"A: b\r\n\r\n..\r\n.\r\n"),
        (b"A: b\r\n\r\n..c\r\nd.\r\n", b"A: b\r\n\r\n...c\r\nd.\r\n.\r\n"),
        (b".A: b\r\n", b"..A: b\r\n.\r\n"),
        # a bare LF, which some servers take for a line end
        (b"A: b\r\n\r\nc\n.\r\nd\r\n", b"A: b\r\n\r\nc\n..\r\nd\r\n.\r\n"),
    ],
)
def test_dots_at_line_starts_are_doubled_and_a_dot_ends_the_body(message: bytes, sent: bytes) -> None:
    assert body(message) == sent


def test_a_message_that_is_known_to_be_dotless_is_not_looked_through() -> None:
    message = b"A: b\r\n\r\nc.\r\nd\r\n"
    assert body(message, is_dotless=True) == body(message) == message + b".\r\n"
