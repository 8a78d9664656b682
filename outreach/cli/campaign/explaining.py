"""`outreach campaign explain`: the whole story of one person in one campaign, and what happens next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from outreach.audience.consent import SubscriptionState
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument
from outreach.store import attempts, campaigns, reports, story, subscribers
from outreach.store.campaigns import CampaignState
from outreach.store.deliveries import Delivery, DeliveryState
from outreach.store.events import EventKind
from outreach.store.story import Story

#: What is told of a delivery, in this order.
_FACTS = ("reason", "first_at", "due_at", "sent_at", "settled_at", "code", "enhanced", "reply", "relay")

#: What follows a state that nothing follows by itself; {name} is the campaign's.
_AFTER = {
    DeliveryState.SENT: "nothing: the relay took it",
    DeliveryState.FAILED: "nothing by itself; when the reason is gone, `outreach campaign retry {name} --failed`",
    DeliveryState.BOUNCED: "nothing: the address is dead, and is not mailed again by any campaign",
    DeliveryState.UNKNOWN: "nothing by itself; `outreach campaign resolve {name} --unknown sent` (it arrived) or "
    "`--unknown resend` (at the risk of a second copy)",
    DeliveryState.CANCELLED: "nothing: the campaign was cancelled before it left",
}
_LEFT_OUT = {
    "unconfirmed": "nothing in this campaign; when the person has confirmed, later ones reach them",
    "unsubscribed": "nothing: the person left the list, and only their own opt-in brings them back",
    "suppressed": "nothing: the address is never mailed",
    "erased": "nothing: the person was erased",
}
_EVENTS = {
    EventKind.RETRIED: "a person had it tried again",
    EventKind.RESOLVED: "a person decided about it",
    EventKind.UNSUBSCRIBED: "the person unsubscribed",
    EventKind.SUPPRESSED: "the address was suppressed",
    EventKind.COMPLAINT: "the person complained",
}


def explain(
    name: NameArgument,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address of the person.")],
    *,
    as_json: show.JsonOption = False,
) -> None:
    """Tell the whole story of one person: included or why not, each attempt with the server's words, what is next."""
    with opened.house() as house, house.store.reading() as session:
        found = story.of_person(session, campaigns.by_name(session, name), subscribers.require(session, email))
    document = _document(found)
    if as_json:
        show.document(document)
        return
    show.line(f"{document['email']}: {document['state'] or 'no delivery'}")
    for fact in ("reason", "due_at"):
        if document[fact] is not None:
            show.line(f"  {fact.replace('_', ' ')}: {document[fact]}")
    for at, told in sorted(_lines(document), key=lambda line: line[0]):
        show.line(f"  {at}  {told}")
    show.line(f"  next: {document['next']}")


def _document(found: Story) -> dict[str, Any]:
    delivery = found.delivery
    facts: dict[str, Any] = {"campaign": found.campaign.name, "email": found.email}
    facts["state"] = delivery.state.value if delivery else None
    facts |= {fact: _shown(getattr(delivery, fact, None)) for fact in _FACTS}
    if delivery is None:
        facts["reason"] = _absence(found)
    facts["tried"] = delivery.attempts if delivery else 0
    facts["attempts"] = [{fact: _shown(made[fact]) for fact in attempts.FACTS} for made in found.attempts]
    facts["reports"] = [{fact: _shown(came[fact]) for fact in reports.FACTS} for came in found.reports]
    facts["events"] = [{**event, "at": _shown(event["at"]), "kind": event["kind"].value} for event in found.events]
    facts["next"] = _next(found, delivery) if delivery else _what_a_launch_would_do(found)
    return facts


def _lines(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """When, and what happened: the attempts with the relay's words, what came back, and what people did."""
    for made in document["attempts"]:
        words = " ".join(str(made[part]) for part in ("code", "enhanced", "reply") if made[part] is not None)
        place = " at ".join(str(made[part]) for part in ("stage", "relay") if made[part])
        decided = f"{made['state']:<9} {made['reason'] or ''}".rstrip()
        yield made["at"], f"{decided}{f': {words!r}' if words else ''}{f' ({place})' if place else ''}"
    for came in document["reports"]:
        said = " ".join(part for part in (came["status"], came["reason"]) if part)
        words = f": {show.harmless(came['words'])!r}" if came["words"] else ""
        told = f" (from {came['reporter']})" if came["reporter"] else ""
        yield came["received_at"], f"came back {came['kind']} {said}".rstrip() + words + show.harmless(told)
    for event in document["events"]:
        detail = event["detail"]
        more = detail.get("to") or detail.get("reason") or detail.get("source")
        yield event["at"], _EVENTS.get(event["kind"], event["kind"]) + (f": {more}" if more else "")


def _absence(found: Story) -> str:
    """Why there is no delivery."""
    campaign, tie = found.campaign, found.tie
    if campaign.cron:
        runs = f"; the latest is {found.runs[0]}" if found.runs else ""
        return f"the campaign recurs, and each of its runs is a campaign of its own{runs}"
    if campaign.launched_at is None:
        return "the campaign was not launched yet"
    if tie is None:
        return f"not in the audience: never on the list {found.list_name!r}"
    if tie["created_at"] > campaign.launched_at:
        joined, launched = _shown(tie["created_at"]), _shown(campaign.launched_at)
        return f"not in the audience: joined the list at {joined}, and the audience was frozen at {launched}"
    return "not in the audience"


def _what_a_launch_would_do(found: Story) -> str:
    """What comes for a person who has no delivery."""
    if found.campaign.cron:
        return "explain one of the runs" if found.runs else "explain a run when there is one"
    if found.campaign.launched_at is not None or found.campaign.state is CampaignState.CANCELLED:
        return "nothing in this campaign"
    if found.tie is None:
        return f"nothing: they are not on the list {found.list_name!r}"
    if found.suppression is not None:
        return f"the launch would leave them out: suppressed ({found.suppression.reason.value})"
    if found.tie["state"] is not SubscriptionState.CONFIRMED:
        return f"the launch would leave them out: {found.tie['state'].value}"
    return "the launch would include them"


def _next(found: Story, delivery: Delivery) -> str:
    name, state = found.campaign.name, delivery.state
    if state is DeliveryState.EXCLUDED:
        told = _LEFT_OUT.get(delivery.reason or "", "nothing")
        barred = found.suppression
        return f"{told} ({barred.reason.value}, since {_shown(barred.at)})" if barred else told
    if state is DeliveryState.BOUNCED and found.suppression is None:
        return "nothing in this campaign: it bounced, but the person has confirmed since, and later ones reach them"
    if state in _AFTER:
        return _AFTER[state].format(name=name)
    if state is DeliveryState.CLAIMED:
        return f"a sender has it in hand; without a sign of life until {_shown(delivery.lease_until)} it is unknown"
    due = f"it is tried again at {_shown(delivery.due_at)}" if delivery.due_at else "a sender takes it in its turn"
    if found.campaign.state is CampaignState.PAUSED:
        return f"it waits: the campaign is paused; after `outreach campaign resume {name}` {due}"
    return due


def _shown(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
