"""Where do the demo's mails go? An SMTP server on this machine that takes everything and passes nothing on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from outreach.errors import OutreachError

#: So many mails are kept; the oldest make room.
KEPT = 1_000


@dataclass(frozen=True)
class Caught:
    """One mail as it arrived."""

    #: Counted from 1 in the order of arrival.
    number: int
    at: datetime
    #: The envelope, which is not the same as From and To.
    return_path: str
    recipient: str
    #: The message as it was sent, byte for byte.
    source: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The message as the standard library reads it."""
        message: EmailMessage = message_from_bytes(self.source, policy=policy.default)
        return message

    def header(self, name: str, otherwise: str = "") -> str:
        """A header's text; `otherwise` where the mail has none, or one that cannot be read."""
        try:
            return str(self.message[name] or "").strip() or otherwise
        except (ValueError, IndexError, AttributeError):  # the parser's own falls over headers that nobody should write
            return otherwise

    def body(self, kind: str) -> str:
        """The text of the `html` or `plain` part; "" where there is none."""
        part = self.message.get_body((kind,))
        if part is None:
            return ""
        data = part.get_payload(decode=True)
        text = data if isinstance(data, bytes) else b""
        try:
            return text.decode(part.get_content_charset("utf-8"), "replace").replace("\r\n", "\n")
        except LookupError:  # a character set that nobody has heard of
            return text.decode("utf-8", "replace").replace("\r\n", "\n")


class Catcher:
    """The server, in a thread of its own, and the mails that it has caught."""

    def __init__(self, host: str, port: int) -> None:
        self._kept: OrderedDict[int, Caught] = OrderedDict()
        self._count = 0
        self._lock = threading.Lock()
        self._controller = Controller(self, hostname=host, port=port, enable_SMTPUTF8=True, decode_data=False)
        self.host, self.port = host, port

    def start(self) -> None:
        """Begin to listen; raises OutreachError where that is not possible."""
        try:
            self._controller.start()
        except OSError as error:
            self._controller.loop.close()
            raise OutreachError(
                f"The demo's mail catcher cannot listen on {self.host}:{self.port}: {error.strerror}."
            ) from error

    def stop(self) -> None:
        """Stop listening; what was caught stays readable."""
        self._controller.stop(no_assert=True)

    def mails(self) -> list[Caught]:
        """What was caught, the newest first."""
        with self._lock:
            return list(reversed(self._kept.values()))

    def mail(self, number: int) -> Caught | None:
        """One mail, or None where there is no such (any more)."""
        with self._lock:
            return self._kept.get(number)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keep one message for each recipient (RFC 5321 4.1.1.4)."""
        source = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            self._keep(str(envelope.mail_from or ""), str(recipient), source)
        return "250 2.0.0 Caught"

    def _keep(self, return_path: str, recipient: str, source: bytes) -> None:
        with self._lock:
            self._count += 1
            self._kept[self._count] = Caught(self._count, datetime.now(UTC), return_path, recipient, source)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
