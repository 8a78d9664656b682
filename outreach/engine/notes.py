"""How do providers answer? Counted by provider, for the pace that all senders share.

Who was put off is always counted; who was accepted only where the provider is watched already, so that the usual
message costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from outreach.replies import pushback
from outreach.timing import providers
from outreach.transport.base import Outcome


class Notes:
    """The answers that one sender got and has not written down yet."""

    def __init__(self) -> None:
        self._watched: set[str] = set()
        self._counted: dict[str, list[int]] = {}

    def watch(self, watched: Collection[str]) -> None:
        """These are the providers whose acceptances count."""
        self._watched = {*watched, *self._counted}

    def note(self, email: str, outcome: Outcome) -> None:
        """An answer about a message to this address."""
        reply = outcome.reply
        if reply is None or (reply.is_positive and not self._watched):
            return
        put_off = pushback.asks_to_slow_down(reply, outcome.stage)
        if not (put_off or reply.is_positive):
            return
        provider = providers.of_address(email)
        if put_off or provider in self._watched:
            self._watched.add(provider)
            self._counted.setdefault(provider, [0, 0])[put_off] += 1

    def taken(self) -> dict[str, tuple[int, int]]:
        """Provider -> accepted, put off; they are the caller's now."""
        counted, self._counted = self._counted, {}
        return {provider: (accepted, put_off) for provider, (accepted, put_off) in counted.items()}

    def put_back(self, answers: Mapping[str, tuple[int, int]]) -> None:
        """They could not be written down."""
        for provider, (accepted, put_off) in answers.items():
            counted = self._counted.setdefault(provider, [0, 0])
            counted[0] += accepted
            counted[1] += put_off
