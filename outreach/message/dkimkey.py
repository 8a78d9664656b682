"""What is a key that mail is signed with, and what must the DNS say of it (RFC 6376, 3.6.1; RFC 8463)?"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from outreach.errors import SettingsError

#: Bits of RSA keys: shorter ones are refused by large receivers, longer ones need not be understood (RFC 8301, 3.2).
SHORTEST_KEY, LONGEST_KEY = 2048, 4096

#: A string of a TXT record has at most 255 characters (RFC 1035, 3.3.14).
LONGEST_STRING = 255

_MAKE_ONE = "Make a key: outreach dkim create"


class Record(NamedTuple):
    """A TXT record of a domain."""

    #: Where it stands, without a dot at its end.
    name: str
    #: What it says, as one text.
    value: str

    @property
    def line(self) -> str:
        """The line of a zone file; a receiver puts its strings together without anything between them."""
        strings = (self.value[at : at + LONGEST_STRING] for at in range(0, len(self.value), LONGEST_STRING))
        return f"{self.name}. IN TXT {' '.join(f'{chr(34)}{each}{chr(34)}' for each in strings)}"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key under its name."""

    #: Under which name of the domain its record stands.
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def is_rsa(self) -> bool:
        """Whether it is for RSA, which every receiver can verify; few can verify Ed25519."""
        return isinstance(self.private, RSAPrivateKey)

    @property
    def algorithm(self) -> str:
        """The name of its algorithm in ``a=``."""
        return "rsa-sha256" if self.is_rsa else "ed25519-sha256"

    @property
    def kind(self) -> str:
        """What it is, for people."""
        return f"RSA {self.private.key_size}" if isinstance(self.private, RSAPrivateKey) else "Ed25519"

    def record(self, domain: str) -> Record:
        """What the DNS of the domain must hold for it."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            name, form = "rsa", (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            name, form = "ed25519", (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        value = f"v=DKIM1; k={name}; p={b64encode(public.public_bytes(*form)).decode()}"
        return Record(f"{self.selector}._domainkey.{domain}", value)

    def pem(self) -> bytes:
        """The key as a PEM file holds it (PKCS #8), not encrypted."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def made(selector: str, *, ed25519: bool = False) -> DkimKey:
    """A new key: RSA with 2048 bits, or Ed25519."""
    private = Ed25519PrivateKey.generate() if ed25519 else rsa.generate_private_key(65537, SHORTEST_KEY)
    return DkimKey(selector, private)


def read(selector: str, pem: bytes) -> DkimKey:
    """The private key in a PEM file (PKCS #1 or PKCS #8).

    Raises SettingsError for what is no such key, one with a passphrase, one of another kind than RSA and Ed25519, and
    one that is too short or too long.
    """
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        hint = "Write it without: openssl pkey -in LOCKED -out dkim.pem"
        raise SettingsError("it is locked with a passphrase", hint=hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError("it holds no private key in PEM form", hint=_MAKE_ONE) from None
    if isinstance(private, Ed25519PrivateKey):
        return DkimKey(selector, private)
    if not isinstance(private, RSAPrivateKey):
        raise SettingsError("it holds a key that is not for RSA", hint=_MAKE_ONE)
    if private.key_size < SHORTEST_KEY:
        raise SettingsError(f"its {private.key_size} bits are too few, {SHORTEST_KEY} are needed", hint=_MAKE_ONE)
    if private.key_size > LONGEST_KEY:
        raise SettingsError(f"its {private.key_size} bits are more than receivers must understand", hint=_MAKE_ONE)
    return DkimKey(selector, private)
