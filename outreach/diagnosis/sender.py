"""What is to be asked of the DNS about a sender? All that a strict receiver looks at, as one list of inquiries."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from outreach.diagnosis import dkim, dmarc, names, spf
from outreach.diagnosis.dkim import Expected
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.question import Inquiry


@dataclass(frozen=True)
class Sender:
    """Who sends, as receivers see it; all names are domains in A-labels."""

    #: That of From.
    domain: str
    #: That of the envelope's sender.
    return_path: str
    #: That of Reply-To; "" where there is none.
    reply_to: str = ""
    #: The one that we sign for; None where we do not.
    signer: str | None = None
    keys: tuple[Expected, ...] = ()
    #: The addresses that mail leaves from, where they are known.
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    #: What we greet relays with; "" where that is no name.
    hello: str = ""
    #: The host of the public URL; "" where only this machine can follow it.
    public_host: str = ""


def inquiries(sender: Sender) -> list[tuple[str, Inquiry[list[Finding]]]]:
    """Each with the part that it is about; they may be made in any order, or side by side."""
    asked: list[tuple[str, Inquiry[list[Finding]]]] = [
        (spf.PART, spf.of_return_path(sender.return_path, sender.addresses, hello=sender.hello)),
        *[(dkim.PART, dkim.of_key(key)) for key in sender.keys],
        (dmarc.PART, dmarc.of_sender(sender.domain, return_path=sender.return_path, signer=sender.signer)),
        *[(names.MX, names.takes_mail(domain, what)) for domain, what in _inboxes(sender).items()],
        *[(names.NAMES, names.confirmed(ip)) for ip in sender.addresses],
    ]
    if sender.domain != sender.return_path:
        asked.insert(1, (spf.PART, spf.of_sender(sender.domain)))
    if sender.public_host:
        asked.append((names.NAMES, names.serves(sender.public_host)))
    if sender.hello and sender.hello != sender.public_host:
        asked.append((names.NAMES, names.greets(sender.hello)))
    return asked


def _inboxes(sender: Sender) -> dict[str, str]:
    """Domain -> what comes there, each domain once."""
    coming = {sender.reply_to or sender.domain: "an answer"}
    coming.setdefault(sender.domain, "mail to the sender")
    if sender.return_path in coming:
        coming[sender.return_path] += " or a failure report"
    else:
        coming[sender.return_path] = "a failure report"
    return coming
