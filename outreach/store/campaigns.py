"""Which campaigns are there, what do they say, and where do they stand?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.errors import NameTaken, NotFound
from outreach.store import events
from outreach.store.database import Choice, Moment, insert, table_of


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class CampaignKind(StrEnum):
    """What a campaign is for."""

    NEWSLETTER = "newsletter"
    #: Mail that a person asked for by an act of their own, such as a confirmation: goes first, and to them alone.
    NOTICE = "notice"


#: from -> the states that may follow; moves are made by compare-and-swap.
MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.CANCELLED}),
    CampaignState.SCHEDULED: frozenset(
        {
            CampaignState.SCHEDULED,
            CampaignState.SENDING,
            CampaignState.PAUSED,
            CampaignState.DRAFT,
            CampaignState.CANCELLED,
        }
    ),
    CampaignState.SENDING: frozenset({CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED}),
    CampaignState.PAUSED: frozenset(
        {CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.FINISHED, CampaignState.CANCELLED}
    ),
    CampaignState.FINISHED: frozenset({CampaignState.SENDING}),
    CampaignState.CANCELLED: frozenset(),
}


class Campaign(SQLModel, table=True):
    """Article + layout + list + schedule. Everything a sender on another host needs is in the database."""

    __tablename__ = "campaign"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=100, unique=True)
    list_id: int = Field(foreign_key="mailing_list.id")
    kind: CampaignKind = Field(default=CampaignKind.NEWSLETTER, sa_type=Choice(CampaignKind))
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=Choice(CampaignState))
    #: Why it is paused, held or stopped; None otherwise.
    reason: str | None = Field(default=None, sa_type=sa.Text)
    #: The article file and the layout files as they were at create or update, whole (name -> text).
    article_name: str = Field(max_length=255)
    article: str = Field(sa_type=sa.Text)
    layout_name: str = Field(max_length=255)
    layout: dict[str, str] = Field(sa_type=sa.JSON)
    #: What the options said; None leaves it to the article's front matter, then to the settings.
    subject: str | None = Field(default=None, max_length=500)
    sender: str | None = Field(default=None, max_length=500)
    reply_to: str | None = Field(default=None, max_length=500)
    #: Whether it stands in the archive for everybody, once it was launched and if its list is public.
    public: bool = Field(default=False)
    #: The domain that its mail is from, known at launch: a warm-up counts by it.
    from_domain: str | None = Field(default=None, max_length=255)
    #: The schedule as a person wrote it ...
    wall_time: str | None = Field(default=None, max_length=32)
    timezone: str | None = Field(default=None, max_length=64)
    cron: str | None = Field(default=None, max_length=120)
    #: ... and as it falls due; after `not_after` it asks instead of firing.
    due_at: datetime | None = Field(default=None, sa_type=Moment)
    not_after: datetime | None = Field(default=None, sa_type=Moment)
    #: A run of a recurring campaign names the campaign that it is a run of.
    parent_id: int | None = Field(default=None, foreign_key="campaign.id")
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    launched_at: datetime | None = Field(default=None, sa_type=Moment)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)
    #: When what was kept of persons besides the sums was forgotten (`store.retention`).
    forgotten_at: datetime | None = Field(default=None, sa_type=Moment)
    #: What had come back when a person last said "go on" (`Toll` by name): only what comes later can stop it.
    counted_from: dict[str, int] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    #: What a careful sender would have mended, as it was when it was scheduled or launched last (`Fault.as_dict`).
    warnings: list[dict[str, str]] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    #: The warnings that a person accepted; a strict house launches with no others.
    accepted: list[dict[str, str]] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    #: The content that was approved (`message.content.digest`), by whom, and when; it holds for that content alone.
    approved_content: str | None = Field(default=None, max_length=64)
    approved_by: str | None = Field(default=None, max_length=200)
    approved_at: datetime | None = Field(default=None, sa_type=Moment)

    __table_args__ = (
        sa.Index("ix_campaign_due", "state", "due_at"),
        sa.Index("ix_campaign_parent", "parent_id"),
        # The few that everybody may read, with all that their list shows: a campaign's row is long.
        sa.Index(
            "ix_campaign_public",
            "id",
            "list_id",
            "launched_at",
            "state",
            sqlite_where=sa.text("public = 1"),
            postgresql_where=sa.text("public"),
        ),
    )


class CompiledCampaign(SQLModel, table=True):
    """The compiled campaign, stored at launch: all that senders read (`message.compile.Compiled` as bytes)."""

    __tablename__ = "compiled_campaign"

    campaign_id: int = Field(primary_key=True, foreign_key="campaign.id")
    data: bytes = Field(sa_type=sa.LargeBinary)


def by_name(session: Session, name: str) -> Campaign:
    """The campaign of that name; raises NotFound, which suggests the nearest."""
    found = find(session, name)
    if found is None:
        known = names(session)
        raise NotFound("campaign", name, known, hint=None if known else "There is no campaign yet; make one first.")
    return found


def by_id(session: Session, campaign_id: int) -> Campaign:
    """The campaign with that number; raises NotFound."""
    found = session.get(Campaign, campaign_id)
    if found is None:
        raise NotFound("campaign", str(campaign_id))
    return found


def find(session: Session, name: str) -> Campaign | None:
    """The campaign of that name, or None."""
    found: Campaign | None = session.execute(sa.select(Campaign).where(_campaign.c.name == name)).scalar_one_or_none()
    return found


def locked(session: Session, campaign_id: int) -> Campaign:
    """The campaign as it is now, held against other writers until the transaction ends; raises NotFound."""
    found = session.get(Campaign, campaign_id, with_for_update=_HOLD, populate_existing=True)
    if found is None:
        raise NotFound("campaign", str(campaign_id))
    return found


def names(session: Session) -> list[str]:
    """Every campaign's name, but those of notices, which make themselves."""
    mine = sa.select(_campaign.c.name).where(_campaign.c.kind == CampaignKind.NEWSLETTER)
    return list(session.execute(mine.order_by(_campaign.c.name)).scalars())


def all(session: Session) -> list[Campaign]:
    """Every campaign but notices, the newest first."""
    mine = sa.select(Campaign).where(_campaign.c.kind == CampaignKind.NEWSLETTER)
    return list(session.execute(mine.order_by(_campaign.c.id.desc())).scalars())


def add(session: Session, campaign: Campaign) -> Campaign:
    """Write a new campaign, with its first event; returns it with its number. Raises NameTaken."""
    values = campaign.model_dump(exclude={"id"})
    statement = insert(session, _campaign).values(**values).on_conflict_do_nothing(index_elements=["name"])
    number = session.execute(statement.returning(_campaign.c.id)).scalar_one_or_none()
    if number is None:
        raise NameTaken("campaign", campaign.name)
    _tell(session, number, campaign.created_at, {"to": campaign.state.value})
    return by_id(session, number)


def move(
    session: Session,
    campaign_id: int,
    from_states: CampaignState | Iterable[CampaignState],
    to: CampaignState,
    *,
    now: datetime,
    reason: str | None = None,
    **changes: Any,
) -> bool:
    """Compare-and-swap: bring the campaign to a state if it is still in one of `from_states`; whether it was.

    `reason` replaces the reason that stood there; `changes` are further columns. A move that happened leaves an
    event. A move that `MOVES` does not have is a mistake of the caller: ValueError.
    """
    froms = {from_states} if isinstance(from_states, CampaignState) else set(from_states)
    impossible = [state for state in froms if to not in MOVES[state]]
    if impossible:
        raise ValueError(f"a campaign does not go from {impossible[0]} to {to}")
    before = session.execute(
        sa.select(_campaign.c.state).where(_campaign.c.id == campaign_id).with_for_update(**_HOLD)
    ).scalar_one_or_none()
    statement = sa.update(_campaign).where(_campaign.c.id == campaign_id, _campaign.c.state.in_(froms))
    values = {**changes, "state": to, "reason": reason, "updated_at": now}
    moved = _changed(session, statement.values(**values))
    if moved:
        _tell(session, campaign_id, now, _detail(before, to, reason))
    return moved


def change(session: Session, campaign_id: int, *, now: datetime, **changes: Any) -> None:
    """Change columns other than the state."""
    session.execute(sa.update(_campaign).where(_campaign.c.id == campaign_id).values(**changes, updated_at=now))
    _forget(session, campaign_id)


def note(session: Session, campaign_id: int, **columns: Any) -> None:
    """Write down what is no change of what is sent: whether everybody may read it, who approved it."""
    session.execute(sa.update(_campaign).where(_campaign.c.id == campaign_id).values(**columns))
    _forget(session, campaign_id)


def remove(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Delete a campaign that was never launched; one event without a campaign says that it was there."""
    event = table_of(events.Event)
    session.execute(sa.delete(event).where(event.c.campaign_id == campaign.id))
    session.execute(sa.delete(_campaign).where(_campaign.c.id == campaign.id))
    _tell(session, None, now, {"from": campaign.state.value, "to": "deleted", "name": campaign.name})


def due(session: Session, now: datetime) -> list[Campaign]:
    """The scheduled campaigns, recurring ones too, whose time has come; the longest due first."""
    statement = sa.select(Campaign).where(_campaign.c.state == CampaignState.SCHEDULED, _campaign.c.due_at <= now)
    return list(session.execute(statement.order_by(_campaign.c.due_at, _campaign.c.id)).scalars())


def sending(session: Session) -> list[Campaign]:
    """The campaigns that senders work on, the oldest launch first."""
    statement = sa.select(Campaign).where(_campaign.c.state == CampaignState.SENDING)
    return list(session.execute(statement.order_by(_campaign.c.launched_at, _campaign.c.id)).scalars())


def runs(session: Session, parent_id: int) -> list[Campaign]:
    """The runs of a recurring campaign, the newest first."""
    statement = sa.select(Campaign).where(_campaign.c.parent_id == parent_id)
    return list(session.execute(statement.order_by(_campaign.c.id.desc())).scalars())


def advance(
    session: Session,
    campaign_id: int,
    *,
    seen: datetime,
    next_due: datetime,
    now: datetime,
    reason: str | None = None,
    missed: Mapping[str, Any] | None = None,
) -> bool:
    """Compare-and-swap of a recurring campaign's due time; False where another clock was here first.

    Who gets True makes the run that was due, in the same transaction. Runs that were missed are told as the reason and
    in an event.
    """
    statement = sa.update(_campaign).where(
        _campaign.c.id == campaign_id, _campaign.c.state == CampaignState.SCHEDULED, _campaign.c.due_at == seen
    )
    won = _changed(session, statement.values(due_at=next_due, reason=reason, updated_at=now))
    if won and missed:
        _tell(session, campaign_id, now, {"to": CampaignState.SCHEDULED.value, "missed": dict(missed)})
    return won


def store_compiled(session: Session, campaign_id: int, data: bytes) -> None:
    """Keep the compiled campaign, replacing an earlier one."""
    table = table_of(CompiledCampaign)
    statement = insert(session, table).values(campaign_id=campaign_id, data=data)
    session.execute(statement.on_conflict_do_update(index_elements=["campaign_id"], set_={"data": data}))


def compiled(session: Session, campaign_id: int) -> bytes:
    """The compiled campaign; raises NotFound where it was never launched."""
    table = table_of(CompiledCampaign)
    data = session.execute(sa.select(table.c.data).where(table.c.campaign_id == campaign_id)).scalar_one_or_none()
    if data is None:
        raise NotFound("compiled campaign", str(campaign_id))
    return bytes(data)


_campaign = table_of(Campaign)
#: Held against other writers, not against rows of others (events) that only name it: PostgreSQL's NO KEY UPDATE.
_HOLD: dict[str, Any] = {"key_share": True}


def _changed(session: Session, statement: sa.Update) -> bool:
    """Whether the update met its row; what the session remembers of campaigns is read anew."""
    met = session.execute(statement.returning(_campaign.c.id)).scalar_one_or_none()
    if met is not None:
        _forget(session, met)
    return met is not None


def _forget(session: Session, campaign_id: int) -> None:
    known = session.identity_map.get(session.identity_key(Campaign, campaign_id))
    if known is not None:
        session.expire(known)


def _detail(before: CampaignState | None, to: CampaignState, reason: str | None) -> dict[str, Any]:
    detail: dict[str, Any] = {"from": before.value if before else None, "to": to.value}
    return {**detail, "reason": reason} if reason else detail


def _tell(session: Session, campaign_id: int | None, now: datetime, detail: dict[str, Any]) -> None:
    events.append(session, events.EventKind.CAMPAIGN_STATE, now, campaign_id=campaign_id, detail=detail)
