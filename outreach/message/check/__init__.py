"""What is wrong with a mail before it leaves?  Pure: it looks at one rendered message and at the facts around it.

An *error* means that the mail would fail its reader or the law; a *warning* is something that a careful sender mends.
Each look is a function of its own, in the file of its topic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from outreach.message.check import clients, head, legible, links, markup, parts, speech
from outreach.message.check.fault import Fault, Severity
from outreach.message.check.head import LONGEST_SUBJECT
from outreach.message.check.mail import Mail
from outreach.message.check.parts import LARGEST_HTML
from outreach.message.check.wording import Wording

__all__ = ["LARGEST_HTML", "LONGEST_SUBJECT", "Fault", "Mail", "Severity", "Wording", "faults"]


def faults(
    *,
    subject: str,
    html: str,
    text: str,
    unsubscribe: str,
    public_url: str,
    postal_address: str = "",
    size: int | None = None,
    dead_roles: Iterable[str] = (),
    sender: str = "",
    reply_to: str = "",
    relays: Iterable[str] = (),
    wording: Wording | None = None,
) -> list[Fault]:
    """Everything that is wrong with a message, errors first.

    ``html`` and ``text`` are the parts as one reader gets them, ``unsubscribe`` is the URL that must stand in both;
    ``size`` is the largest number of bytes the HTML may reach once links and values are in (the length of ``html``
    when it is not given); ``dead_roles`` names the link roles that have no URL; ``relays`` are the hosts that it would
    be handed to.
    """
    mail = Mail(
        subject=subject,
        html=html,
        text=text,
        size=len(html.encode()) if size is None else size,
        dead_roles=tuple(dead_roles),
        unsubscribe=unsubscribe,
        postal_address=postal_address,
        public_url=public_url,
        sender=sender,
        reply_to=reply_to,
        relays=tuple(relays),
        wording=wording or Wording(),
    )
    found = dict.fromkeys(fault for look in LOOKS for fault in look(mail))
    return sorted(found, key=lambda fault: fault.severity is not Severity.ERROR)


def _wording(mail: Mail) -> Iterator[Fault]:
    """Subject, preheader, text and the alt texts of pictures, piece by piece: no phrase runs across two of them."""
    alts = [str(picture.get("alt")) for picture in mail.document.iter("img") if picture.get("alt")]
    return mail.wording.faults(" | ".join([mail.subject, *alts, mail.read(hidden=True)]), mail.language)


#: Every look that is taken at a mail, in the order of the report.
LOOKS: tuple[Callable[[Mail], Iterator[Fault]], ...] = (
    head.subject,
    head.sender,
    head.preheader,
    head.publisher,
    parts.presence,
    parts.size,
    parts.sameness,
    links.leaving,
    links.targets,
    links.labels,
    markup.head,
    markup.headings,
    markup.tables,
    markup.pictures,
    markup.resources,
    speech.language,
    legible.contrast,
    legible.size,
    legible.hidden,
    legible.buttons,
    clients.support,
    _wording,
)
