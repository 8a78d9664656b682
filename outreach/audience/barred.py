"""What does an entry of the suppressions mean: one address, or a domain with everything below it?"""

from __future__ import annotations

from outreach import address
from outreach.audience import erasure
from outreach.errors import AddressError

#: How many levels of a domain are looked at: itself and four above it.
DEPTH = 5


def entry(text: str) -> str:
    """The key of an entry: an address as compared, `@` and a domain, or the hash of an erased person's address.

    Raises AddressError with the reason.
    """
    stripped = text.strip()
    if stripped.startswith("@"):
        return "@" + address.domain_of(stripped[1:])
    if stripped.startswith(erasure.PREFIX):
        if not erasure.is_pseudonym(stripped):
            raise AddressError(f"{stripped!r} is not the hash of an address")
        return stripped
    try:
        return address.parse(stripped).key
    except AddressError as error:
        if "@" in stripped or "." not in stripped:
            raise
        raise AddressError(f"{error}; a whole domain is written @{stripped}") from None


def domains(email_key: str) -> list[str]:
    """The domains that an address is at: its own and those above it; none where it has no domain."""
    _, at, domain = email_key.partition("@")
    labels = domain.split(".")
    return [".".join(labels[level:]) for level in range(min(DEPTH, len(labels)))] if at else []
