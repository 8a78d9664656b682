"""How does a compiled campaign become one recipient's message, in microseconds?"""

from __future__ import annotations

from outreach.message.compiled import Compiled
from outreach.message.recipient import Recipient, Stamp


def message(compiled: Compiled, recipient: Recipient, stamp: Stamp) -> bytes:
    """The whole message (RFC 5322, CRLF); not dot-stuffed, though no line of its bodies begins with a dot."""
    raise NotImplementedError
