"""May a link lead there, and how is its address written into a Location header?"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

import idna

#: What a header cannot carry, or what a client would read differently there: controls, spaces, anything but ASCII.
_UNFIT = re.compile(r"[\x00-\x20\x7f]|[^\x00-\x7f]+")

#: What every reader of a URL drops from it first (WHATWG URL, 4.4).
_BREAKS = re.compile(r"[\t\r\n]")


def location(url: str) -> str | None:
    """The destination as a header carries it; None where no link may lead there.

    Only http and https with a host and without user name and password. The address arrives exactly as it was
    written, brackets, quotes, `%27` and fragment included; an international host becomes its A-labels (RFC 5891), and
    only what a header cannot carry is percent-encoded (RFC 3986, 2.1).
    """
    text = _BREAKS.sub("", url.strip())
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return None
    if not host.isascii():
        try:
            text = text.replace(parts.netloc, _a_labels(parts.netloc), 1)
        except idna.IDNAError:
            return None
    return _UNFIT.sub(lambda found: quote(found[0], safe=""), text)


def _a_labels(netloc: str) -> str:
    host, colon, port = netloc.partition(":")
    return idna.encode(host, uts46=True).decode("ascii") + colon + port
