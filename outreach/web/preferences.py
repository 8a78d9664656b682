"""`/p/TOKEN`: what lists a reader is on, leaving one or all, and whether clicks may be kept with their name."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach.actions import prefer, unsubscribe
from outreach.errors import DatabaseUnavailable
from outreach.store import readers
from outreach.store.database import Store
from outreach.store.readers import Reader
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import form
from outreach.web.pages import Pages
from outreach.web.unsubscribe import masked

#: Where the acts are recorded to have come from.
SOURCE = "preferences page"


class Preferences:
    """The endpoint: GET and HEAD show, POST acts and shows what is now."""

    def __init__(self, store: Store, *, tokens: TokenMaker, pages: Pages) -> None:
        self._store = store
        self._tokens = tokens
        self._pages = pages

    async def page(self, request: Request) -> Response:
        opened = self._tokens.read(Purpose.PREFERENCES, request.path_params["token"])
        if opened is None:
            return self._pages.not_found
        wanted = await form.fields(request) if request.method == "POST" else {}
        if opened.is_test:
            return self._pages.render("test-mail.html")
        try:
            return await run_in_threadpool(self._answer, opened.delivery_id, wanted)
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _answer(self, delivery_id: int, wanted: dict[str, str]) -> Response:
        reader = self._reader(delivery_id)
        if reader is None:
            return self._pages.render("unknown-reader.html")
        done = self._act(reader, delivery_id, wanted)
        reader = (self._reader(delivery_id) if done else reader) or reader
        values = {
            "address": masked(reader.email),
            "memberships": [each for each in reader.memberships if not each.left],
            "tracking": reader.tracking_consent,
            "wording": prefer.WORDING,
            "done": done,
        }
        return self._pages.render("preferences.html", values=values)

    def _act(self, reader: Reader, delivery_id: int, wanted: dict[str, str]) -> str:
        """Do what the form asks for; what was done, in words, or "" where it asked for nothing that can be done."""
        now = datetime.now(UTC)
        if "leave" in wanted:
            staying = [each for each in reader.memberships if not each.left]
            leaving = [each for each in staying if wanted["leave"] in {str(each.list_id), "all"}]
            for each in leaving:
                unsubscribe.person(
                    self._store,
                    reader.subscriber_id,
                    each.list_id,
                    source=SOURCE,
                    now=now,
                    campaign_id=reader.campaign_id if each.list_id == reader.list_id else None,
                    delivery_id=delivery_id if each.list_id == reader.list_id else None,
                )
            return "You have left " + ", ".join(f"“{each.title}”" for each in leaving) + "." if leaving else ""
        if wanted.get("tracking") in {"on", "off"}:
            agreed = wanted["tracking"] == "on"
            prefer.tracking(self._store, reader.subscriber_id, agreed, source=SOURCE, now=now)
            return (
                "Thank you, that is noted." if agreed else "Noted: from now on, clicks are counted without your name."
            )
        return ""

    def _reader(self, delivery_id: int) -> Reader | None:
        with self._store.reading() as session:
            return readers.of_delivery(session, delivery_id)
