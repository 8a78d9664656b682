"""What stays of an address that was erased? A keyed hash: enough to keep an import from bringing the person back.

Without the key it cannot be told from the hash whose address it was, not even by trying out addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import re

#: No address begins so: it has no @.
PREFIX = "erased:"

_PSEUDONYM = re.compile(f"{PREFIX}[0-9a-f]{{64}}")


def pseudonym(key: bytes, email_key: str) -> str:
    """The keyed hash of an address (`address.Address.key`), as it stands in the suppressions; 71 characters."""
    return PREFIX + hmac.digest(key, email_key.encode(), hashlib.sha256).hex()


def is_pseudonym(text: str) -> bool:
    """Whether a text is written as such a hash."""
    return _PSEUDONYM.fullmatch(text) is not None
