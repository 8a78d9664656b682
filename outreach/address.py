"""Is this an e-mail address, and which one? Parsed once, at the door (RFC 5321 4.1.2, RFC 5322 3.4.1, RFC 6531).

Quoted local parts ("a b"@example.org), address literals (a@[192.0.2.1]) and domains without a dot are refused: no list
holds them but by mistake. An international domain becomes its A-labels (RFC 5891); a local part beyond ASCII is kept
and needs a relay that speaks SMTPUTF8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache

import idna

from outreach.errors import AddressError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: A plain address in lower case, which `parse` takes as it is: at most 64 octets before the @, 254 in all.
_PLAIN = re.compile(
    r"(?=.{1,254}\Z)(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """One e-mail address: as mailed, and as compared."""

    #: The part before the @, as given.
    local: str
    #: The part behind it, lower case, in A-labels.
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """What two spellings of one address share: the whole in lower case."""
        return f"{self.local.casefold()}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a relay with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that people see: `Clinic News <news@clinic.example>`."""

    name: str
    address: Address

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else str(self.address)


def parse(text: str) -> Address:
    """The address that `text` is; white space around it is dropped.

    Raises AddressError with the reason.
    """
    stripped = text.strip()
    if not stripped:
        raise AddressError("the address is empty")
    local, at, domain = stripped.rpartition("@")
    if not at:
        raise AddressError(f"{stripped!r} has no @")
    if not _LOCAL.fullmatch(local):
        raise AddressError(_fault_of_local(stripped, local))
    if len(local.encode()) > 64:
        raise AddressError(f"{stripped!r} has more than 64 octets before the @")
    address = Address(local, domain_of(domain))
    if len(str(address).encode()) > 254:
        raise AddressError(f"{stripped!r} is longer than 254 octets")
    return address


def is_one(text: str) -> bool:
    """Whether `text` is an address."""
    try:
        parse(text)
    except AddressError:
        return False
    return True


def plain_keys(texts: Sequence[str]) -> list[str] | None:
    """The keys of many stripped addresses at once, at a fifth of the price; None where one of them needs `parse`.

    That is so where one is wrong, has letters beyond ASCII, or stands in this list with a line break.
    """
    joined = "\n".join(texts)
    if not joined.isascii():
        return None
    keys = joined.lower().split("\n")
    return keys if len(keys) == len(texts) and all(map(_PLAIN.fullmatch, keys)) else None


def as_mailed(text: str, key: str) -> str:
    """The address as mailed, for a stripped `text` whose `plain_keys` is `key`: only the domain changes case."""
    return text[: key.index("@")] + key[key.index("@") :]


def parse_mailbox(text: str) -> Mailbox:
    """The name and address in `Name <local@domain>` or a bare address.

    Raises AddressError with the reason; a line break anywhere is refused (it would begin a new header).
    """
    if any(character in text for character in "\r\n\0"):
        raise AddressError(f"{text!r} holds a line break")
    name, email = parseaddr(text)
    if not email and "@" in text:
        name, _, email = text.rpartition("<")
        name, email = name.strip().strip('"'), email.rstrip("> ")
    if not email:
        raise AddressError(f"{text!r} is not an address; write Name <name@example.org>")
    return Mailbox(name.strip(), parse(email))


@lru_cache(maxsize=65536)
def domain_of(text: str) -> str:
    """A domain in lower-case A-labels; raises AddressError for one that mail cannot go to."""
    lowered = text.lower()
    if not lowered.isascii():
        try:
            lowered = idna.encode(lowered, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise AddressError(f"the domain {text!r} is not a valid international domain ({error})") from None
    labels = lowered.split(".")
    if len(labels) < 2:
        raise AddressError(f"the domain {text!r} has no dot" if text else "nothing stands behind the @")
    if len(lowered) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressError(f"the domain {text!r} is not a valid one")
    if labels[-1].isdigit():
        raise AddressError(f"the domain {text!r} ends in a number")
    return lowered


def _fault_of_local(whole: str, local: str) -> str:
    if not local:
        return f"{whole!r} has nothing before the @"
    if "@" in local:
        return f"{whole!r} has more than one @"
    if any(character.isspace() for character in local):
        return f"{whole!r} has a space before the @"
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return f"{whole!r} has a misplaced dot before the @"
    return f"{whole!r} has a character before the @ that no address has"
