"""How is a message written on the wire: the commands of its envelope, its body, and what the relay could not take?"""

from __future__ import annotations

import re

from outreach.replies.smtp import Reply
from outreach.transport.base import Outgoing
from outreach.transport.handshake import Abilities

#: What would end the address, or the command, early.
_UNSAFE = re.compile(r"[\x00-\x20<>\x7f]")
_LEADING_DOT = re.compile(rb"\n\.")


def mail(outgoing: Outgoing, abilities: Abilities) -> str:
    """The MAIL command, with what the relay offers and the message needs (RFC 1870, 6152, 6531)."""
    parameters = "" if abilities.size is None else f" SIZE={len(outgoing.message)}"
    if abilities.eight_bit and not outgoing.message.isascii():
        parameters += " BODY=8BITMIME"
    if _needs_smtputf8(outgoing):
        parameters += " SMTPUTF8"
    return f"MAIL FROM:<{outgoing.return_path}>{parameters}\r\n"


def rcpt(outgoing: Outgoing) -> str:
    """The RCPT command."""
    return f"RCPT TO:<{outgoing.recipient}>\r\n"


def body(outgoing: Outgoing, following: bytes = b"") -> bytes:
    """The message as it travels after 354, its end included: dots doubled at line starts (RFC 5321 4.5.2).

    What follows on the wire is put behind it here: a message is long, and copied but once.
    """
    message = outgoing.message if outgoing.is_dotless else _stuffed(outgoing.message)
    return b"".join((message, b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n", following))


def _stuffed(message: bytes) -> bytes:
    if _LEADING_DOT.search(message) is not None:
        # After a bare LF too: some servers take it for a line end, and a dot alone would end the message for them.
        message = message.replace(b"\n.", b"\n..")
    if message.startswith(b"."):
        message = b"." + message
    return message


def refusal(outgoing: Outgoing, abilities: Abilities) -> Reply | None:
    """What we already know that the relay cannot take, as the reply that it would have given; None sends it."""
    if _UNSAFE.search(outgoing.recipient) or _UNSAFE.search(outgoing.return_path):
        return Reply(553, "5.1.3", "the address holds a character that no envelope can carry")
    if _needs_smtputf8(outgoing) and not abilities.smtputf8:
        return Reply(553, "5.6.7", "the address needs SMTPUTF8, which the relay does not offer")
    if abilities.size and len(outgoing.message) > abilities.size:
        return Reply(552, "5.3.4", f"{len(outgoing.message)} bytes are more than the {abilities.size} the relay takes")
    if not abilities.eight_bit and not outgoing.message.isascii():
        return Reply(554, "5.6.3", "the message holds 8-bit text, which the relay does not take")
    return None


def _needs_smtputf8(outgoing: Outgoing) -> bool:
    return outgoing.needs_smtputf8 or not (outgoing.recipient.isascii() and outgoing.return_path.isascii())
