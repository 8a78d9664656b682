"""The client's address: only a trusted proxy is believed, and of it only the rightmost foreign hop."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from outreach.tracking import client

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.9", [], "192.0.2.9"),
        ("192.0.2.9", ["198.51.100.1"], "192.0.2.9"),  # anybody can write that header
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        ("10.0.0.1", ["203.0.113.66, 198.51.100.1"], "198.51.100.1"),  # what stands further left is the client's claim
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.66", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_whose_address_it_is(peer: str, forwarded: list[str], address: str) -> None:
    assert client.address(peer, forwarded, TRUSTED) == address


def test_nobody_is_trusted_unless_told() -> None:
    assert client.address("127.0.0.1", ["198.51.100.1"], ()) == "127.0.0.1"
