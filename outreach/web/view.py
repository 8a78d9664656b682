"""`/v/TOKEN`: a message, in the browser: built anew from the compiled campaign, so that no copy of it is kept.

What the person has changed since shows as it is now. The policy allows the mail's own styles and pictures and nothing
else: no script, no form, no frame.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach.errors import DatabaseUnavailable, NotFound, TemplateError
from outreach.message import shown, splice
from outreach.message.compiled import Compiled
from outreach.message.recipient import Recipient, Stamp
from outreach.store import campaigns, deliveries, subscribers
from outreach.store.database import Store
from outreach.store.subscribers import Subscriber
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web.pages import GUARDS, Pages

#: Compiled campaigns that are kept in memory.
_KNOWN = 32


class View:
    """The endpoint, for GET and HEAD."""

    def __init__(self, store: Store, *, tokens: TokenMaker, pages: Pages, public_url: str) -> None:
        self._store = store
        self._tokens = tokens
        self._pages = pages
        self._public_url = public_url
        self._compiled: dict[int, Compiled] = {}
        parts = urlsplit(public_url)
        policy = (
            f"default-src 'none'; img-src {parts.scheme}://{parts.netloc} data:; style-src 'unsafe-inline'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._headers = {**GUARDS, "content-security-policy": policy, "cache-control": "no-store"}

    async def page(self, request: Request) -> Response:
        opened = self._tokens.read(Purpose.VIEW, request.path_params["token"])
        if opened is None:
            return self._pages.not_found
        if opened.is_test:
            return self._pages.render("test-mail.html")
        try:
            html = await run_in_threadpool(self._html, opened.delivery_id)
        except DatabaseUnavailable:
            return self._pages.unavailable
        except (NotFound, TemplateError):  # erased, or what the person is now no longer fits what was written
            return self._pages.not_found
        return Response(html, media_type="text/html", headers=self._headers)

    def _html(self, delivery_id: int) -> str:
        with self._store.reading() as session:
            delivery = deliveries.by_id(session, delivery_id)
            person = subscribers.by_id(session, delivery.subscriber_id)
            if delivery.campaign_id not in self._compiled:
                if len(self._compiled) >= _KNOWN:
                    self._compiled.clear()
                data = campaigns.compiled(session, delivery.campaign_id)
                self._compiled[delivery.campaign_id] = Compiled.from_bytes(data)
        stamp = self._stamp(delivery_id)
        return shown.html(splice.message(self._compiled[delivery.campaign_id], _recipient(person), stamp))

    def _stamp(self, delivery_id: int) -> Stamp:
        def url(path: str, purpose: Purpose, number: int = 0) -> str:
            return f"{self._public_url}/{path}/{self._tokens.make(purpose, delivery_id, number)}"

        return Stamp(
            message_id="view@localhost",  # stands in a header, which nobody sees here
            click=lambda number: url("l", Purpose.CLICK, number),
            unsubscribe=url("u", Purpose.UNSUBSCRIBE),
            preferences=url("p", Purpose.PREFERENCES),
            view=url("v", Purpose.VIEW),
        )


def _recipient(person: Subscriber) -> Recipient:
    attributes = {name: str(value) for name, value in person.attributes.items()}
    return Recipient(person.email, person.name, person.language, person.timezone, attributes)
