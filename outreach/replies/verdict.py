"""What do we decide after a reply? A visible table from reply and stage to what becomes of the delivery.

The basic code says whether it is worth trying again (RFC 5321 4.2.1). The enhanced code (RFC 3463) says whose fault it
is and outranks the words; the words are read only where there is no enhanced code that says anything. What a report
says later, of a message that the relay had taken, is judged by the same tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from outreach.replies.smtp import Reply, Stage


class Decision(StrEnum):
    """What becomes of a delivery; all but `requeue` are its next state."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"
    #: Back into the queue as if it had never been tried.
    REQUEUE = "requeue"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, and in a few words why."""

    decision: Decision
    reason: str | None = None

    @property
    def is_dead_address(self) -> bool:
        """Whether the address itself is dead and must not be mailed again."""
        return self.decision is Decision.BOUNCED


#: Enhanced codes that say: nobody is there. (5.1.10: RFC 7505, the domain takes no mail.)
DEAD = {
    "5.1.1": "no such mailbox",
    "5.1.2": "no such domain",
    "5.1.6": "the mailbox has moved",
    "5.1.10": "the domain takes no mail",
}

#: Why else a message is refused for good, by the longest matching beginning of the enhanced code: not a dead address.
REFUSALS = {
    "5.1.": "the address was refused",
    "5.1.7": "the return path was refused",
    "5.1.8": "the return path was refused",
    "5.2.": "the mailbox takes no mail",
    "5.2.1": "the mailbox is disabled",
    "5.2.2": "the mailbox is full",
    "5.2.3": "the message is too large for the mailbox",
    "5.3.": "the mail system refused it",
    "5.3.4": "the message is too large",
    "5.4.": "no route to the mailbox",
    "5.5.": "protocol error",
    "5.6.": "the message was refused",
    "5.6.7": "the address needs SMTPUTF8, which the relay does not speak",
    "5.7.": "refused by policy",
}

#: Why it is put off, in the same way.
DELAYS = {
    "4.1.": "the address cannot be checked now",
    "4.2.": "the mailbox takes no mail now",
    "4.2.1": "the mailbox is disabled for now",
    "4.2.2": "the mailbox is full",
    "4.3.": "the mail system is busy",
    "4.4.": "no way to the mailbox now",
    "4.4.7": "tried for too long",
    "4.5.": "the server asks to try again",
    "4.5.3": "too many recipients at once",
    "4.7.": "held back by policy",
    "4.7.1": "held back by policy, greylisted perhaps",
}

#: Codes that say nothing but "see the words" (RFC 3463: "other, undefined"). 5.7.0 is not one: it says policy.
_SILENT = {"5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.5.0"}

#: Basic codes that servers use for an address that is not there, where no enhanced code tells.
_OF_ADDRESS = {550, 551, 553, 554}

_NOBODY_THERE = re.compile(
    r"(?:user|recipient|address|addressee|mailbox|account)(?: is| was)?"
    r" (?:unknown|not (?:found|known)|does(?: not|n't) exist)"
    r"|(?:unknown|no such|invalid|non-?existent) (?:local )?(?:user|recipient|mailbox|address|account|person)"
    r"|no mailbox(?: here)?(?: by that name)?\b|does(?: not|n't) have an? (?:\S{1,80} )?account"
    r"|no longer (?:exists|valid)|not listed in (?:the )?(?:domino directory|public name)",
    re.IGNORECASE,
)
_AN_ADDRESS = re.compile(r"<?[^\s<>@]{1,100}@[^\s<>@]{1,255}>?")
_BY_POLICY = re.compile(
    r"spam|block|blacklist|denylist|blocklist|policy|denied|relay|reputation|authenticat|spf|dkim|dmarc|\brate\b|quota"
    r"|suspicio|reject(?:ed)? (?:by|due)|full\b",
    re.IGNORECASE,
)


def judge(reply: Reply | None, stage: Stage) -> Verdict:
    """What to decide after this reply at this stage; None is a connection that ended without one.

    Never wrong in the dangerous direction: what may have been accepted is never sent again, and what cannot have been
    is never counted as sent.
    """
    if reply is None:
        return _without_reply(stage)
    if stage is Stage.BODY and reply.is_positive:
        return Verdict(Decision.SENT)
    if reply.is_transient:
        return _transient(reply, stage)
    if reply.is_permanent:
        return _permanent(reply, stage)
    # 1xx, 3xx, or a yes that answers nothing that was asked: the server and we disagree on where we are.
    return _without_reply(stage)


def of_report(status: str | None, words: str = "", *, code: int | None = None) -> Verdict:
    """What to decide after a report that a message was given up: the address is dead (bounced), or not (failed).

    `status` is the enhanced code, of the server itself where it gave one, `code` the basic one where the words are a
    reply. Whoever gives up after many tries (4.x.x) has not been told that nobody is there.
    """
    if status is not None and status.startswith("4."):
        return Verdict(Decision.FAILED, _looked_up(DELAYS, status) or "tried for too long")
    dead = _dead(status, code, words)
    if dead:
        return Verdict(Decision.BOUNCED, dead)
    return Verdict(Decision.FAILED, _looked_up(REFUSALS, status) or "not delivered")


def of_delay(status: str | None) -> Verdict:
    """What to decide where somebody is still trying."""
    return Verdict(Decision.DEFERRED, _looked_up(DELAYS, status) or "the server asks to try again")


def speaks_of_policy(words: str) -> bool:
    """Whether a server's words are about what was sent or by whom: then they say nothing about the address."""
    return _BY_POLICY.search(_AN_ADDRESS.sub(" ", words)) is not None


def is_silent(status: str | None) -> bool:
    """Whether an enhanced code says nothing but "see the words"."""
    return status is None or status in _SILENT or status.endswith(".0.0")


def _without_reply(stage: Stage) -> Verdict:
    if stage is Stage.BODY:
        return Verdict(Decision.UNKNOWN, "the connection ended before the server answered")
    return Verdict(Decision.REQUEUE)


def _transient(reply: Reply, stage: Stage) -> Verdict:
    if reply.closes and stage is Stage.MAIL:
        # The server ends its session, between two messages: it has not looked at this one.
        return Verdict(Decision.REQUEUE)
    return of_delay(reply.enhanced)


def _permanent(reply: Reply, stage: Stage) -> Verdict:
    if reply.code == 530 and stage is Stage.MAIL:
        # It wants authentication or TLS: a fault of the settings, which must not use up the audience.
        return Verdict(Decision.REQUEUE)
    if stage is Stage.RCPT:
        if _is_too_many(reply):
            return Verdict(Decision.DEFERRED, "too many recipients at once")
        dead = _dead(reply.enhanced, reply.code, reply.words)
        if dead:
            return Verdict(Decision.BOUNCED, dead)
    return Verdict(Decision.FAILED, _looked_up(REFUSALS, reply.enhanced) or _REFUSED_AT[stage])


_REFUSED_AT = {
    Stage.LOCAL: "the relay cannot take it",
    Stage.MAIL: "the sender was refused",
    Stage.RCPT: "the recipient was refused",
    Stage.DATA: "the message was refused",
    Stage.BODY: "the message was refused",
}


def _is_too_many(reply: Reply) -> bool:
    """552 at RCPT is 452 spelt the old way (RFC 5321 4.5.3.1.10); 5.2.2 says that it means the mailbox."""
    return reply.enhanced == "5.5.3" or (reply.code == 552 and reply.enhanced is None)


def _dead(enhanced: str | None, code: int | None, words: str) -> str | None:
    if enhanced in DEAD:
        return DEAD[enhanced]
    if enhanced is not None and enhanced not in _SILENT:
        return None
    said = _AN_ADDRESS.sub(" ", words)  # spam@example.com is not about spam
    if (code is None or code in _OF_ADDRESS) and _NOBODY_THERE.search(said) and not _BY_POLICY.search(said):
        return "no such mailbox"
    return None


def _looked_up(table: dict[str, str], enhanced: str | None) -> str | None:
    if enhanced is None:
        return None
    return table.get(enhanced) or table.get(enhanced[: enhanced.rindex(".") + 1])
