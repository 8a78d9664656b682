"""Which addresses are never mailed, and why?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from outreach.store.database import Choice, Moment


class SuppressionReason(StrEnum):
    """Why an address is never mailed."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    ERASED = "erased"


class Suppression(SQLModel, table=True):
    """An address that is never mailed; it outlives the subscriber."""

    __tablename__ = "suppression"

    #: `address.Address.key`, or its keyed hash where the person was erased.
    email_key: str = Field(primary_key=True, max_length=320)
    reason: SuppressionReason = Field(sa_type=Choice(SuppressionReason))
    note: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=Moment)
