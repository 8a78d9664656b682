"""How does a claimed delivery become a message in its envelope? By splicing, with its own links and return path."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from outreach import address
from outreach.address import Address
from outreach.message import proof, sender, splice
from outreach.message.compiled import Compiled
from outreach.message.proof import Seal
from outreach.message.recipient import Recipient, Stamp
from outreach.replies.returnpath import tagged
from outreach.store.claims import MOST_CAMPAIGNS, Claimed
from outreach.tracking.token import Purpose, TokenMaker
from outreach.transport.base import Outgoing

#: Compiled campaigns that are kept in memory: more than the claims in a sender's hands can be of.
KNOWN = 4 * MOST_CAMPAIGNS

#: Puts a signature before a whole message.
Sign = Callable[[bytes], bytes]


class Draft(NamedTuple):
    """A message that is finished but for its signature."""

    claimed: Claimed
    return_path: str
    message: bytes
    is_dotless: bool
    seal: Seal
    #: The message as `splice.pieces` made it.
    pieces: list[bytes]


class Letters:
    """Writes the messages of one sender."""

    def __init__(
        self,
        tokens: TokenMaker,
        public_url: str,
        *,
        return_path: str | None = None,
        leave_by_mail: str | None = None,
        handles: tuple[str, ...] = (),
        sign: Sign | None = None,
    ) -> None:
        self._make = tokens.make
        self._public_url = public_url.rstrip("/")
        self._return_path = address.parse(return_path) if return_path else None
        self._handles = handles
        self._leave = address.parse(leave_by_mail) if leave_by_mail else None
        self._sign = sign
        self._campaigns: OrderedDict[int, tuple[Compiled, Address, bool]] = OrderedDict()

    def knows(self, campaign_id: int) -> bool:
        """Whether the campaign was learned, and not forgotten since."""
        return campaign_id in self._campaigns

    def learn(self, campaign_id: int, data: bytes) -> None:
        """Keep a compiled campaign, and forget the one used longest ago; raises CompileError."""
        compiled = Compiled.from_bytes(data)
        self._campaigns[campaign_id] = compiled, sender.of_campaign(compiled), compiled.is_dotless
        while len(self._campaigns) > KNOWN:
            self._campaigns.popitem(last=False)

    @property
    def signs(self) -> bool:
        """Whether messages are signed, which takes longer than all else that is done to them."""
        return self._sign is not None

    def write(self, claimed: Claimed) -> Outgoing:
        """The message and its envelope; raises CompileError or TemplateError where it cannot be made for this person.

        The same delivery gives the same bytes on every attempt, as long as the person's values stay what they are.
        """
        return self.finish(self.draft(claimed))

    def draft(self, claimed: Claimed) -> Draft:
        """A message that is not signed yet; raises as `write` does."""
        compiled, sender, is_dotless = self._campaigns[claimed.campaign_id]
        self._campaigns.move_to_end(claimed.campaign_id)
        recipient = Recipient(
            claimed.email,
            claimed.name,
            claimed.language,
            claimed.timezone,
            {name: str(value) for name, value in claimed.attributes.items()} if claimed.attributes else {},
        )
        pieces = splice.pieces(compiled, recipient, self._stamp(claimed, sender))
        path = self._envelope_sender(claimed.delivery_id, sender)
        return Draft(claimed, path, b"".join(pieces), is_dotless, proof.seal(compiled, pieces), pieces)

    def finish(self, draft: Draft) -> Outgoing:
        """The message signed, with its digest; several threads may do this at once."""
        claimed, path, message, is_dotless, seal, _ = draft
        signatures = b""
        if self._sign is not None:
            signed = self._sign(message)
            signatures, message = signed[: len(signed) - len(message)], signed
        email = claimed.email
        return Outgoing(claimed.delivery_id, path, email, message, not email.isascii(), is_dotless, seal(signatures))

    def _stamp(self, claimed: Claimed, sender: Address) -> Stamp:
        make, delivery, start = self._make, claimed.delivery_id, self._public_url
        return Stamp(
            message_id=f"{make(Purpose.MESSAGE, delivery)}@{sender.domain}",
            click=lambda number: f"{start}/l/{make(Purpose.CLICK, delivery, number)}",
            unsubscribe=f"{start}/u/{make(Purpose.UNSUBSCRIBE, delivery)}",
            preferences=f"{start}/p/{make(Purpose.PREFERENCES, delivery)}",
            view=f"{start}/v/{make(Purpose.VIEW, delivery)}",
            feedback_id=f"{claimed.campaign_id}:newsletter:outreach",
            handles=self._handles,
            confirm=lambda: f"{start}/confirm/{make(Purpose.CONFIRM, delivery)}",
            unsubscribe_by_mail=tagged(self._leave, make(Purpose.UNSUBSCRIBE, delivery)) if self._leave else "",
        )

    def _envelope_sender(self, delivery_id: int, sender: Address) -> str:
        """A return path that tells which delivery came back (VERP), where there is one of our own."""
        path = self._return_path
        if path is None:
            return str(sender)
        return tagged(path, self._make(Purpose.BOUNCE, delivery_id))
