"""Does every link of a mail answer? Asked by HEAD, by GET where that is refused, and along each redirect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from outreach.diagnosis.heard import Heard, Trouble
from outreach.diagnosis.links import MOST_HOPS, Followed, Target
from outreach.probes import web
from outreach.probes.web import Client

#: Links that are asked at the same time, and seconds for all of them together.
AT_ONCE, ALTOGETHER = 8, 20.0


async def follow(
    asked: Client,
    targets: Sequence[Target],
    *,
    altogether: float = ALTOGETHER,
    is_inside: Callable[[str], Awaitable[bool]] = web.is_inside,
) -> list[Followed]:
    """Follow each target to its end; after `altogether` seconds what has not answered counts as slow.

    A redirect that leads from outside into an inner network is told and not followed: whoever owns the page that
    redirects could otherwise make us ask our neighbours.
    """
    free = asyncio.Semaphore(AT_ONCE)
    end = asyncio.get_running_loop().time() + altogether

    async def one(target: Target) -> Followed:
        heard: list[Heard] = []
        try:
            async with asyncio.timeout_at(end), free:
                return await _followed(asked, target, heard, is_inside)
        except TimeoutError:
            return Followed(target, (*heard, Heard(heard[-1].location if heard else target.url, trouble=Trouble.SLOW)))

    return list(await asyncio.gather(*map(one, targets)))


async def _followed(
    asked: Client, target: Target, heard: list[Heard], is_inside: Callable[[str], Awaitable[bool]]
) -> Followed:
    url = target.url
    began_inside: bool | None = None
    for _ in range(MOST_HOPS + 1):
        heard.append(await _answer(asked, url))
        location = heard[-1].location
        if not location:
            return Followed(target, tuple(heard))
        host = urlsplit(location).hostname or ""
        if began_inside is None:
            began_inside = await is_inside(urlsplit(target.url).hostname or "")
        if not began_inside and await is_inside(host):
            return Followed(target, (*heard, Heard(location, trouble=Trouble.INSIDE)))
        url = location
    return Followed(target, tuple(heard), endless=True)


async def _answer(asked: Client, url: str) -> Heard:
    """Many servers answer HEAD wrongly, or not at all: what it says counts only where it is good."""
    head = await web.request(asked, "HEAD", url)
    if 200 <= head.status < 400 or head.trouble in {Trouble.NAME, Trouble.UNASKED, Trouble.AWAY, Trouble.TLS}:
        return head
    return await web.request(asked, "GET", url)
