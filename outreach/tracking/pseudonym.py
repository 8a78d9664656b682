"""How are distinct readers told apart without knowing who they are?

A pseudonym is a MAC under a random key that lives for a day: within the day, two hits of one message or one client
have the same; when the key is gone, nobody can say whose it was, not even with every message and address at hand.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

#: Bytes of a day's key.
KEY_BYTES = 32


def of_message(day_key: bytes, delivery_id: int) -> str:
    """The pseudonym of a message, hence of its reader: 32 hexadecimal digits."""
    return _mac(day_key, b"message", delivery_id.to_bytes(8, "big"))


def of_client(day_key: bytes, address: str) -> str | None:
    """The pseudonym of a client address; None where there is none.

    An IPv6 address is cut to its first 64 bits, since a client changes the rest at will. The address is one that the
    server or `client.address` gave, not the text of a header.
    """
    if ":" not in address:
        return _mac(day_key, b"client", address.encode()) if address else None
    network = _network(address)
    return _mac(day_key, b"client", network) if network else None


def _mac(key: bytes, kind: bytes, value: bytes) -> str:
    return hashlib.blake2b(value, key=key, person=kind, digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def _network(address: str) -> bytes | None:
    parsed = parse_address(address)
    if parsed is None:
        return None
    return parsed.packed[:8] if parsed.version == 6 else str(parsed).encode()


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address as a server or a proxy writes it (brackets, port, zone allowed); None for anything else."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
