"""Which delivery does an opaque token in a URL stand for, and is it one of ours?

A token is 24 bytes: a MAC of 16 bytes over the payload, and the payload of 8 bytes, encrypted with a keystream that the
MAC seeds (a synthetic IV, as in RFC 5297, from keyed BLAKE2b, RFC 7693). So a token shows nothing, not even which two
of them belong to one message; the same message always gets the same tokens, so a retry changes no link; and there is
nothing to store. 24 bytes are exactly 32 characters of base64url without padding bits: every character counts.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from binascii import b2a_base64
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from outreach.tracking.keys import KeyRing

#: Characters of a token.
LENGTH = 32

_MAC_BYTES = 16
_PAYLOAD_BYTES = 8
_LARGEST_ID = 2**48 - 1
_LARGEST_NUMBER = 2**16 - 1
_URLSAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(StrEnum):
    """What a token is for; a token of one purpose means nothing for another."""

    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    VIEW = "view"
    MESSAGE = "message"
    BOUNCE = "bounce"
    CONFIRM = "confirm"


class Opened(NamedTuple):
    """What a token stands for."""

    #: The delivery; 0 for a test mail or a preview, which has none.
    delivery_id: int
    #: The link's number within its campaign, from 1; 0 where the purpose has none.
    number: int = 0

    @property
    def is_test(self) -> bool:
        """Whether the mail was a test or a preview, of which no delivery is kept."""
        return self.delivery_id == 0


class TokenMaker:
    """Makes and reads the tokens of one installation; safe to share between threads.

    Tokens are made with the current secret key and read with the older ones too, so links in mail that is out survive
    a change of key.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._sealers = {
            purpose: tuple(_Sealer(key) for key in keys.readers(f"token {purpose}")) for purpose in Purpose
        }

    def make(self, purpose: Purpose, delivery_id: int, number: int = 0) -> str:
        """The token of a delivery (below 2**48) and a link number (below 2**16): 32 characters of base64url."""
        if not (0 <= delivery_id <= _LARGEST_ID and 0 <= number <= _LARGEST_NUMBER):
            raise ValueError(f"no token can hold delivery {delivery_id}, link {number}")
        return self._sealers[purpose][0].seal((delivery_id << 16 | number).to_bytes(_PAYLOAD_BYTES, "big"))

    def read(self, purpose: Purpose, token: str) -> Opened | None:
        """What the token stands for; None where it is not one of ours, was altered, or is for another purpose."""
        if len(token) != LENGTH or not token.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(token)
        except NotBase64:
            return None
        for sealer in self._sealers[purpose]:
            payload = sealer.open(sealed)
            # The whole text is compared, not the bytes: a lenient decoder knows two spellings of some characters.
            if hmac.compare_digest(sealer.seal(payload), token):
                value = int.from_bytes(payload, "big")
                return Opened(value >> 16, value & _LARGEST_NUMBER)
        return None


class _Sealer:
    """One key of one purpose: BLAKE2b states that hold the key are copied, which is cheaper than keying anew."""

    __slots__ = ("_mac", "_stream")

    def __init__(self, key: bytes) -> None:
        self._mac: Callable[[], hashlib.blake2b] = hashlib.blake2b(
            key=key, digest_size=_MAC_BYTES, person=b"outreach mac"
        ).copy
        self._stream: Callable[[], hashlib.blake2b] = hashlib.blake2b(
            key=key, digest_size=_PAYLOAD_BYTES, person=b"outreach stream"
        ).copy

    def seal(self, payload: bytes) -> str:
        # Written out, not put together of smaller steps: a message has about ten tokens, the dearest part of making it.
        mac = self._mac()
        mac.update(payload)
        tag = mac.digest()
        stream = self._stream()
        stream.update(tag)
        mixed = int.from_bytes(stream.digest(), "big") ^ int.from_bytes(payload, "big")
        return (
            b2a_base64(tag + mixed.to_bytes(_PAYLOAD_BYTES, "big"), newline=False).translate(_URLSAFE).decode("ascii")
        )

    def open(self, sealed: bytes) -> bytes:
        return self._crypt(sealed[:_MAC_BYTES], sealed[_MAC_BYTES:])

    def _crypt(self, tag: bytes, payload: bytes) -> bytes:
        stream = self._stream()
        stream.update(tag)
        mixed = int.from_bytes(stream.digest(), "big") ^ int.from_bytes(payload, "big")
        return mixed.to_bytes(_PAYLOAD_BYTES, "big")
