"""Which secrets make and read our tokens? One secret key, and a key of its own derived from it for each purpose."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True)
class KeyRing:
    """The secret key of the installation, and older ones that only read.

    Keys are derived by HMAC-SHA-256 over the purpose's name (the expand step of RFC 5869 with one block).
    """

    #: At least 32 random bytes.
    current: bytes
    #: Keys that were in use before; links in mail that is out already are still read with them.
    old: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"KeyRing(fingerprint={self.fingerprint!r}, old={len(self.old)})"

    @property
    def fingerprint(self) -> str:
        """What the database keeps, to recognise the key without knowing it: 32 hexadecimal digits."""
        return self.derive("fingerprint").hex()[:32]

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key for one purpose, from the current secret key."""
        return _derived(self.current, purpose)

    def readers(self, purpose: str) -> tuple[bytes, ...]:
        """The keys that a token of this purpose may have been made with, the current one first."""
        return tuple(_derived(key, purpose) for key in (self.current, *self.old))


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, b"outreach\x00" + purpose.encode() + b"\x01", hashlib.sha256)
