"""May a campaign go out? The one look before every launch: at `schedule`, at `send`, and when the clock launches.

A fault refuses. Warnings are kept with the campaign; in a strict house a person accepts them first, and exactly those:
one that turns up later holds the campaign back. Where nothing may leave unapproved, the approval must be of this
content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from outreach.actions import approve, review
from outreach.actions.compose import Defaults
from outreach.errors import StateError
from outreach.message.check import Fault, Severity
from outreach.store.campaigns import Campaign
from outreach.store.database import Store


@dataclass(frozen=True)
class Vetted:
    """What was found in a campaign that may go out."""

    warnings: tuple[Fault, ...] = ()
    #: The warnings that a person accepts, or accepted earlier.
    accepted: tuple[dict[str, str], ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """What is kept with the campaign."""
        return {"warnings": [fault.as_dict() for fault in self.warnings], "accepted": list(self.accepted) or None}


def campaign(store: Store, seen: Campaign, *, defaults: Defaults, now: datetime, accept: bool = False) -> Vetted:
    """Look at a campaign; raises StateError, with all that is to be mended, where it may not go out.

    `accept` says that a person has read the warnings that there are and sends all the same.
    """
    faults = review.check(store, seen.name, defaults=defaults, now=now)
    _require_none(seen, [fault for fault in faults if fault.severity is Severity.ERROR])
    found = Vetted(tuple(faults), tuple([fault.as_dict() for fault in faults] if accept else seen.accepted or ()))
    if defaults.rules.strict:
        _require_accepted(seen, unaccepted(faults, found.accepted))
    if defaults.rules.approval:
        _require_approved(seen, approve.standing(store, seen, defaults=defaults, now=now))
    return found


def unaccepted(faults: Sequence[Fault], accepted: Sequence[dict[str, str]] | None) -> list[Fault]:
    """The warnings that nobody has accepted yet."""
    known = accepted or ()
    return [fault for fault in faults if fault.severity is Severity.WARNING and fault.as_dict() not in known]


def _require_none(seen: Campaign, errors: Sequence[Fault]) -> None:
    if errors:
        raise StateError(
            f"{_sentence(errors)}, so {seen.name!r} is not sent.",
            hint=f"`outreach campaign check {seen.name}` shows everything that is wrong.",
        )


def _require_accepted(seen: Campaign, new: Sequence[Fault]) -> None:
    if new:
        raise StateError(
            f"{_sentence(new)}, and nobody has accepted that of {seen.name!r} (OUTREACH_STRICT).",
            hint="Mend it; or schedule or send it with --accept, which accepts the warnings that there are now.",
        )


def _require_approved(seen: Campaign, approval: approve.Approval | None) -> None:
    if approval is None:
        raise StateError(
            f"Nobody has approved {seen.name!r}, and nothing is sent without (OUTREACH_APPROVAL).",
            hint=f"`outreach campaign approve {seen.name} --by 'NAME'` does, once it was read.",
        )
    if not approval.valid:
        raise StateError(
            f"{seen.name!r} was changed since {approval.by} approved it, and "
            "nothing is sent without (OUTREACH_APPROVAL).",
            hint=f"`outreach campaign approve {seen.name} --by 'NAME'` approves it as it is now.",
        )


def _sentence(faults: Sequence[Fault]) -> str:
    """All of them in one line; a single one reads as it stands."""
    told = "; ".join(fault.message.rstrip(".") for fault in faults)
    return told if len(faults) == 1 else f"{len(faults)} things are wrong: {told}"
