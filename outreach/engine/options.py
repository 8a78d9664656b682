"""How is a sender to work? What the settings say about it, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from outreach.engine.gauges import Watch
from outreach.engine.letters import Sign
from outreach.engine.watermark import Watermark
from outreach.replies.toll import StopRule
from outreach.timing.limits import Limits
from outreach.timing.retry import RetryPlan
from outreach.timing.ways import Ways


@dataclass(frozen=True)
class SenderOptions:
    """How a sender works."""

    #: The start of every link in mail.
    public_url: str
    #: The address that failure reports come back to; None sends with the From address.
    return_path: str | None = None
    #: What limits what leaves, for all senders together.
    limits: Limits = field(default_factory=Limits)
    #: The relays, where there are several or one has a limit: the transport knows them too.
    ways: Ways | None = None
    plan: RetryPlan = field(default_factory=RetryPlan)
    #: How long a claim is ours without a sign of life.
    lease: timedelta = timedelta(seconds=60)
    #: The address that takes a mail to leave; None names none in the header.
    leave_by_mail: str | None = None
    #: Header fields that hand our Message-ID ("{}" in them) to providers which send under one of their own.
    handles: tuple[str, ...] = ()
    #: When a campaign is paused because too much of it comes back.
    stop: StopRule = field(default_factory=StopRule)
    #: Puts a signature on each message.
    sign: Sign | None = None
    #: The folder on this host's disk where the journals of its senders lie; None keeps none.
    journals: Path | None = None
    #: What this host remembers of the database, so that an older copy does not send again; None remembers nothing.
    watermark: Watermark | None = None
    #: Where it lets others see its work; each sender has its own.
    watch: Watch = field(default_factory=Watch)
