"""`/l/TOKEN`: store who asked, then lead on to exactly the address that the article names.

A plain ASGI endpoint, since this is the one path that sees thousands of requests a second; it is answered only when the
hit is on the disk. While the database cannot be used, the page says so, asks for a moment and loads itself again: where
the link leads stands in that database, and a click that nobody counted would be one that the figures deny.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from starlette.types import Receive, Scope, Send

from outreach.actions.record import Ask
from outreach.errors import DatabaseUnavailable
from outreach.tracking import client, robot
from outreach.tracking.client import Networks
from outreach.tracking.robot import Signs
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web.pages import Pages

#: The request headers that say something about who asks.
_WANTED = {b"user-agent", b"x-forwarded-for", *(name.encode() for name in robot.PREFETCH_HEADERS)}

_EMPTY = {"type": "http.response.body", "body": b""}


class Redirect:
    """The endpoint of tracked links, for GET and HEAD."""

    def __init__(
        self,
        click: Callable[[Ask], Awaitable[str | None]],
        *,
        tokens: TokenMaker,
        pages: Pages,
        trusted: Networks = (),
    ) -> None:
        self._click = click
        self._tokens = tokens
        self._pages = pages
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await self._pages.wrong_method(scope, receive, send)
            return
        opened = self._tokens.read(Purpose.CLICK, scope["path_params"]["token"])
        if opened is None:
            await self._pages.not_found(scope, receive, send)
            return
        address, signs = _who(scope, self._trusted)
        try:
            location = await self._click(Ask(opened.delivery_id, opened.number, datetime.now(UTC), address, signs))
        except DatabaseUnavailable:
            await self._pages.unavailable(scope, receive, send)
            return
        if location is None:
            await self._pages.not_found(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 302, "headers": _headers(location)})
        await send(_EMPTY)


def _headers(location: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"location", location.encode("ascii")),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-robots-tag", b"noindex, nofollow"),
    ]


def _who(scope: Scope, trusted: Networks) -> tuple[str, Signs]:
    peer = scope["client"][0] if scope.get("client") else ""
    headers: dict[str, str] = {}
    forwarded: list[str] = []
    for name, value in _shown(scope["headers"]):
        if name == "x-forwarded-for":
            forwarded.append(value)
        else:
            headers[name] = value
    signs = Signs(
        head=scope["method"] == "HEAD",
        prefetch=robot.is_prefetch(headers),
        agent=headers.get("user-agent", ""),
    )
    return client.address(peer, forwarded, trusted), signs


def _shown(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in _WANTED)
