"""How do the demo's mails look? A small mailbox in the browser: each mail as HTML, as text, as source.

A mail is shown as mail programs show it: in a frame without scripts that loads nothing from elsewhere.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outreach.demo.catcher import Catcher, Caught
from outreach.web.pages import GUARDS, Pages

#: Widths that a mail can be looked at, in pixels; None is as wide as the window.
WIDTHS: dict[str, int | None] = {"phone": 320, "tablet": 600, "full": None}
#: The list looks again by itself until so long after the last mail.
LIVELY = timedelta(seconds=20)

#: The answer to a call for the report: `campaign report --json` as a value.
Report = Callable[[], dict[str, Any]]


class Mailbox:
    """The pages over one catcher."""

    def __init__(self, catcher: Catcher, pages: Pages, report: Report) -> None:
        self.catcher, self.pages, self.report = catcher, pages, report

    async def index(self, request: Request) -> Response:
        """All mails, the newest first; looks again by itself while mails come in."""
        mails = self.catcher.mails()
        lively = not mails or datetime.now(UTC) - mails[0].at < LIVELY
        answer = self.pages.render("mailbox.html", values={"mails": mails, "lively": lively})
        if lively:
            answer.headers["refresh"] = "2"
        return answer

    async def mail(self, request: Request) -> Response:
        """One mail in one view: html, text or source."""
        caught = self._caught(request)
        nested = "view" in request.path_params
        view = request.path_params.get("view", "html")
        if view not in {"html", "text", "source"}:
            raise HTTPException(404)
        width = request.query_params.get("width", "full")
        values = {
            "mail": caught,
            "view": view,
            "nested": nested,  # the page's address has a part more, and its links begin one floor up
            "widths": WIDTHS,
            "width": width if width in WIDTHS else "full",
            "text": caught.body("plain") if view == "text" else caught.source.decode("utf-8", "replace"),
        }
        return self.pages.render("mailbox-mail.html", values=values)

    async def frame(self, request: Request) -> Response:
        """The HTML part, for the frame of the mail's page."""
        caught = self._caught(request)
        headers = {
            **GUARDS,
            "x-frame-options": "SAMEORIGIN",
            "content-security-policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
            "style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'",
        }
        return Response(_for_frame(caught), media_type="text/html", headers=headers)

    async def raw(self, request: Request) -> Response:
        """The mail as a file, byte for byte."""
        caught = self._caught(request)
        name = f'attachment; filename="mail-{caught.number}.eml"'
        return Response(caught.source, media_type="message/rfc822", headers={**GUARDS, "content-disposition": name})

    async def quote(self, request: Request) -> Response:
        """Where the quote link leads in the demo: what was just counted."""
        return self.pages.render("mailbox-quote.html", values={"report": self.report()})

    def _caught(self, request: Request) -> Caught:
        caught = self.catcher.mail(request.path_params["number"])
        if caught is None:
            raise HTTPException(404)
        return caught


def app(catcher: Catcher, folders: Sequence[Path], report: Report) -> Starlette:
    """The mailbox, to be mounted anywhere: `/` lists, `/3` shows, `/quote` is where the quote link leads."""
    pages = Pages(folders, sheet="mailbox.css", policy="frame-src 'self'")
    box = Mailbox(catcher, pages, report)
    return Starlette(
        routes=[
            Route("/", box.index, name="index"),
            Route("/quote", box.quote),
            Route("/{number:int}", box.mail),
            Route("/{number:int}/frame", box.frame),
            Route("/{number:int}.eml", box.raw),
            Route("/{number:int}/{view:str}", box.mail),
        ],
        exception_handlers={404: pages.of_status, 405: pages.of_status, 500: pages.of_status},
    )


def _for_frame(caught: Caught) -> str:
    """The HTML part with its embedded pictures in place, links opening outside of the frame."""
    pictures = {
        str(part["Content-ID"]).strip("<>"): part
        for part in caught.message.walk()
        if part["Content-ID"] and part.get_content_maintype() == "image"
    }

    def picture(match: re.Match[str]) -> str:
        part = pictures.get(match[1])
        if part is None:
            return match[0]
        data = base64.b64encode(part.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
        return f"data:{part.get_content_type()};base64,{data}"

    html = re.sub(r"cid:([^\"'\s)>]+)", picture, caught.body("html"))
    return re.sub(r"(<head(?:\s[^>]*)?>)", r'\1<base target="_blank">', html, count=1)
