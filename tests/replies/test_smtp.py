"""Replies are read from bytes as they come, however they are cut, and nonsense is told from an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies.smtp import LONGEST_LINE, GarbledReply, Reply, ReplyReader, parse


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 2.0.0 Ok: queued as 4F3"], Reply(250, "2.0.0", "Ok: queued as 4F3")),
        ([b"250 ok\r\n"], Reply(250, None, "ok")),
        ([b"250"], Reply(250, None, "")),
        ([b"354 go ahead"], Reply(354, None, "go ahead")),
        ([b"550 5.1.1 <a@b>: user unknown"], Reply(550, "5.1.1", "<a@b>: user unknown")),
        ([b"550-5.7.1 first line", b"550 5.7.1 second"], Reply(550, "5.7.1", "first line\nsecond")),
        (
            [b"250-relay.example", b"250-PIPELINING", b"250 SIZE 100"],
            Reply(250, None, "relay.example\nPIPELINING\nSIZE 100"),
        ),
        # an enhanced code of another class than the basic code means nothing (RFC 2034, 4)
        ([b"450 5.1.1 hm"], Reply(450, None, "5.1.1 hm")),
        ([b"250 2.1.5"], Reply(250, "2.1.5", "")),
        ([b"550 5.1.10.3 four"], Reply(550, None, "5.1.10.3 four")),
        ([b"550 \xff\x1b[31mred\x00"], Reply(550, None, "� [31mred")),
    ],
)
def test_a_reply_is_its_codes_and_its_words(lines: list[bytes], reply: Reply) -> None:
    assert parse(lines) == reply


@pytest.mark.parametrize(
    "lines",
    [[], [b""], [b"hello"], [b"25 ok"], [b"2500 ok"], [b"150 no"], [b"650 no"], [b"250\tok"], [b"250-a", b"251 b"]],
)
def test_what_is_no_reply_is_not_taken_for_one(lines: list[bytes]) -> None:
    with pytest.raises(GarbledReply):
        parse(lines)


@given(st.lists(st.integers(1, 30), max_size=20))
def test_replies_come_out_alike_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    stream = b"250-a\r\n250 b\r\n250 2.1.5 ok\n354 go\r\n550-5.1.1 no\r\n550 5.1.1 body\r\n421 bye\r\n"
    reader = ReplyReader()
    replies, at = [], 0
    for cut in [*cuts, len(stream)]:
        replies += reader.feed(stream[at : at + cut])
        at += cut
    assert replies == [
        Reply(250, None, "a\nb"),
        Reply(250, "2.1.5", "ok"),
        Reply(354, None, "go"),
        Reply(550, "5.1.1", "no\nbody"),
        Reply(421, None, "bye"),
    ]
    assert not reader.has_leftovers


def test_half_a_reply_is_left_over() -> None:
    reader = ReplyReader()
    assert list(reader.feed(b"250-a\r\n")) == []
    assert reader.has_leftovers


@pytest.mark.parametrize(
    "flood", [b"2" * (LONGEST_LINE + 1), b"250 " + b"x" * LONGEST_LINE + b"\r\n", b"250-x\r\n" * 300]
)
def test_a_server_that_never_stops_is_not_listened_to_for_ever(flood: bytes) -> None:
    with pytest.raises(GarbledReply):
        list(ReplyReader().feed(flood))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_reply_or_are_refused(data: bytes) -> None:
    try:
        for reply in ReplyReader().feed(data):
            assert 200 <= reply.code <= 599
            assert not any(ord(character) < 32 for character in reply.words)
    except GarbledReply:
        pass


def test_a_reply_reads_as_the_server_said_it() -> None:
    assert str(Reply(550, "5.1.1", "no\nbody")) == "550 5.1.1 no body"
    assert str(Reply(250, None, "")) == "250"
