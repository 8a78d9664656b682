"""What is a campaign once the work that is the same for everybody is done? Bytes, with slots between them."""

from __future__ import annotations

from dataclasses import dataclass

from outreach.message.links import TrackedLink


@dataclass(frozen=True)
class Compiled:
    """A compiled campaign; `splice.message` makes a recipient's message of it."""

    #: The tracked links, by number; empty when links are plain.
    links: tuple[TrackedLink, ...]
    #: Fields that are printed without a fallback: nobody of the list may lack them.
    required: frozenset[str]
    #: About how many bytes a message has at most (every value counted with 200 bytes); for SIZE.
    size_bound: int

    def to_bytes(self) -> bytes:
        """The whole as bytes, for the database."""
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, data: bytes) -> Compiled:
        """Back from `to_bytes`; raises CompileError for what another version wrote."""
        raise NotImplementedError
