"""How does mail come in that waits on an IMAP server (RFC 3501)? Fetched, handled, and only then moved or deleted.

Whatever is in the folder is work to do; nothing is remembered between two looks but that. A connection lasts for one
look: what was handled and could not be moved comes again, and is known then.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from outreach.errors import InboxError
from outreach.inbox.mailbox import LARGEST, GoOn, Take
from outreach.inbox.place import Place, Tls

#: Seconds that an answer is waited for.
PATIENCE = 30.0


class Imap:
    """One folder of our own on a server."""

    name = "imap"

    def __init__(self, place: Place, *, context: ssl.SSLContext | None = None) -> None:
        self._place = place
        self._context = context

    def empty(self, take: Take, go_on: GoOn) -> int:
        """Hand over what is in the folder, then move or delete it; how many. Raises InboxError, without a password."""
        n = 0
        with self._opened() as client:
            can = _capabilities(client)
            if self._place.handled is not None:
                # It may be there; where it cannot be made, moving into it will say so.
                client.create(_quoted(self._place.handled))
            for uid in _waiting(client):
                if not go_on():
                    break
                data = _fetched(client, uid)
                if data is not None and take(data):
                    self._put_away(client, uid, can)
                    n += 1
        return n

    def waiting(self) -> int:
        """How many messages are in the folder; touches none. Raises InboxError."""
        with self._opened() as client:
            return len(_waiting(client))

    @contextmanager
    def _opened(self) -> Iterator[imaplib.IMAP4]:
        """A connection with the folder selected; whatever the server or the network does wrong is an InboxError."""
        place = self._place
        client: imaplib.IMAP4 | None = None
        try:
            client = self._connected()
            client.login(place.user, place.password)
            _done(client.select(_quoted(place.folder)), "the folder cannot be opened")
            yield client
        except (imaplib.IMAP4.error, OSError) as error:
            hint = "Look at OUTREACH_IMAP_URL, and whether the server can be reached from here."
            raise InboxError(f"The mailbox {place} cannot be used: {self._words(error)}.", hint=hint) from error
        finally:
            if client is not None:
                with suppress(imaplib.IMAP4.error, OSError):
                    client.logout()

    def _connected(self) -> imaplib.IMAP4:
        place, context = self._place, self._context or ssl.create_default_context()
        if place.tls is Tls.IMPLICIT:
            return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=context, timeout=PATIENCE)
        client = imaplib.IMAP4(place.host, place.port, timeout=PATIENCE)
        if place.tls is Tls.REQUIRED:
            try:
                client.starttls(context)
            except BaseException:
                with suppress(OSError):  # it is closed where TLS itself failed
                    client.shutdown()
                raise
        return client

    def _put_away(self, client: imaplib.IMAP4, uid: str, can: frozenset[str]) -> None:
        place = self._place
        if place.handled is not None:
            client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
            folder = _quoted(place.handled)
            if "MOVE" in can:  # RFC 6851
                _done(client.uid("MOVE", uid, folder), f"nothing can be moved to {place.handled}")
                return
            _done(client.uid("COPY", uid, folder), f"nothing can be moved to {place.handled}")
        _done(client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"), "nothing can be deleted")
        if "UIDPLUS" in can:  # RFC 4315: this one, and not what a person has marked
            client.uid("EXPUNGE", uid)
        else:
            client.expunge()

    def _words(self, error: Exception) -> str:
        """What went wrong, without what was said to log in."""
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        for secret in (self._place.password, self._place.user):
            words = words.replace(secret, "***") if len(secret) > 3 else words
        return " ".join(words.split()).removeprefix("b'").rstrip("'.")[:300] or type(error).__name__


def _capabilities(client: imaplib.IMAP4) -> frozenset[str]:
    """What the server can do now that it knows us."""
    _, told = client.capability()
    return frozenset(b" ".join(each for each in told if each).decode("ascii", "replace").upper().split())


def _waiting(client: imaplib.IMAP4) -> list[str]:
    """The UIDs of what is in the folder, the oldest first."""
    found = _done(client.uid("SEARCH", "UNDELETED"), "the folder cannot be searched")
    return b" ".join(each for each in found if isinstance(each, bytes)).decode("ascii").split()


def _fetched(client: imaplib.IMAP4, uid: str) -> bytes | None:
    """The beginning of a message, which stays unseen; None where it has gone meanwhile."""
    parts = _done(client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"), "a message cannot be fetched")
    return next((bytes(each[1]) for each in parts if isinstance(each, tuple)), None)


def _done(answer: tuple[str, Sequence[object]], otherwise: str) -> Sequence[object]:
    status, parts = answer
    if status != "OK":
        words = b" ".join(each for each in parts if isinstance(each, bytes)).decode("utf-8", "replace")
        raise imaplib.IMAP4.error(f"{otherwise}: {words}")
    return parts


def _quoted(folder: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", folder) + '"'
