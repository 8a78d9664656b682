"""Which answers say: not so fast? They slow what goes to the recipient's provider, and to nobody else."""

from __future__ import annotations

from outreach.replies.smtp import Reply, Stage

#: Basic codes that speak of load or policy.
_LOADED = {421, 451, 452}

#: Enhanced codes that speak of one mailbox or one address, or of too many recipients: no word about pace.
_OF_ONE = ("4.1.", "4.2.", "4.5.3")


def asks_to_slow_down(reply: Reply, stage: Stage) -> bool:
    """Whether a provider asks us to slow down.

    At MAIL the relay speaks of the connection, before it has heard of a recipient: that is no word of the provider.
    452 4.2.2 is a full mailbox. Any 4.7.x is policy, whatever its basic code.
    """
    if stage is Stage.MAIL or not reply.is_transient:
        return False
    enhanced = reply.enhanced or ""
    if enhanced.startswith(_OF_ONE):
        return False
    return reply.code in _LOADED or enhanced.startswith("4.7.")
