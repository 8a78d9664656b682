"""`/archive`, `/archive/NUMBER`, `/feed.xml`: what a publisher made public, for everybody and for feed readers.

A letter is the campaign as it was compiled, written to nobody: no value of any person, no counted link, no token. Its
path is a number, which says nothing of what it is about. What is not public gets the same answer as what is not there.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any, cast
from urllib.parse import urlsplit

from lxml import etree
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach import language
from outreach.errors import DatabaseUnavailable, NotFound, TemplateError
from outreach.message import shown
from outreach.message.compiled import Compiled
from outreach.message.shown import Letter
from outreach.store import archive, campaigns, installation, links
from outreach.store.archive import Issue
from outreach.store.database import Store
from outreach.tracking import destination
from outreach.web.pages import GUARDS, Pages, wishes

#: Letters on one page, in the feed, and kept in memory.
PAGE, FEED, KNOWN = 50, 20, 200

#: How long others may keep a page of the archive, in seconds: a letter that is withdrawn is gone after that.
KEPT = 300

_ATOM = "http://www.w3.org/2005/Atom"
_LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Entry:
    """A letter of the archive with its place there."""

    number: int
    at: datetime
    list_title: str
    letter: Letter

    @property
    def title(self) -> str:
        """What the list of letters calls it."""
        return self.letter.title or self.list_title

    @property
    def language(self) -> str:
        """The language that it is written in."""
        return self.letter.language

    @property
    def direction(self) -> str:
        """Which way it is written."""
        return language.direction(self.letter.language)


class Archive:
    """The endpoints, for GET and HEAD."""

    def __init__(self, store: Store, *, pages: Pages, public_url: str, name: str) -> None:
        """`name` is whose letters these are, for the feed."""
        self._store = store
        self._pages = pages
        self._public_url = public_url
        self._name = name
        self._letters: dict[Issue, Letter] = {}
        self._lock = Lock()
        parts = urlsplit(public_url)
        policy = (
            f"default-src 'none'; img-src {parts.scheme}://{parts.netloc} data:; style-src 'unsafe-inline'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._headers = {**GUARDS, **_OPEN, "content-security-policy": policy}
        del self._headers["x-robots-tag"]

    async def index(self, request: Request) -> Response:
        """All letters, the newest first."""
        before = request.query_params.get("before", "")
        if before and not _is_number(before):
            return self._pages.not_found
        return await self._answered(self._index, int(before) if before else None, wishes(request))

    async def letter(self, request: Request) -> Response:
        """One letter."""
        number = request.path_params["number"]
        return await self._answered(self._letter, int(number)) if _is_number(number) else self._pages.not_found

    async def feed(self, _: Request) -> Response:
        """The newest letters as an Atom feed (RFC 4287)."""
        return await self._answered(self._feed)

    async def _answered(self, work: Callable[..., Response | None], *about: Any) -> Response:
        try:
            return await run_in_threadpool(work, *about) or self._pages.not_found
        except DatabaseUnavailable:
            return self._pages.unavailable

    def _index(self, before: int | None, wished: list[str]) -> Response | None:
        entries, more = self._entries(PAGE, before)
        if entries is None:
            return None
        values = {"letters": entries, "older": entries[-1].number if more else None}
        answer = self._pages.render("archive.html", values=values, wishes=wished)
        answer.headers.update(_OPEN)
        del answer.headers["x-robots-tag"]
        return answer

    def _letter(self, number: int) -> Response | None:
        with self._store.reading() as session:
            issue = archive.issue(session, number)
        entry = self._entry(issue) if issue else None
        return Response(entry.letter.html, media_type="text/html", headers=self._headers) if entry else None

    def _feed(self) -> Response | None:
        entries, _ = self._entries(FEED, None)
        if entries is None:
            return None
        with self._store.reading() as session:
            installed = installation.fact(session, "installation_id") or ""
        data = _atom(entries, self._public_url, self._name, installed)
        policy = "default-src 'none'; frame-ancestors 'none'"
        headers = {**GUARDS, **_OPEN, "content-security-policy": policy}
        return Response(data, media_type="application/atom+xml", headers=headers)

    def _entries(self, limit: int, before: int | None) -> tuple[list[Entry] | None, bool]:
        """Letters, and whether older ones follow; None where nothing is public at all."""
        with self._store.reading() as session:
            if not archive.is_open(session):
                return None, False
            issues = archive.issues(session, limit=limit + 1, before=before)
        entries = [self._entry(issue) for issue in issues[:limit]]
        return [entry for entry in entries if entry is not None], len(issues) > limit

    def _entry(self, issue: Issue) -> Entry | None:
        """The letter of a campaign; None where it cannot be written to nobody."""
        letter = self._letters.get(issue)
        if letter is None:
            try:
                letter = self._made(issue)
            except (NotFound, TemplateError):
                return None
            with self._lock:
                if len(self._letters) >= KNOWN:
                    del self._letters[next(iter(self._letters))]
                self._letters[issue] = letter
        return Entry(issue.number, issue.launched_at, issue.list_title, letter)

    def _made(self, issue: Issue) -> Letter:
        with self._store.reading() as session:
            compiled = Compiled.from_bytes(campaigns.compiled(session, issue.number))
            found = links.urls(session, [issue.number])
        urls = {number: destination.location(url) or "" for (_, number), url in found.items()}
        first = shown.letter(compiled, urls)
        values = {"at": issue.launched_at, "list_title": issue.list_title}
        bar = self._pages.fragment("letter-bar.html", values, wishes=[first.language])
        return shown.letter(compiled, urls, bar=bar)


#: What may be kept and shown elsewhere: it is the same for everybody.
_OPEN = {"cache-control": f"public, max-age={KEPT}"}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 11 and int(text) <= _LARGEST


def _atom(entries: list[Entry], public_url: str, name: str, installed: str) -> bytes:
    """The feed. Its ids stay the same when the installation moves to another address."""
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"outreach:{installed}")
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap=cast("Any", {None: _ATOM}))
    _put(feed, "id", own.urn)
    _put(feed, "title", name)
    _put(feed, "updated", _moment(max((entry.at for entry in entries), default=datetime(2000, 1, 1, tzinfo=UTC))))
    _put(_put(feed, "author"), "name", name)
    _put(feed, "link", rel="self", type="application/atom+xml", href=f"{public_url}/feed.xml")
    _put(feed, "link", rel="alternate", type="text/html", href=f"{public_url}/archive")
    for entry in entries:
        item = _put(feed, "entry")
        item.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
        _put(item, "id", uuid.uuid5(own, str(entry.number)).urn)
        _put(item, "title", entry.title)
        _put(item, "updated", _moment(entry.at))
        _put(item, "published", _moment(entry.at))
        _put(item, "link", rel="alternate", type="text/html", href=f"{public_url}/archive/{entry.number}")
        if entry.letter.preheader:
            _put(item, "summary", entry.letter.preheader)
        _put(item, "category", term=entry.list_title)
    data: bytes = etree.tostring(feed, xml_declaration=True, encoding="utf-8")
    return data


def _put(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    child.text = text
    return child


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
