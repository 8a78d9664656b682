"""What does a message say that came back? The readers are asked in order; the first that understands it is believed.

What has a standard form comes first. A machine that answers for a person is told apart before anybody looks for codes
in prose, as it may quote anything; the mark of RFC 3834 counts last, as mail servers put it into their reports too.
"""

from __future__ import annotations

from outreach.replies import autoreply, complaint, crowd, dsn, mime
from outreach.replies.kind import Kind, Report
from outreach.replies.mime import Part

__all__ = ["Kind", "Report", "read"]

_READERS = (
    complaint.read,  # RFC 5965
    dsn.read,  # RFC 3464, RFC 6533
    autoreply.receipt,  # RFC 8098
    autoreply.of_person,  # out of office, challenges
    crowd.read,  # mail servers in words of their own
    autoreply.marked,  # RFC 3834
)


def read(message: bytes) -> Report:
    """What a message says that came back; never raises, whatever the bytes are: then nobody knows what it says."""
    try:
        return _first(mime.opened(message)) or Report(Kind.UNCLEAR, None)
    except Exception:  # the readers are others' knowledge of strangers' mail; what breaks them is for a person to see
        return Report(Kind.UNCLEAR, "no reader could read it")


def _first(mail: Part) -> Report | None:
    return next((report for reader in _READERS if (report := reader(mail))), None)
