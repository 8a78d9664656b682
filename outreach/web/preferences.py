"""`/p/TOKEN`: what lists a reader is on, fewer messages or a pause, leaving one or all, and whether clicks may be kept
with their name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach.actions import prefer
from outreach.errors import DatabaseUnavailable
from outreach.store import readers
from outreach.store.database import Store
from outreach.store.readers import Reader
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import choices, form
from outreach.web.choices import Done, Visit
from outreach.web.pages import Pages, wishes

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
        wished = wishes(request)
        if opened.is_test:
            return self._pages.render("test-mail.html", wishes=wished)
        try:
            return await run_in_threadpool(self._answer, opened.delivery_id, wanted, wished)
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _answer(self, delivery_id: int, wanted: dict[str, str], wished: Sequence[str]) -> Response:
        reader = self._reader(delivery_id)
        if reader is None:
            return self._pages.render("unknown-reader.html", wishes=wished)
        now = datetime.now(UTC)
        done = self._act(Visit(self._store, reader, delivery_id, SOURCE, now), wanted)
        reader = (self._reader(delivery_id) if done else reader) or reader
        spoken = [reader.language, *wished]
        values = {
            **choices.shown(reader, now),
            "address": choices.masked(reader.email),
            "tracking": reader.tracking_consent,
            "asked": any(each.individual for each in reader.current),
            "wording": self._pages.languages.best(spoken).say(prefer.WORDING),
            "done": done,
        }
        return self._pages.render("preferences.html", values=values, wishes=spoken)

    def _act(self, visit: Visit, wanted: dict[str, str]) -> Done | None:
        """Do what the form asks for; None where it asked for nothing that can be done."""
        if "leave" in wanted:
            return visit.leave(wanted["leave"])
        if "less" in wanted:
            return visit.less(wanted)
        if wanted.get("tracking") not in {"on", "off"}:
            return None
        agreed = wanted["tracking"] == "on"
        # The words are kept as they were read: in the language of the page that the form was on.
        wording = self._pages.languages.best([form.line(wanted, "language")]).say(prefer.WORDING)
        person = visit.reader.subscriber_id
        prefer.tracking(self._store, person, agreed, source=SOURCE, now=visit.now, wording=wording)
        return Done("agreed" if agreed else "withdrawn")

    def _reader(self, delivery_id: int) -> Reader | None:
        with self._store.reading() as session:
            return readers.of_delivery(session, delivery_id)
