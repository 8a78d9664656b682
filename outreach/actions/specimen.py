"""Whose mail is shown when nobody is written to?  A named subscriber's, or that of a person who does not exist."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from outreach.message.recipient import Recipient, Stamp
from outreach.store.subscribers import Subscriber
from outreach.tracking.token import Purpose, TokenMaker


class Columns(Mapping[str, str]):
    """A value for every column there may be: its own name, in brackets."""

    def __getitem__(self, name: str) -> str:
        return f"[{name.replace('_', ' ')}]"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class Mail:
    """A message as a mail reader takes it apart."""

    subject: str
    html: str
    text: str


def somebody() -> Recipient:
    """A person who does not exist, and lacks nothing."""
    return Recipient("alex.sample@example.com", "Alex Sample", "en", "UTC", Columns())


def recipient(subscriber: Subscriber) -> Recipient:
    """A subscriber as templates know them."""
    attributes = {name: str(value) for name, value in subscriber.attributes.items()}
    return Recipient(subscriber.email, subscriber.name, subscriber.language, subscriber.timezone, attributes)


def stamp(tokens: TokenMaker, public_url: str, domain: str) -> Stamp:
    """What a mail carries that belongs to no delivery: its links say so when they are followed."""
    return Stamp(
        message_id=f"{secrets.token_hex(16)}@{domain}",
        click=lambda number: f"{public_url}/l/{tokens.make(Purpose.CLICK, 0, number)}",
        unsubscribe=f"{public_url}/u/{tokens.make(Purpose.UNSUBSCRIBE, 0)}",
        preferences=f"{public_url}/p/{tokens.make(Purpose.PREFERENCES, 0)}",
        view=f"{public_url}/v/{tokens.make(Purpose.VIEW, 0)}",
    )


def opened(data: bytes) -> Mail:
    """The message as the standard library reads it."""
    message = message_from_bytes(data, policy=policy.default)
    return Mail(str(message["Subject"]), _part(message, "html"), _part(message, "plain"))


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    return "" if found is None else str(found.get_content()).replace("\r\n", "\n")
