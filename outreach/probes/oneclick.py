"""Does one-click unsubscribe answer where readers reach us? A test mail's own link is posted to, as a receiver does.

Such a link belongs to no delivery, so nobody is unsubscribed: a page says that this was a test.
"""

from __future__ import annotations

import asyncio
from secrets import token_urlsafe

from outreach.diagnosis import oneclick
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.heard import Heard, Trouble
from outreach.probes import web
from outreach.probes.web import Client

#: Seconds for all of it, and bytes of the page that are looked at.
ALTOGETHER, PAGE = 10.0, 50_000


async def findings(asked: Client, url: str, *, altogether: float = ALTOGETHER) -> list[Finding]:
    """Post to an unsubscribe link of a test mail, look at its page, and post to a link that nobody was given."""
    forged = f"{url.rpartition('/')[0]}/{token_urlsafe(24)}"
    asking = (
        web.request(asked, "POST", url, form=oneclick.BODY),
        web.request(asked, "GET", url, keep=PAGE),
        web.request(asked, "POST", forged, form=oneclick.BODY),
    )
    try:
        async with asyncio.timeout(altogether):
            post, get, other = await asyncio.gather(*asking)
    except TimeoutError:
        post = get = other = Heard(url, trouble=Trouble.SLOW)
    return oneclick.judge(post, get, other)
