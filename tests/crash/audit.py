"""Do the books agree with what the server was given? Looked at after every kill, and once more at the end.

The server's record is read before the database and after it: it only grows, so what is accepted before must be in the
database in one of few states, and what the database calls sent must have been accepted when it is read again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from outreach.store.deliveries import DeliveryState
from tests.crash import faults
from tests.crash.installation import CONNECTIONS, Installation, Look
from tests.crash.record import Record
from tests.crash.remains import Remains

#: Where a delivery may stand that the server has accepted.
_MAY_BE_ACCEPTED = {DeliveryState.CLAIMED, DeliveryState.SENT, DeliveryState.UNKNOWN}
#: Where a delivery stands at the end.
_ENDED = set(DeliveryState) - {DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED}
#: How a doubt begins that a kill leaves, and one that a lease leaves.
KILLED = "the sender died"
EXPIRED = "the sender that held it"
#: How many complaints of one kind are kept in words.
_TOLD = 5


class Audit:
    """What was found, so far."""

    def __init__(
        self,
        installation: Installation,
        record: Record,
        remains: Remains,
        *,
        leases_last: bool,
        refuses: bool,
    ) -> None:
        self._installation = installation
        self.record = record
        self._remains = remains
        #: Whether no lease runs out here, so that every doubt is one about a single body.
        self._leases_last = leases_last
        self._refuses = refuses
        self._doubts: dict[int, str] = {}
        self._found: Counter[str] = Counter()
        self._words: list[str] = []
        #: Doubts by reason, and then by what the server knows.
        self.causes: dict[str, Counter[str]] = {}
        #: Killed process -> the doubts that it left.
        self.left_by: Counter[int] = Counter()
        self.looks = 0
        #: People who never got what the books say they got, or would have to say, at the end.
        self.lost = 0

    @property
    def violations(self) -> list[str]:
        """Everything that is wrong, in words."""
        more = [f"{kind}: {n} times" for kind, n in sorted(self._found.items()) if n > _TOLD]
        return self._words + more

    def complain(self, kind: str, words: object) -> None:
        """Something is wrong."""
        self._found[kind] += 1
        if self._found[kind] <= _TOLD:
            self._words.append(f"{kind}: {words}")

    def look(self) -> Look:
        """Compare, as things are at this moment."""
        self.looks += 1
        before = set(self.record.read().accepted)
        look = self._installation.look()
        self.record.read()
        self._sums(look)
        for state in set(DeliveryState) - _MAY_BE_ACCEPTED:
            for delivery in before & look.states[state]:
                self.complain("accepted and not counted so", f"delivery {delivery} is {state}")
        for delivery in look.states[DeliveryState.SENT] - self.record.accepted.keys():
            self.complain("sent to nobody", f"delivery {delivery}")
        self._doubles()
        self._new_doubts(look)
        return look

    def end(self) -> Look:
        """The last look: everybody is where they belong."""
        look = self.look()
        addresses = self._installation.addresses()
        for delivery, state in ((each, state) for state, those in look.states.items() for each in those):
            if state not in _ENDED:
                self.complain("not ended", f"delivery {delivery} is {state}")
            elif state != DeliveryState.UNKNOWN and state not in self._right_for(addresses[delivery]):
                self.complain("lost", f"delivery {delivery} to {addresses[delivery]} is {state}")
                self.lost += 1
            self.lost += state == DeliveryState.SENT and delivery not in self.record.accepted
        for delivery, recipient in self.record.recipients.items():
            if addresses[delivery] != recipient:
                self.complain("astray", f"delivery {delivery} went to {recipient}")
        if repeated := self._installation.repeated():
            self.complain("repeated", f"{repeated} people have two deliveries of a campaign")
        if not self._installation.finished():
            self.complain("not ended", "a campaign is not finished")
        for words in self.record.faults:
            self.complain("protocol", words)
        if left := list(self._installation.journals.glob("*.journal")):
            self.complain("journals left behind", len(left))
        return look

    def figures(self, look: Look) -> dict[str, Any]:
        """What it came to."""
        kills = self.left_by.values()
        return {
            "deliveries": sum(map(len, look.states.values())),
            "states": {state: n for state, n in look.tallies.items() if n},
            "accepted": len(self.record.accepted),
            "bodies_begun": self.record.bodies,
            "connections_failed": dict(self.record.failures),
            "doubled": sum(n > 1 for n in self.record.accepted.values()),
            "lost": self.lost,
            "unknown": {reason: dict(counts) for reason, counts in self.causes.items()},
            "unknown_by_kills": {"senders": len(kills), "most": max(kills, default=0), "sum": sum(kills)},
            "looks": self.looks,
        }

    def _sums(self, look: Look) -> None:
        audience = self._installation.people * len(self._installation.campaigns)
        if sum(look.tallies.values()) != audience:
            self.complain("sums", f"{sum(look.tallies.values())} are tallied of {audience}")
        counted = {state: len(those) for state, those in look.states.items()}
        if look.tallies != counted:
            self.complain("sums", f"tallied {look.tallies}, counted {counted}")

    def _doubles(self) -> None:
        if self.record.total > len(self.record.accepted):
            for delivery, n in self.record.accepted.items():
                if n > 1:
                    self.complain("doubled", f"delivery {delivery} was accepted {n} times")
        if self.record.total != len(self.record.letters):
            self.complain("doubled", "a Message-ID was accepted twice for one person")

    def _new_doubts(self, look: Look) -> None:
        self._remains.read()
        for delivery in look.doubts.keys() - self._doubts.keys():
            reason = look.doubts[delivery]
            self.causes.setdefault(reason, Counter())[self._known_of(delivery)] += 1
            if reason.startswith(EXPIRED):
                if self._leases_last:
                    self.complain("too much in doubt", f"delivery {delivery}: {reason}")
                continue
            if reason.startswith(KILLED):
                self._put_down(delivery)
            connection = self.record.came_by.get(delivery)
            if connection is not None and self.record.last_on[connection] != delivery:
                # The next body on a connection begins after the answer to the one before was put on record.
                self.complain("too much in doubt", f"delivery {delivery} was answered: another body began after it")
        for delivery in self._doubts.keys() - look.doubts.keys():
            self.complain("doubt gone", f"delivery {delivery}")
        self._doubts = dict(look.doubts)

    def _put_down(self, delivery: int) -> None:
        """Put a doubt down to the killed sender that left it."""
        killed = self._remains.whose(delivery)
        if killed is None:
            self.complain("too much in doubt", f"delivery {delivery}: no journal says that its body had begun")
            return
        self.left_by[killed] += 1
        if self.left_by[killed] > CONNECTIONS:
            self.complain("too much in doubt", f"process {killed} left {self.left_by[killed]}")

    def _known_of(self, delivery: int) -> str:
        """What the server knows of a delivery that is in doubt."""
        if delivery in self.record.accepted:
            return "accepted"
        if delivery in self.record.came_by:
            return "begun"
        return "refused" if delivery in self.record.refused else "nothing came"

    def _right_for(self, address: str) -> set[str]:
        """Where a person may stand at the end, besides in doubt."""
        refusal = faults.refusal(address) if self._refuses else None
        if refusal is None or refusal.once:
            return {DeliveryState.SENT}
        if refusal.answer.startswith("554"):
            return {DeliveryState.FAILED}
        # An address that is dead in one campaign is suppressed in the next.
        return {DeliveryState.BOUNCED, DeliveryState.EXCLUDED}
