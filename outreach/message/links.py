"""Which links does a mail have, and under which number is each counted?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackedLink:
    """One destination; every place of the mail with the same role and URL shares its number."""

    #: Counted from 1; stands in the token.
    number: int
    #: ``quote``, ``accreditation``, ... or empty for a plain link of the text.
    role: str
    #: The words of the link as readers see them first.
    label: str
    #: The destination, exactly as it was written.
    url: str
