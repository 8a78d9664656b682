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
    known = peer
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")]
    while _is_trusted(known, trusted) and hops:
        hop = parse_address(hops.pop())
        if hop is None:
            break
        known = str(hop)
    return known


@lru_cache(maxsize=4096)
def _is_trusted(text: str, trusted: Networks) -> bool:
    parsed = parse_address(text)
    return parsed is not None and any(parsed in network for network in trusted)
