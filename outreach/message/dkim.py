"""How does a receiver know that a message is ours, and unchanged?  By a DKIM signature (RFC 6376).

Bodies are signed as they stand (`simple`): those that we write are quoted-printable or base64, where no line ends in
white space, so the `relaxed` form would forgive nothing that happens on the way, and cost a pass over every body.
Header fields are signed `relaxed`, since relays fold them anew.

Every field of `SIGNED` is also oversigned: `h=` names it once more than the message has it, so that a second Subject
or From, which some readers would show instead of ours, breaks the signature (RFC 6376, 8.15). There is no ``l=``:
it would let anybody append to the body (8.2).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from outreach.errors import SettingsError

#: The fields that are signed and oversigned, whether a message has them or not (RFC 6376, 5.4.1; RFC 8058, 4).
SIGNED = (
    "From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "List-ID",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
)  # fmt: skip

#: Bits of RSA keys: shorter ones are refused by large receivers, longer ones need not be understood (RFC 8301, 3.2).
SHORTEST_KEY, LONGEST_KEY = 2048, 4096

#: A line of the signature has at most 78 characters (RFC 5322, 2.1.1); a long domain or selector stands alone on one.
LONGEST = 78

_LOWER = tuple(name.lower().encode() for name in SIGNED)
_END_OF_FIELD = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_PADDING, _HASH = PKCS1v15(), hashes.SHA256()
_MAKE_ONE = "Make a key: openssl genrsa -out dkim.pem 2048"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain; may be used by several threads at once, which RSA runs in side by side."""

    #: In A-labels; DMARC wants that of From, or one of the same organisation.
    domain: str
    #: Under which of the domain's keys (RFC 6376, 3.1).
    selector: str
    key: RSAPrivateKey = field(repr=False)

    def sign(self, message: bytes, *, now: datetime) -> bytes:
        """The message with a DKIM-Signature before it: rsa-sha256, relaxed/simple.

        The message is as RFC 5322 has it, every line ending in CRLF; nothing in it is changed, and nothing may be
        changed afterwards (dot-stuffing is undone on the other side). `now` is the time of signing.
        """
        end = message.find(b"\r\n\r\n")
        head, start = (message, len(message)) if end < 0 else (message[:end], end + 4)
        fields = _fields(head)
        names = _names(tuple(len(fields.get(name, ())) for name in _LOWER))
        value = b" v=1; a=rsa-sha256; c=relaxed/simple; t=%d;\r\n d=%s;\r\n s=%s;\r\n h=%s;\r\n bh=%s;\r\n b=" % (
            now.timestamp(),
            self.domain.encode(),
            self.selector.encode(),
            names,
            b64encode(_body_hash(message, start)),
        )
        signed = b"".join((*_chosen(fields), b"dkim-signature:", _relaxed(value)))
        signature = _folded(b64encode(self.key.sign(signed, _PADDING, _HASH)))
        return b"".join((b"DKIM-Signature:", value, signature, b"\r\n", message))

    def aligns_with(self, sender: str) -> bool:
        """Whether DMARC takes the signature for one of the sender's domain (RFC 7489, 3.1.1, relaxed).

        The last two labels are taken for the organisation, which says yes too often below co.uk and its like.
        """
        return self.domain.split(".")[-2:] == sender.split(".")[-2:]

    @property
    def record(self) -> str:
        """The line that the domain's DNS zone must hold; its strings have at most 255 characters (RFC 6376, 3.6.2)."""
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        text = f"v=DKIM1; k=rsa; p={b64encode(public).decode()}"
        strings = " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
        return f"{self.selector}._domainkey.{self.domain} TXT {strings}"


def read_key(pem: bytes) -> RSAPrivateKey:
    """The private key in a PEM file (PKCS #1 or PKCS #8).

    Raises SettingsError for what is no such key, one with a passphrase, one that is no RSA key, and one that is too
    short or too long.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        hint = "Write it without: openssl pkey -in LOCKED -out dkim.pem"
        raise SettingsError("it is locked with a passphrase", hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError("it holds no private key in PEM form", hint=_MAKE_ONE) from None
    if isinstance(key, Ed25519PrivateKey):
        raise SettingsError("it holds an Ed25519 key, which many receivers cannot verify yet", hint=_MAKE_ONE)
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError("it holds a key that is not for RSA", hint=_MAKE_ONE)
    if key.key_size < SHORTEST_KEY:
        raise SettingsError(f"its {key.key_size} bits are too few, {SHORTEST_KEY} are needed", hint=_MAKE_ONE)
    if key.key_size > LONGEST_KEY:
        raise SettingsError(f"its {key.key_size} bits are more than receivers must understand", hint=_MAKE_ONE)
    return key


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The fields that are signed, in relaxed form (RFC 6376, 3.4.2), by name and from the top."""
    found: dict[bytes, list[bytes]] = {}
    for line in _END_OF_FIELD.split(head):
        name, _, value = line.partition(b":")
        name = name.rstrip(b" \t").lower()
        if name in _LOWER:
            found.setdefault(name, []).append(b"%s:%s\r\n" % (name, _relaxed(value)))
    return found


def _relaxed(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _chosen(fields: dict[bytes, list[bytes]]) -> Iterator[bytes]:
    """Fields in the order of `_names`; several of one name from the bottom up (RFC 6376, 5.4.2)."""
    for name in _LOWER:
        yield from reversed(fields.get(name, ()))


def _body_hash(message: bytes, start: int) -> bytes:
    """Of the body as it stands, with exactly one line break at its end (RFC 6376, 3.4.3)."""
    end = len(message)
    while message.endswith(b"\r\n", start, end):
        end -= 2
    digest = sha256(memoryview(message)[start:end])
    digest.update(b"\r\n")
    return digest.digest()


@lru_cache(maxsize=64)
def _names(counts: tuple[int, ...]) -> bytes:
    """The value of ``h=``, folded: each name as often as the message has it, and once more."""
    lines = [" h="]
    for name in [name for name, count in zip(SIGNED, counts, strict=True) for _ in range(count + 1)]:
        if len(lines[-1]) + len(name) + 1 > LONGEST:
            lines.append(" ")
        lines[-1] += f"{name}:"
    return "\r\n".join(lines).removeprefix(" h=").removesuffix(":").encode()


def _folded(signature: bytes) -> bytes:
    """The value of ``b=``, on lines of 72 characters; white space in it does not count."""
    return b"\r\n ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
