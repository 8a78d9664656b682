"""What do the header fields of a message say, and how are they written so that every server reads the same?"""

from __future__ import annotations

from dataclasses import dataclass

from outreach.address import Mailbox


@dataclass(frozen=True)
class Identity:
    """Who sends, and about what: an option beats the article's front matter, which beats the setting."""

    sender: Mailbox
    reply_to: Mailbox | None
    #: Jinja source, like the article's.
    subject: str
    #: For the footer; may be empty.
    postal_address: str
    list_name: str
    list_title: str
    #: The start of every link of ours, without a slash at its end.
    public_url: str
