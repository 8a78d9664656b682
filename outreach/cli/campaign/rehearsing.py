"""`outreach campaign check --online`: what the world says of a campaign before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from outreach import materials
from outreach.actions import rehearse, review
from outreach.cli import asking, show
from outreach.diagnosis.finding import State
from outreach.errors import ArticleError, SettingsError, TemplateError
from outreach.house import House
from outreach.message.check import Fault, Severity
from outreach.tracking.token import TokenMaker


def asked(house: House, name: str, *, follow_links: bool) -> list[Fault]:
    """What the DNS, the links, the public URL and a spam filter say; what is well goes to stderr, as progress does.

    A mail that cannot be made yet is not asked about, which is said; what hinders it is told without the network.
    """
    settings = house.settings
    try:
        specimen = review.made(
            house.store,
            name,
            defaults=materials.defaults(settings),
            tokens=TokenMaker(house.keys),
            now=datetime.now(UTC),
            sign=materials.sign(settings),
        )
    except (ArticleError, TemplateError, SettingsError) as error:
        show.warning(f"Nothing was asked online, since the mail cannot be made yet: {error.message}")
        return []
    sender = asking.sender(settings, specimen.identity.sender, specimen.identity.reply_to)
    assert sender is not None
    found = rehearse.mail(specimen, sender, server=settings.resolver, follow_links=follow_links, told=show.note)
    for finding in found:
        if finding.state is State.OK:
            show.note(f"ok: {finding.message}")
    return rehearse.faults(found)


def added(offline: Sequence[Fault], online: Sequence[Fault]) -> list[Fault]:
    """Both together, errors first."""
    return sorted([*offline, *online], key=lambda fault: fault.severity is not Severity.ERROR)
