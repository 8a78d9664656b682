"""Are both parts there, small enough, and do they say the same?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from outreach.message.check.fault import Fault, error, warning
from outreach.message.check.mail import Mail, split, words

#: Gmail clips a mail at about 102 KB of HTML, and with it goes the unsubscribe link at the end.
LARGEST_HTML = 100_000
#: How many of the different words of the HTML the text part may lack, at least and as a share: decoration may speak.
LACKING_FEW, LACKING_SHARE = 2, 0.05
#: Shorter words say little.
ESSENTIAL = 4

_WORD = re.compile(r"[^\W_]+")


def presence(mail: Mail) -> Iterator[Fault]:
    """Whether both are there."""
    if not mail.text.strip():
        yield error("no-text", "The plain-text part is missing or empty.")
    if not words(mail.document):
        yield error("no-html", "The HTML part is missing or empty.")


def size(mail: Mail) -> Iterator[Fault]:
    """Whether the HTML arrives whole."""
    if mail.size > LARGEST_HTML:
        message = (
            f"The HTML is up to {mail.size:,} bytes; Gmail clips mail above {LARGEST_HTML:,}. Shorten the article."
        )
        yield error("too-large", message)


def sameness(mail: Mail) -> Iterator[Fault]:
    """Whether who reads the text part gets the same words and the same links."""
    if not mail.text.strip():
        return
    for link in mail.document.iter("a"):
        href = str(link.get("href") or "").strip()
        url = split(href)
        # That of unsubscribing is an error of its own.
        if url is None or url.scheme not in {"http", "https"} or href == mail.unsubscribe or mail.is_hidden(link):
            continue
        if href not in mail.text:
            yield warning(
                "text-lacks-link", f"The link {words(link)!r} ({href}) is in the HTML but not in the text part."
            )
    there = set(_WORD.findall(mail.text.casefold()))
    said = _WORD.findall(mail.read().casefold())
    wanted = dict.fromkeys(word for word in said if len(word) >= ESSENTIAL or not word.isascii())
    unbroken = "".join(mail.text.casefold().split())  # where words have no spaces between them, lines end anywhere
    lacking = [word for word in wanted if word not in there and (word.isascii() or word not in unbroken)]
    if len(lacking) > max(LACKING_FEW, LACKING_SHARE * len(wanted)):
        some = ", ".join(lacking[:6])
        yield warning(
            "text-lacks-words",
            f"The text part lacks {len(lacking)} of the {len(wanted)} words of the HTML ({some} ...): "
            "who reads it, and filters that compare the two, get another mail.",
        )
