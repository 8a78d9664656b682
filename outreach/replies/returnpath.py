"""Which delivery is a message about that comes back? The address that it comes to says so, by a token (VERP)."""

from __future__ import annotations

from outreach.address import Address


def tagged(address: Address, token: str) -> str:
    """An address of ours that carries a token: ``bounces+TOKEN@domain``."""
    return f"{address.local}+{token}@{address.domain}"


def tag(recipient: str, address: Address) -> str | None:
    """The token in an address that mail came to; None where it is not this address of ours, or carries none.

    Our own part is compared without regard to case, as relays on the way may change it; tokens keep theirs.
    """
    local, _, domain = recipient.strip().strip("<>").rpartition("@")
    ours, plus, token = local.partition("+")
    if domain.lower().rstrip(".") != address.domain.lower() or ours.lower() != address.local.lower() or not plus:
        return None
    return token or None
