"""`/subscribe/LIST`, `/confirm/TOKEN`: joining a list by oneself. A form asks, a mail is sent, and a press confirms.

Looking never changes anything: mail scanners follow links, so the confirming is a POST of its own. What a form is
answered with says the same whether or not somebody is known, was mailed, or has asked too often, and takes the same
time. A field that people do not see and machines fill in (a honeypot) gets that same answer, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach import address
from outreach.actions import join, prefer
from outreach.actions.join import Confirmation, Letter, Outcome, Wish
from outreach.errors import AddressError, DatabaseUnavailable
from outreach.language import N_
from outreach.store import lists
from outreach.store.database import Store
from outreach.store.lists import MailingList, Tracking
from outreach.tracking import client
from outreach.tracking.client import Networks
from outreach.tracking.token import Purpose, TokenMaker
from outreach.web import form
from outreach.web.choices import masked
from outreach.web.pages import Pages, wishes

#: What people agree to on the form, in English; pages say it in their language.
WORDING = N_("I want to receive “%(title)s” by e-mail. I can leave at any time, with one press in every mail.")

#: The field that nobody sees.
TRAP = "website"

#: Seconds that the answer to a form takes, whatever was done: longer than any of it takes.
EVENLY = 0.4


@dataclass(frozen=True)
class Desk:
    """What joining needs beside the database."""

    letter: Letter
    #: Makes the hashes under which requests are counted.
    key: bytes
    #: Those under which erased people stand among the suppressions.
    erasure_keys: Sequence[bytes]


class Joining:
    """The endpoints: GET and HEAD show, POST acts."""

    def __init__(self, store: Store, desk: Desk, *, tokens: TokenMaker, pages: Pages, trusted: Networks) -> None:
        self._store = store
        self._desk = desk
        self._tokens = tokens
        self._pages = pages
        self._trusted = trusted

    async def form(self, request: Request) -> Response:
        """The form of a public list; any other list gets the answer of one that is not there."""
        given = await form.fields(request) if request.method == "POST" else None
        try:
            group = await run_in_threadpool(self._public, request.path_params["name"])
            if group is None:
                return self._pages.not_found
            if given is None:
                return self._form(group, wishes(request))
            return await self._asked(group, given, request)
        except DatabaseUnavailable:
            return self._pages.unavailable

    async def confirm(self, request: Request) -> Response:
        """The page behind the link in the mail."""
        opened = self._tokens.read(Purpose.CONFIRM, request.path_params["token"])
        if opened is None:
            return self._pages.not_found
        acts = request.method == "POST"
        if acts:
            await form.body(request)
        try:
            return await run_in_threadpool(self._confirmed, opened.delivery_id, acts, wishes(request))
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _public(self, name: str) -> MailingList | None:
        with self._store.reading() as session:
            group = lists.find(session, name)
        return group if group is not None and group.public else None

    def _form(self, group: MailingList, wished: Sequence[str], wrong: str = "", email: str = "") -> Response:
        language = self._pages.languages.best(wished)
        values = {
            "list_title": group.title,
            "wording": language.say(WORDING, title=group.title),
            "tracking": language.say(prefer.WORDING) if group.tracking is Tracking.INDIVIDUAL else "",
            "trap": TRAP,
            "wrong": wrong,
            "email": email,
        }
        return self._pages.render("subscribe.html", status=422 if wrong else 200, values=values, wishes=wished)

    async def _asked(self, group: MailingList, given: dict[str, str], request: Request) -> Response:
        # The words are kept as they were read: in the language of the page that the form was on.
        wished = [form.line(given, "language"), *wishes(request)]
        email, name = form.line(given, "email", longest=320), form.line(given, "name")
        wrong = _wrong(email, given)
        if wrong:
            return self._form(group, wished, wrong, email)
        language = self._pages.languages.best(wished)
        agreed = group.tracking is Tracking.INDIVIDUAL and "tracking" in given
        wish = Wish(
            email=email,
            name=name,
            language=language.tag,
            wording=language.say(WORDING, title=group.title),
            tracking_wording=language.say(prefer.WORDING) if agreed else "",
        )
        peer = request.client.host if request.client else ""
        who = client.address(peer, request.headers.getlist("x-forwarded-for"), self._trusted)
        work = [asyncio.sleep(EVENLY)] if given.get(TRAP) else [asyncio.sleep(EVENLY), self._ask(group, wish, who)]
        await asyncio.gather(*work)
        values = {"list_title": group.title, "email": email, "again": f"/subscribe/{group.name}"}
        return self._pages.render("check-mail.html", values=values, wishes=wished)

    async def _ask(self, group: MailingList, wish: Wish, who: str) -> None:
        desk, now = self._desk, datetime.now(UTC)
        ask = partial(join.ask, self._store, group.number, wish, letter=desk.letter, client=who, key=desk.key, now=now)
        await run_in_threadpool(ask)

    def _confirmed(self, delivery_id: int, acts: bool, wished: Sequence[str]) -> Response:
        now = datetime.now(UTC)
        if acts:
            found = join.confirm(self._store, delivery_id, erasure_keys=self._desk.erasure_keys, now=now)
        else:
            found = join.look(self._store, delivery_id, now=now)
        if found.outcome is Outcome.UNKNOWN:
            return self._pages.not_found
        name = "confirm.html" if found.outcome is Outcome.CONFIRMED and not acts else _SAID[found.outcome]
        return self._pages.render(name, values=self._told(found, delivery_id), wishes=[found.language, *wished])

    def _told(self, found: Confirmation, delivery_id: int) -> dict[str, str]:
        return {
            "list_title": found.list_title,
            "address": masked(found.email),
            "again": f"/subscribe/{found.list_name}",
            "preferences": "/p/" + self._tokens.make(Purpose.PREFERENCES, delivery_id),
        }


#: The page after the press, or where there is nothing to press.
_SAID = {
    Outcome.CONFIRMED: "confirmed.html",
    Outcome.ALREADY: "confirmed.html",
    Outcome.EXPIRED: "confirm-expired.html",
}


def _wrong(email: str, given: dict[str, str]) -> str:
    """What is wrong with a form: `email`, `consent`, or nothing."""
    try:
        address.parse(email)
    except AddressError:
        return "email"
    return "" if "consent" in given else "consent"
