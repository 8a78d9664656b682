"""Pseudonyms: the same within a day, unlinkable across days and kinds."""

from __future__ import annotations

import pytest

from outreach.tracking import pseudonym

DAY, NEXT_DAY = b"d" * 32, b"n" * 32


def test_a_message_has_one_pseudonym_a_day() -> None:
    assert pseudonym.of_message(DAY, 7) == pseudonym.of_message(DAY, 7)
    assert len({pseudonym.of_message(key, number) for key in (DAY, NEXT_DAY) for number in (7, 8)}) == 4
    assert len(pseudonym.of_message(DAY, 7)) == 32


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),  # one household, whatever address of its network it uses
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("[2001:db8::1]:443", "2001:db8::1", True),
        ("[::ffff:192.0.2.1]:5000", "192.0.2.1", True),
    ],
)
def test_one_client_has_one_pseudonym(one: str, other: str, same: bool) -> None:
    assert (pseudonym.of_client(DAY, one) == pseudonym.of_client(DAY, other)) == same


@pytest.mark.parametrize("text", ["", "unix:", "::1::", "[::1"])
def test_what_is_no_address_has_no_pseudonym(text: str) -> None:
    assert (pseudonym.of_client(DAY, text) is None) == (text != "[::1")
