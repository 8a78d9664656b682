"""Entries of the suppressions: an address, a domain, a hash; whatever else is refused with the reason."""

from __future__ import annotations

import pytest

from outreach.audience import barred
from outreach.errors import AddressError

HASH = "erased:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ann@Example.org ", "ann@example.org"),
        ("@Example.ORG", "@example.org"),
        ("@bücher.example", "@xn--bcher-kva.example"),
        (HASH, HASH),
    ],
)
def test_an_entry_is_read(text: str, key: str) -> None:
    assert barred.entry(text) == key


@pytest.mark.parametrize("text", ["", "@", "@org", "ann@", "a b@example.org", "erased:0f", "erased:" + "0F" * 32])
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        barred.entry(text)


def test_a_bare_domain_is_told_how_to_be_written() -> None:
    with pytest.raises(AddressError, match=r"@example\.org"):
        barred.entry("example.org")


@pytest.mark.parametrize(
    ("key", "domains"),
    [
        ("a@example.org", ["example.org", "org"]),
        ("a@x.example.org", ["x.example.org", "example.org", "org"]),
        ("a@1.2.3.4.5.example.org", ["1.2.3.4.5.example.org", "2.3.4.5.example.org", "3.4.5.example.org",
                                     "4.5.example.org", "5.example.org"]),
        (HASH, []),
    ],
)  # fmt: skip
def test_a_domain_has_those_above_it(key: str, domains: list[str]) -> None:
    assert barred.domains(key) == domains
