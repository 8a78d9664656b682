"""Is the process alive, and can it do its work? For supervisors and load balancers."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from outreach.errors import StoreError
from outreach.store import installation
from outreach.store.database import Store
from outreach.web.pages import GUARDS

_HEADERS = {
    **GUARDS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


async def alive(_: Request) -> Response:
    """`/healthz`: the process answers."""
    return PlainTextResponse("ok\n", headers=_HEADERS)


class Ready:
    """`/readyz`: the database answers too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, _: Request) -> Response:
        try:
            await run_in_threadpool(self._read)
        except StoreError:
            return PlainTextResponse("the database does not answer\n", status_code=503, headers=_HEADERS)
        return PlainTextResponse("ok\n", headers=_HEADERS)

    def _read(self) -> None:
        with self._store.reading() as session:
            installation.fact(session, "installation_id")
