"""Ask the world about a mail before anybody gets it: the DNS, its links, one-click unsubscribe, a spam filter.

Nothing is written and nobody is mailed. What is asked runs side by side, each within its own time, so that all of it
takes about as long as the slowest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from outreach.actions.review import STAND_IN_URL, Specimen
from outreach.diagnosis import links as link_answers
from outreach.diagnosis.finding import Finding, State
from outreach.diagnosis.sender import Sender, inquiries
from outreach.message.check import Fault, Severity
from outreach.probes import dns, links, oneclick, spam, web
from outreach.probes.dns import Resolver
from outreach.probes.web import Client

Told = Callable[[str], object]


def mail(
    specimen: Specimen,
    sender: Sender,
    *,
    server: tuple[str, int] | None = None,
    follow_links: bool = True,
    told: Told = lambda words: None,
) -> list[Finding]:
    """Everything that the world says of a specimen and its sender; `told` hears what is done when it is done.

    `server` is the DNS server to ask instead of the system's.
    """

    async def all_of_it() -> list[Finding]:
        async with web.client() as asked:
            click = asyncio.create_task(oneclick.findings(asked, specimen.unsubscribe))
            looks = [
                _told("The DNS was asked.", told, dns.findings(Resolver(server), inquiries(sender))),
                _told("One-click unsubscribe was tried.", told, click),
                _told("A spam filter was asked.", told, spam.findings(specimen.message)),
            ]
            if follow_links:
                looks.append(_told("The links were followed.", told, _links(asked, specimen, click)))
            return [each for found in await asyncio.gather(*looks) for each in found]

    return asyncio.run(all_of_it())


def installation(
    sender: Sender | None, unsubscribe: str | None, *, server: tuple[str, int] | None = None
) -> list[Finding]:
    """What the DNS says of a sender, and whether an unsubscribe link of a test mail works; each where it is given."""

    async def both() -> list[Finding]:
        async with web.client() as asked:
            looks: list[Awaitable[list[Finding]]] = []
            if sender is not None:
                looks.append(dns.findings(Resolver(server), inquiries(sender)))
            if unsubscribe is not None:
                looks.append(oneclick.findings(asked, unsubscribe))
            return [each for found in await asyncio.gather(*looks) for each in found]

    return asyncio.run(both())


def faults(findings: Iterable[Finding]) -> list[Fault]:
    """What is wrong, as `review.check` tells it; errors first."""
    severities = {State.FAULT: Severity.ERROR, State.WARNING: Severity.WARNING}
    found = [
        Fault(severities[each.state], each.code, " ".join(filter(None, (each.message, each.remedy))))
        for each in findings
        if each.state in severities
    ]
    return sorted(found, key=lambda fault: fault.severity is not Severity.ERROR)


async def _links(asked: Client, specimen: Specimen, click: Awaitable[list[Finding]]) -> list[Finding]:
    """Its links but for the one to unsubscribe, which is tried apart; where nobody answers that, our pages are told."""
    apart = [specimen.unsubscribe, *([STAND_IN_URL] if specimen.stands_in else [])]
    followed = await links.follow(asked, link_answers.targets(specimen.html, apart_from=apart))
    if any(each.code in {"one-click-away", "one-click-unanswered"} for each in await click):
        ours = f"{specimen.identity.public_url}/"
        followed = [each for each in followed if not each.target.url.startswith(ours)]
    return [*link_answers.malformed(specimen.html), *link_answers.judge(followed)]


async def _told(words: str, told: Told, look: Awaitable[list[Finding]]) -> list[Finding]:
    found = await look
    told(words)
    return found
