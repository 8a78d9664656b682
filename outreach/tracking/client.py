"""Which address does a request really come from, when there may be a proxy in between?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from outreach.tracking.pseudonym import parse_address

Networks = tuple[IPv4Network | IPv6Network, ...]


def address(peer: str, forwarded_for: Sequence[str], trusted: Networks) -> str:
    """The address of the client: the peer's own, unless the peer is a trusted proxy.

    Then it is the rightmost address in `X-Forwarded-For` (every header of that name, in order) that is no trusted
    proxy itself: what stands further left was written by the client and proves nothing. Where that is no address at
    all, the last trusted hop is the most that is known.
    """
    if not trusted or not _is_trusted(peer, trusted):
        return peer
    known = peer
    for hop in reversed([hop for line in forwarded_for for hop in line.split(",")]):
        parsed = parse_address(hop)
        if parsed is None:
            break
        known = str(parsed)
        if not any(parsed in network for network in trusted):
            break
    return known


@lru_cache(maxsize=1024)
def _is_trusted(peer: str, trusted: Networks) -> bool:
    parsed = parse_address(peer)
    return parsed is not None and any(parsed in network for network in trusted)
