"""`/u/TOKEN`: leave the list that a message was sent to. Looking changes nothing, posting acts (RFC 8058).

Mail clients post without a cookie, with any user agent or none, form-urlencoded or multipart; whoever holds the message
may do it, as often as they like, and the answer is always 200 and never a redirect. Where nobody can be found behind a
token of ours (the person was erased), there is nothing left to leave, and that is said.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach.actions import unsubscribe
from outreach.errors import DatabaseUnavailable
from outreach.store import readers
from outreach.store.database import Store
from outreach.store.readers import Reader
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import form
from outreach.web.pages import Pages
from outreach.web.traffic import Traffic

#: Where the act is recorded to have come from: the button of a mail client, or that of our page.
ONE_CLICK, PAGE = "one-click", "unsubscribe page"


class Unsubscribe:
    """The endpoint: GET and HEAD show, POST acts."""

    def __init__(self, store: Store, *, tokens: TokenMaker, pages: Pages, traffic: Traffic) -> None:
        self._store = store
        self._traffic = traffic
        self._tokens = tokens
        self._pages = pages

    async def page(self, request: Request) -> Response:
        opened = self._tokens.read(Purpose.UNSUBSCRIBE, request.path_params["token"])
        if opened is None:
            return self._pages.not_found
        posted = await form.body(request) if request.method == "POST" else None
        if opened.is_test:
            return self._pages.render("test-mail.html")
        try:
            if posted is None:
                return await run_in_threadpool(self._show, opened.delivery_id)
            source = ONE_CLICK if b"List-Unsubscribe" in posted else PAGE
            return await run_in_threadpool(self._leave, opened.delivery_id, source)
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _show(self, delivery_id: int) -> Response:
        with self._store.reading() as session:
            reader = readers.of_delivery(session, delivery_id)
        if reader is None or reader.left:
            return self._left(delivery_id, reader)
        values = {"list_title": reader.list_title, "address": masked(reader.email)}
        return self._pages.render("unsubscribe.html", values=values)

    def _leave(self, delivery_id: int, source: str) -> Response:
        leaving = unsubscribe.by_delivery(self._store, delivery_id, now=datetime.now(UTC), source=source)
        if leaving is not None and leaving.changed:
            self._traffic.left()
        with self._store.reading() as session:
            return self._left(delivery_id, readers.of_delivery(session, delivery_id))

    def _left(self, delivery_id: int, reader: Reader | None) -> Response:
        if reader is None:
            return self._pages.render("unknown-reader.html")
        others = [each.title for each in reader.memberships if not each.left and each.list_id != reader.list_id]
        preferences = "/p/" + self._tokens.make(Purpose.PREFERENCES, delivery_id)
        values = {
            "list_title": reader.list_title,
            "address": masked(reader.email),
            "others": others,
            "preferences": preferences,
        }
        return self._pages.render("unsubscribed.html", values=values)


def masked(email: str) -> str:
    """An address that its owner recognises and nobody else learns: `m•••@example.org`."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"
