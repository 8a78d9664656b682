"""What did each attempt come to that did not end well? One row for each; what was accepted stands with its delivery.

So a campaign that goes well writes nothing here, and one that does not can be told of message by message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from outreach.replies.smtp import Stage
from outreach.store.database import BigKey, Choice, Moment, table_of
from outreach.store.deliveries import DeliveryState


class Attempt(SQLModel, table=True):
    """One attempt that did not end as `sent`."""

    __tablename__ = "attempt"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    #: No foreign keys, for the reasons of `Delivery`.
    delivery_id: int = Field(sa_type=BigKey)
    campaign_id: int
    at: datetime = Field(sa_type=Moment)
    #: The step that was answered, or at which the connection ended; None where none was reached.
    stage: Stage | None = Field(default=None, sa_type=Choice(Stage))
    #: What was decided: the state that the delivery went to.
    state: DeliveryState = Field(sa_type=Choice(DeliveryState))
    reason: str | None = Field(default=None, max_length=200)
    #: The relay's words: basic code, enhanced code, text (or, without any, what happened).
    code: int | None = Field(default=None)
    enhanced: str | None = Field(default=None, max_length=16)
    reply: str | None = Field(default=None, sa_type=sa.Text)
    #: Which relay it was.
    relay: str | None = Field(default=None, max_length=255)

    __table_args__ = (sa.Index("ix_attempt_delivery", "delivery_id"),)


#: What is told of an attempt, in this order.
FACTS = ("at", "stage", "state", "reason", "code", "enhanced", "reply", "relay")

_attempt = table_of(Attempt)


def add_all(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write attempts down."""
    if rows:
        session.connection().execute(sa.insert(_attempt), list(rows))


def of_deliveries(session: Session, delivery_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The attempts at these deliveries, each with its delivery and campaign, in the order in which they were made."""
    columns = [_attempt.c.delivery_id, _attempt.c.campaign_id, *(_attempt.c[name] for name in FACTS)]
    statement = sa.select(*columns).where(_attempt.c.delivery_id.in_(delivery_ids)).order_by(_attempt.c.id)
    return [dict(row) for row in session.execute(statement).mappings()]


def forget_words(session: Session, delivery_ids: Sequence[int]) -> None:
    """Take away what may quote the person: the server's words and the reason; that there were attempts stays."""
    said = sa.update(_attempt).where(_attempt.c.delivery_id.in_(delivery_ids)).values(reply=None, reason=None)
    session.execute(said)
