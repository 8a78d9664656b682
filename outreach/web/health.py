"""Is the process alive, and can it do its work? For supervisors and load balancers.

`/healthz` says 503 when a part of this process has died, fails again and again or hangs: who supervises it should start
it anew. `/readyz` says 503 while the process cannot do its work, whoever is to blame: who balances the load should ask
another one. Both paths are public, so they tell which check failed and no more; the log, and the same paths on the
address of the metrics, tell why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from outreach.log import Log
from outreach.web.pages import GUARDS
from outreach.web.patience import Look
from outreach.web.readiness import Readiness

log = Log("outreach.health")

#: Seconds after which a database that has not answered does not answer.
PATIENCE = 1.5
#: Seconds for which a good answer holds.
KEEP = 2.0

_HEADERS = {
    **GUARDS,
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class Health:
    """The two paths, for the public and (`details`) for the operator."""

    def __init__(self, readiness: Readiness, ailments: Callable[[], Mapping[str, str]] = dict) -> None:
        """`ailments` tells the parts of this process with which something is wrong, and what."""
        self._ailments = ailments
        self._look = Look(readiness.look, name="ready", keep=KEEP, good=lambda found: not any(found.values()))
        self._failed: frozenset[str] = frozenset()

    async def alive(self, _: Request) -> Response:
        """`/healthz`: the process answers, and so do its parts."""
        return self._living(details=False)

    async def alive_in_detail(self, _: Request) -> Response:
        """The same, and what is wrong with which part."""
        return self._living(details=True)

    async def ready(self, _: Request) -> Response:
        """`/readyz`: it can do its work."""
        return await self._answer(details=False)

    async def ready_in_detail(self, _: Request) -> Response:
        """The same, and why not."""
        return await self._answer(details=True)

    def _living(self, *, details: bool) -> Response:
        ailing = self._ailments()
        if not ailing:
            return PlainTextResponse("ok\n", headers=_HEADERS)
        lines = [f"{part}: {what}\n" if details else f"{part} does not work\n" for part, what in ailing.items()]
        return PlainTextResponse("".join(lines), status_code=503, headers=_HEADERS)

    async def _answer(self, *, details: bool) -> Response:
        found = await self._found(self._look.ask())
        failed = {check: why for check, why in found.items() if why}
        self._tell(failed)
        document = {"ready": not failed, "checks": {check: "failed" if why else "ok" for check, why in found.items()}}
        if details:
            document["why"] = failed
        return JSONResponse(document, status_code=503 if failed else 200, headers=_HEADERS)

    async def _found(self, look: Future[Mapping[str, str]]) -> Mapping[str, str]:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(look), PATIENCE)
        except TimeoutError:
            return {"database": f"it has not answered within {PATIENCE} seconds"}
        except Exception as error:
            log.exception("readiness_failed")
            return {"database": f"the look at it failed: {type(error).__name__}"}

    def _tell(self, failed: Mapping[str, str]) -> None:
        """A line in the log when something changes, not each time that somebody asks."""
        if self._failed != failed.keys():
            self._failed = frozenset(failed)
            for check, why in failed.items():
                log.warning("not_ready", check=check, why=why)
            if not failed:
                log.info("ready_again")
