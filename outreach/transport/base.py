"""How do messages leave? What every transport offers, and what it asks of the one who sends.

The sender hands out messages (`Source`), is told right before a body starts (`Begin`: there a journal writes, there a
lease is checked) and learns what became of each (`Report`). A transport never decides what a reply means and never
touches the database; it calls both from the event loop that it runs in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from outreach.replies.smtp import Reply, Stage


class Outgoing(NamedTuple):
    """One message in its envelope."""

    #: 0 for a test mail, of which no delivery is kept.
    delivery_id: int
    #: The envelope sender, without brackets; "" is the null sender.
    return_path: str
    #: The one recipient.
    recipient: str
    #: The message as RFC 5322 has it, lines ending in CRLF, not dot-stuffed.
    message: bytes
    #: Whether only a relay that speaks SMTPUTF8 (RFC 6531) can take it.
    needs_smtputf8: bool = False
    #: Whether it is known that no line begins with a dot, so that nobody has to look for one.
    is_dotless: bool = False
    #: What proves later that these bytes were sent (`message.proof`); b"" where nothing is to be proven.
    digest: bytes = b""


class Outcome(NamedTuple):
    """What became of one message that was handed out."""

    delivery_id: int
    #: The server's answer; None where the connection ended without one.
    reply: Reply | None
    #: The step that the reply answers. Without a reply: BODY says that the message may have arrived, the steps before
    #: it that it cannot have.
    stage: Stage
    #: What happened, where no reply says it.
    detail: str = ""
    #: The relay that it was handed to, HOST:PORT; "" where there is none.
    relay: str = ""


class Source(Protocol):
    """Where a transport gets messages from."""

    def take(self) -> Outgoing | None:
        """The next message that may leave now; None while there is none. Each is handed out once."""

    def give_back(self, outgoing: Outgoing) -> None:
        """Return a message of which nothing has left."""

    async def ready(self) -> bool:
        """Wait until `take` may have something; False when there will never be more."""


#: Called right before the first byte of a body leaves; False holds the message back (it is reported as not sent).
Begin = Callable[[Outgoing], bool]

#: Called once for every message that was taken and not given back.
Report = Callable[[Outcome], None]


class Transport(Protocol):
    """A way out for messages."""

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        """Send what the source hands out until it says that there will never be more, and what is on its way is done.

        While the relay cannot be reached nothing is taken, and it is tried again with growing pauses: for ever, or
        until `patience` attempts in a row have failed, which raises TransportError. When cancelled, every message
        taken is reported or given back before the cancellation goes on.
        """

    async def send_one(self, outgoing: Outgoing) -> Outcome:
        """Send a single message on a connection of its own; raises TransportError where the relay cannot be used."""

    async def probe(self) -> str:
        """Connect, greet, secure and log in, send nothing; one line that says what was found. Raises TransportError."""
