"""How does a message show in a browser: as the person got it, or to everybody, as nobody in particular?

Everybody sees no value of any person, no link that is counted, and none that belongs to one message: the destinations
stand in place of tracked links, links to unsubscribe, preferences and the view in browser are gone, and with them what
a layout marks by `data-only`: `recipient` ("You receive this because ..."), or `inbox` (the preheader).
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage, MIMEPart

import lxml.html

from outreach.message import splice
from outreach.message.compiled import Compiled, Field
from outreach.message.recipient import Recipient, Stamp

_OWN = {name: f"https://{name}.invalid/" for name in ("unsubscribe", "preferences", "view")}
_CLICK = "https://click.invalid/"
#: What layouts fill the rest of the inbox's line with.
_FILLER = "\u034f\u200c\u00a0"


@dataclass(frozen=True)
class Letter:
    """A message that names nobody."""

    title: str
    #: The line that inboxes show beside the subject; "" where there is none.
    preheader: str
    language: str
    #: A whole HTML document.
    html: str


def html(message: bytes) -> str:
    """The HTML of a message, the pictures that travel in it put in its place as data."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return _html(parsed)


def letter(compiled: Compiled, urls: Mapping[int, str], *, bar: str = "") -> Letter:
    """The message for everybody; `urls` says where its links lead, by number, and `bar` is HTML to stand above it.

    Raises TemplateError where a template fails for somebody without a name.
    """
    nobody = replace(compiled, pieces=tuple(each for each in compiled.pieces if each is not Field.TO), memo={})
    stamp = Stamp(
        message_id="letter@localhost",  # stands in a header, which nobody sees here
        click=lambda number: f"{_CLICK}{number}",
        unsubscribe=_OWN["unsubscribe"],
        preferences=_OWN["preferences"],
        view=_OWN["view"],
    )
    parsed = email.message_from_bytes(splice.message(nobody, Recipient(""), stamp), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    page = lxml.html.document_fromstring(_html(parsed))
    assert isinstance(page, lxml.html.HtmlElement)
    preheader = " ".join(" ".join(each.text_content() for each in page.xpath("//*[@data-only='inbox']")).split(_FILLER))
    _take_out(page)
    for link in page.iter("a"):
        url = link.get("href", "")
        if url.startswith(_CLICK):
            link.set("href", urls.get(int(url.removeprefix(_CLICK)), ""))
    if bar:
        page.body.insert(0, lxml.html.fragment_fromstring(bar))
    return Letter(
        title=str(parsed["Subject"] or ""),
        preheader=" ".join(preheader.split()),
        language=page.get("lang") or "en",
        html=lxml.html.tostring(page, encoding="unicode", doctype="<!doctype html>"),
    )


def _take_out(page: lxml.html.HtmlElement) -> None:
    """Remove what is for the recipient alone, and what is left empty by that."""
    for element in page.xpath("//*[@data-only]"):
        element.drop_tree()
    own = set(_OWN.values())
    for link in [each for each in page.iter("a") if each.get("href") in own]:
        around = link.getparent()
        link.drop_tree()
        while around is not None and around.tag not in {"td", "body"} and _is_empty(around):
            around, empty = around.getparent(), around
            empty.drop_tree()


def _is_empty(element: lxml.html.HtmlElement) -> bool:
    return not element.text_content().strip() and element.find(".//img") is None


def _html(parsed: EmailMessage) -> str:
    body = parsed.get_body(("html",))
    written = "" if body is None else str(body.get_content())
    for part in parsed.walk():
        name = (part.get("Content-ID") or "").strip("<> ")
        if name and part.get_content_maintype() == "image":
            written = written.replace(f"cid:{name}", _data_url(part))
    return written


def _data_url(part: MIMEPart) -> str:
    return f"data:{part.get_content_type()};base64,{str(part.get_payload()).strip()}".replace("\n", "").replace(
        "\r", ""
    )
