"""Does the DNS hold the keys that we sign with? DKIM's records as receivers read them (RFC 6376, 3.6.1; RFC 8463)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from outreach.diagnosis import finding, tags
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Inquiry, Kind, ask

#: Large receivers distrust RSA keys that are shorter (RFC 8301, 3.2).
SHORTEST = 2048

PART = "DKIM"


@dataclass(frozen=True)
class Expected:
    """A record that must stand in the DNS."""

    #: Where: ``selector._domainkey.domain``.
    name: str
    #: What: the text of the record.
    value: str
    #: False for a key that only stands by: to sign next, or signed with before.
    signs: bool = True


@dataclass(frozen=True)
class KeyRecord:
    """A key record as receivers read it."""

    #: ``rsa`` or ``ed25519``.
    algorithm: str
    #: The key as it stands; b"" is a key that was taken back.
    public: bytes
    flags: frozenset[str] = frozenset()
    #: The hashes that it is for; none named, all are.
    hashes: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset({"*"})

    @property
    def bits(self) -> int | None:
        """How long an RSA key is; None for another kind. Raises ValueError for what is no key."""
        if self.algorithm != "rsa":
            return None
        try:
            key = serialization.load_der_public_key(self.public)
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("its p= is no RSA key") from None
        if not isinstance(key, RSAPublicKey):
            raise ValueError("its p= is no RSA key")
        return key.key_size


def parse(text: str) -> KeyRecord:
    """A key record; raises ValueError saying why receivers pass over it."""
    found = tags.parse(text)
    if found.get("v", "DKIM1") != "DKIM1" or ("v" in found and next(iter(found)) != "v"):
        raise ValueError("its v= must be DKIM1 and come first")
    if "p" not in found:
        raise ValueError("it has no p=")
    try:
        public = base64.b64decode(re.sub(r"\s+", "", found["p"]), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("its p= is no base64") from None
    return KeyRecord(
        found.get("k", "rsa").lower(),
        public,
        _several(found.get("t", "")),
        _several(found.get("h", "")),
        _several(found.get("s", "*")),
    )


def of_key(expected: Expected) -> Inquiry[list[Finding]]:
    """Whether the record of one key is there, is the right one, and is taken for one by receivers."""
    answer = yield from ask(expected.name, Kind.TXT)
    found = judge(expected, answer.records)
    return found or [finding.ok(PART, f"{expected.name} holds our key.")]


def judge(expected: Expected, records: tuple[str, ...]) -> list[Finding]:
    """What is wrong with the TXT records at the name of a key; nothing where all is well.

    A key that only stands by signs nothing: what is wrong with its record is a warning.
    """
    worse = finding.fault if expected.signs else finding.warning
    publish = f'Publish at {expected.name}: TXT "{expected.value}"'
    name = expected.name
    if not records:
        why = "so nobody can verify our signatures" if expected.signs else "so nobody could verify its signatures"
        return [worse(PART, "dkim-missing", f"There is no DKIM record at {name}, {why}.", publish)]
    if len(records) > 1:
        words = f"There are {len(records)} TXT records at {name}: which one a receiver takes is chance."
        return [worse(PART, "dkim-several", words, "Leave one of them.")]
    ours = parse(expected.value)
    try:
        theirs = parse(records[0])
        if theirs.public:
            bits = theirs.bits
    except ValueError as error:
        return [worse(PART, "dkim-syntax", f"The DKIM record at {name} cannot be read: {error}.", publish)]
    if not theirs.public:
        words = f"The key at {name} was taken back (its p= is empty): signatures by it fail."
        return [worse(PART, "dkim-revoked", words, "Sign with another key, or publish this one again.")]
    if (theirs.algorithm, theirs.public) != (ours.algorithm, ours.public):
        words = f"The DKIM record at {name} holds another key than ours: signatures by it fail."
        return [worse(PART, "dkim-other-key", words, publish)]
    found = []
    if (theirs.hashes and "sha256" not in theirs.hashes) or not theirs.services & {"*", "email"}:
        words = f"The DKIM record at {name} forbids how we use it (h= or s=)."
        found.append(worse(PART, "dkim-forbidden", words, publish))
    if "y" in theirs.flags:
        words = f"The DKIM record at {name} says that it is being tested (t=y): receivers may pass over it."
        found.append(finding.warning(PART, "dkim-testing", words, "Take t=y out."))
    if bits is not None and bits < SHORTEST:
        words = f"The key at {name} has {bits} bits; large receivers want {SHORTEST}."
        found.append(finding.warning(PART, "dkim-short-key", words, "Make a longer one."))
    return found


def _several(value: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in value.split(":") if part.strip())
