"""How is a document fetched that a provider names, a certificate or a confirmation? Shortly, and from where it says."""

from __future__ import annotations

from outreach.errors import InboxError

#: Seconds, and bytes of an answer.
SLOWEST, LONGEST = 10.0, 100_000


def document(url: str) -> bytes:
    """The body of a successful answer; redirects are not followed. Raises InboxError."""
    import httpx  # noqa: PLC0415 - it takes 0.1 s with what it brings, and hardly anything is ever fetched

    try:
        with httpx.stream("GET", url, timeout=SLOWEST, follow_redirects=False) as answer:
            if answer.status_code != 200:
                raise InboxError(f"The provider's address answers {answer.status_code}.")
            found = b""
            for part in answer.iter_bytes():
                found += part
                if len(found) > LONGEST:
                    raise InboxError("The provider's address answers with too much.")
            return found
    except httpx.HTTPError as error:
        raise InboxError(f"The provider's address cannot be reached: {type(error).__name__}.") from error
