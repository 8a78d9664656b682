"""`/hooks/PROVIDER`: what a provider tells of mail that it sent for us. It is answered when it is stored, not before.

A provider that gets no 200 tells again, and what was told before changes nothing: so a store that is away costs
nothing. What does not come from the provider changes nothing either, and leaves no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from outreach.errors import InboxError, NoticeForged, NoticeGarbled, StoreError
from outreach.log import Log
from outreach.replies.hooks.notice import Hook, Notice, Told
from outreach.web import form
from outreach.web.pages import GUARDS, Pages

log = Log("outreach.hooks")

#: Bytes of a request: providers send a few hundred events at once.
LONGEST = 2_000_000
#: How many are read at a time: what a stranger asks, or a certificate that is slow to come, holds up no reader's page.
MOST = 2


@dataclass(frozen=True)
class Hooks:
    """The providers that are listened to."""

    #: The reader of each one's requests, by the name in the path.
    readers: Mapping[str, Hook] = field(default_factory=dict)
    #: Store what a provider (by name) tells, and do what follows; raises StoreError.
    collect: Callable[[str, Sequence[Notice]], object] = lambda _, __: None
    #: Fetch an address once; raises InboxError.
    fetch: Callable[[str], bytes] = lambda _: b""


class HooksPage:
    """The endpoint."""

    def __init__(self, hooks: Hooks, *, pages: Pages) -> None:
        self._hooks = hooks
        self._pages = pages
        self._places = CapacityLimiter(MOST)

    async def told(self, request: Request) -> Response:
        """Take what a provider tells."""
        name = request.path_params["provider"]
        reader = self._hooks.readers.get(name)
        if reader is None:
            return self._pages.not_found
        body = await form.body(request, longest=LONGEST)
        facts = (name, reader, dict(request.headers), body)
        return await to_thread.run_sync(self._taken, *facts, limiter=self._places)

    def _taken(self, name: str, reader: Hook, headers: Mapping[str, str], body: bytes) -> Response:
        try:
            told = reader.read(headers, body, now=datetime.now(UTC))
            if told.confirm is not None:
                self._confirm(name, told)
            if told.ended:
                log.warning("hook_ended", provider=name)
            if told.notices:
                self._hooks.collect(name, told.notices)
        except NoticeForged as error:
            log.warning("notice_refused", provider=name, why=error.message)
            return _answer(403, "refused")
        except NoticeGarbled as error:
            log.warning("notice_garbled", provider=name, why=error.message)
            return _answer(400, "not understood")
        except (StoreError, InboxError) as error:  # or a certificate or a confirmation could not be fetched
            log.error("notice_deferred", provider=name, why=error.message)
            return _answer(503, "not now, please try again")
        return _answer(200, "stored")

    def _confirm(self, name: str, told: Told) -> None:
        assert told.confirm is not None
        self._hooks.fetch(told.confirm)
        log.info("hook_confirmed", provider=name)


def _answer(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status_code=status, headers={**GUARDS, "cache-control": "no-store"})
