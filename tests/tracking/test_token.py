"""Tokens: opaque, bound to their purpose, refused when a single character differs."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.tracking.keys import KeyRing
from outreach.tracking.token import LENGTH, Opened, Purpose, TokenMaker

KEY = b"0123456789abcdef0123456789abcdef"
OTHER = b"another key of thirty-two bytes!"
MAKER = TokenMaker(KeyRing(KEY))
ALPHABET = string.ascii_letters + string.digits + "-_"

deliveries = st.integers(0, 2**48 - 1)
numbers = st.integers(0, 2**16 - 1)
purposes = st.sampled_from(Purpose)


@given(purposes, deliveries, numbers)
def test_a_token_reads_back(purpose: Purpose, delivery: int, number: int) -> None:
    token = MAKER.make(purpose, delivery, number)
    assert len(token) == LENGTH == 32
    assert set(token) <= set(ALPHABET)
    assert MAKER.read(purpose, token) == Opened(delivery, number)


@given(purposes, deliveries, numbers, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET + "+/=. \x00é"))
def test_any_altered_character_is_refused(purpose: Purpose, delivery: int, number: int, place: int, new: str) -> None:
    token = MAKER.make(purpose, delivery, number)
    altered = token[:place] + new + token[place + 1 :]
    assert (MAKER.read(purpose, altered) is None) == (altered != token)


def test_every_altered_character_of_one_token_is_refused() -> None:
    token = MAKER.make(Purpose.CLICK, 1, 1)
    others = string.printable
    accepted = [
        (place, new)
        for place in range(LENGTH)
        for new in others
        if new != token[place] and MAKER.read(Purpose.CLICK, token[:place] + new + token[place + 1 :])
    ]
    assert accepted == []


@given(purposes, purposes, deliveries)
def test_a_token_means_nothing_for_another_purpose(made: Purpose, read: Purpose, delivery: int) -> None:
    assert (MAKER.read(read, MAKER.make(made, delivery)) is None) == (made != read)


@given(st.text(max_size=40))
def test_no_text_is_a_surprise(text: str) -> None:
    assert MAKER.read(Purpose.CLICK, text) is None


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: "", str.swapcase])
def test_another_length_or_case_is_refused(change: object) -> None:
    token = MAKER.make(Purpose.VIEW, 7)
    assert callable(change)
    assert MAKER.read(Purpose.VIEW, change(token)) is None


def test_the_same_message_always_gets_the_same_token() -> None:
    assert TokenMaker(KeyRing(KEY)).make(Purpose.CLICK, 5, 2) == MAKER.make(Purpose.CLICK, 5, 2)


@given(deliveries, deliveries)
def test_neighbours_share_nothing_to_see(one: int, other: int) -> None:
    first, second = MAKER.make(Purpose.CLICK, one), MAKER.make(Purpose.CLICK, other)
    alike = sum(a == b for a, b in zip(first, second, strict=True))
    assert one == other or alike <= 12


def test_an_older_key_still_reads_and_the_current_one_makes() -> None:
    old = TokenMaker(KeyRing(KEY)).make(Purpose.CLICK, 5, 2)
    turned = TokenMaker(KeyRing(OTHER, (KEY,)))
    assert turned.read(Purpose.CLICK, old) == Opened(5, 2)
    assert turned.make(Purpose.CLICK, 5, 2) != old
    assert TokenMaker(KeyRing(OTHER)).read(Purpose.CLICK, old) is None


def test_a_test_mail_has_no_delivery() -> None:
    opened = MAKER.read(Purpose.UNSUBSCRIBE, MAKER.make(Purpose.UNSUBSCRIBE, 0))
    assert opened is not None
    assert opened.is_test


@pytest.mark.parametrize(("delivery", "number"), [(-1, 0), (2**48, 0), (1, -1), (1, 2**16)])
def test_what_no_token_can_hold_is_refused(delivery: int, number: int) -> None:
    with pytest.raises(ValueError, match="no token"):
        MAKER.make(Purpose.CLICK, delivery, number)
