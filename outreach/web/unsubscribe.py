"""`/u/TOKEN`: leave the list that a message was sent to. Looking changes nothing, posting acts (RFC 8058).

Mail clients post without a cookie, with any user agent or none, form-urlencoded or multipart; whoever holds the message
may do it, as often as they like, and the answer is always 200 and never a redirect. Where nobody can be found behind a
token of ours (the person was erased), there is nothing left to leave, and that is said.

So every POST leaves, but for two forms of our page that say something else: fewer messages, and leaving every list.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from outreach.web import choices, form
from outreach.web.choices import Done, Visit
from outreach.web.pages import Pages, wishes
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
        wished = wishes(request)
        if opened.is_test:
            return self._pages.render("test-mail.html", wishes=wished)
        try:
            if posted is None:
                return await run_in_threadpool(self._show, opened.delivery_id, wished)
            return await run_in_threadpool(self._act, opened.delivery_id, posted, wished)
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _show(self, delivery_id: int, wished: Iterable[str], done: Done | None = None) -> Response:
        reader = self._reader(delivery_id)
        if reader is None or reader.left:
            return self._left(delivery_id, reader, wished)
        shown = choices.shown(reader, datetime.now(UTC))
        values = {
            **shown,
            "list_title": reader.list_title,
            "address": choices.masked(reader.email),
            "here": next(each for each in shown["lists"] if each["list_id"] == reader.list_id),
            "done": done,
        }
        return self._pages.render("unsubscribe.html", values=values, wishes=[reader.language, *wished])

    def _act(self, delivery_id: int, posted: bytes, wished: Iterable[str]) -> Response:
        now = datetime.now(UTC)
        given = form.parsed(posted)
        reader = self._reader(delivery_id) if "less" in given or "leave" in given else None
        if reader is not None:
            visit = Visit(self._store, reader, delivery_id, PAGE, now)
            if "less" in given:
                return self._show(delivery_id, wished, visit.less(given))
            if given["leave"] == "all" and visit.leave("all"):
                self._traffic.left()
        source = ONE_CLICK if b"List-Unsubscribe" in posted else PAGE
        leaving = unsubscribe.by_delivery(self._store, delivery_id, now=now, source=source)
        if leaving is not None and leaving.changed:
            self._traffic.left()
        return self._left(delivery_id, self._reader(delivery_id), wished)

    def _left(self, delivery_id: int, reader: Reader | None, wished: Iterable[str]) -> Response:
        if reader is None:
            return self._pages.render("unknown-reader.html", wishes=wished)
        values = {
            "list_title": reader.list_title,
            "address": choices.masked(reader.email),
            "others": [each.title for each in reader.current],
            "preferences": "/p/" + self._tokens.make(Purpose.PREFERENCES, delivery_id),
        }
        return self._pages.render("unsubscribed.html", values=values, wishes=[reader.language, *wished])

    def _reader(self, delivery_id: int) -> Reader | None:
        with self._store.reading() as session:
            return readers.of_delivery(session, delivery_id)
