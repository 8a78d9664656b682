"""No test depends on the network outside: whoever looks up a name there, or connects, fails loudly."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest


def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse, for one test, every name but localhost and every connection but to loopback."""
    looked_up, connected = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: str | bytes | None, *rest: object, **more: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != "localhost":
            try:
                ip_address(name)
            except ValueError:
                raise AssertionError(f"a test looks for {name} in the network outside") from None
        return looked_up(host, *rest, **more)

    def connect(self: socket.socket, place: object) -> None:
        if isinstance(place, tuple) and not ip_address(place[0]).is_loopback:
            raise AssertionError(f"a test connects to {place[0]}")
        connected(self, place)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
