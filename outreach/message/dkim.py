"""How does a receiver know that a message is ours, and unchanged?  By a DKIM signature (RFC 6376).

Bodies are signed as they stand (`simple`): those that we write are quoted-printable or base64, where no line ends in
white space, so the `relaxed` form would forgive nothing that happens on the way, and cost a pass over every body.
Header fields are signed `relaxed`, since relays fold them anew.

Every field of `SIGNED` is also oversigned: `h=` names it once more than the message has it, so that a second Subject
or From, which some readers would show instead of ours, breaks the signature (RFC 6376, 8.15). There is no ``l=``:
it would let anybody append to the body (8.2).

A signature is made as of the message's own Date (``t=``), and neither RSA (PKCS #1 v1.5) nor Ed25519 takes anything
from chance: the same message is signed with the same bytes, on every retry and years later.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from outreach.message.dkimkey import DkimKey, Record

#: The fields that are signed and oversigned, whether a message has them or not (RFC 6376, 5.4.1; RFC 8058, 4).
SIGNED = (
    "From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "List-ID",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
)  # fmt: skip

#: A line of the signature has at most 78 characters (RFC 5322, 2.1.1); a long domain or selector stands alone on one.
LONGEST = 78

_LOWER = tuple(name.lower().encode() for name in SIGNED)
_END_OF_FIELD = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_PADDING, _HASH = PKCS1v15(), hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain; may be used by several threads at once, which RSA runs in side by side."""

    #: In A-labels; DMARC wants that of From, or one of the same organisation.
    domain: str
    #: Every key of ours that the domain's DNS holds, in their order: the first RSA key signs, and the first Ed25519 key
    #: signs beside it (RFC 8463). The others only stand in the DNS: one that is to sign next, or has signed before.
    keys: tuple[DkimKey, ...]

    @property
    def signing(self) -> tuple[DkimKey, ...]:
        """The keys that sign, RSA first: whoever reads but one signature can verify that one."""
        rsa = [key for key in self.keys if key.is_rsa]
        return (*rsa[:1], *[key for key in self.keys if not key.is_rsa][:1])

    @property
    def records(self) -> tuple[Record, ...]:
        """What the domain's DNS must hold, for each key."""
        return tuple(key.record(self.domain) for key in self.keys)

    def sign(self, message: bytes) -> bytes:
        """The message with its signatures before it."""
        return self.signatures(message) + message

    def signatures(self, message: bytes, keys: Sequence[DkimKey] | None = None) -> bytes:
        """The DKIM-Signature fields that go before a message: relaxed/simple, one for each key that signs.

        The message is as RFC 5322 has it, every line ending in CRLF; nothing may be changed afterwards (dot-stuffing
        is undone on the other side). `keys` are others than those that sign now.
        """
        end = message.find(b"\r\n\r\n")
        head, start = (message, len(message)) if end < 0 else (message[:end], end + 4)
        fields = _fields(head)
        names = _names(tuple(len(fields.get(name, ())) for name in _LOWER))
        chosen, body = b"".join(_chosen(fields)), b64encode(_body_hash(message, start))
        time = _time(fields.get(b"date", [b""])[0])
        value = b" v=1; a=%%s; c=relaxed/simple;%s\r\n d=%s;\r\n s=%%s;\r\n h=%s;\r\n bh=%s;\r\n b=" % (
            time, self.domain.encode(), names, body,
        )  # fmt: skip
        return b"".join([_signed(key, chosen, value) for key in keys or self.signing])

    def ways(self) -> Iterator[tuple[DkimKey, ...]]:
        """The keys with which a message may have been signed, at any time that these keys were ours; as now, first."""
        rsa = [key for key in self.keys if key.is_rsa]
        others = [key for key in self.keys if not key.is_rsa]
        yield self.signing
        for key in rsa:
            yield from ((key, other) for other in others if (key, other) != self.signing)
            if (key,) != self.signing:
                yield (key,)

    def aligns_with(self, sender: str) -> bool:
        """Whether DMARC takes the signature for one of the sender's domain (RFC 7489, 3.1.1, relaxed).

        The last two labels are taken for the organisation, which says yes too often below co.uk and its like.
        """
        return self.domain.split(".")[-2:] == sender.split(".")[-2:]


def _signed(key: DkimKey, chosen: bytes, form: bytes) -> bytes:
    """One DKIM-Signature field; `form` is its value up to the signature, with places for algorithm and selector."""
    value = form % (key.algorithm.encode(), key.selector.encode())
    data = b"".join((chosen, b"dkim-signature:", _relaxed(value)))
    if isinstance(key.private, RSAPrivateKey):
        signature = key.private.sign(data, _PADDING, _HASH)
    else:
        signature = key.private.sign(sha256(data).digest())  # of the hash, which Ed25519 hashes again (RFC 8463, 3)
    return b"".join((b"DKIM-Signature:", value, _folded(b64encode(signature)), b"\r\n"))


def _fields(head: bytes) -> dict[bytes, list[bytes]]:
    """The fields that are signed, in relaxed form (RFC 6376, 3.4.2), by name and from the top."""
    found: dict[bytes, list[bytes]] = {}
    for line in _END_OF_FIELD.split(head):
        name, written = _canonical(line)
        if name:
            found.setdefault(name, []).append(written)
    return found


@lru_cache(maxsize=512)
def _canonical(line: bytes) -> tuple[bytes, bytes]:
    """The name and the relaxed form of a field that is signed, else nothing; most fields are a whole campaign's."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    return (name, b"%s:%s\r\n" % (name, _relaxed(value))) if name in _LOWER else (b"", b"")


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
def _time(date: bytes) -> bytes:
    """The tag ``t=`` for a Date in relaxed form; nothing where there is none that can be read."""
    try:
        moment = parsedate_to_datetime(date.partition(b":")[2].decode("ascii").strip())
        return b" t=%d;" % moment.timestamp() if moment.tzinfo is not None else b""
    except (ValueError, OverflowError):
        return b""


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
