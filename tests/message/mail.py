"""Articles, layouts and people that the tests of this room compile, and an independent way to make the same mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from typing import Any

import jinja2
from markupsafe import Markup

from outreach import language
from outreach.address import parse_mailbox
from outreach.message import article as articles
from outreach.message import compile, inline
from outreach.message.compiled import Compiled
from outreach.message.headers import Identity
from outreach.message.recipient import Recipient, Stamp
from outreach.message.template import Layout

DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

ARTICLE = """---
title: On cells
subject: {subject}
preheader: {preheader}
language: en
links:
  quote: https://clinic.example/quote?a=1&b=%27x%27#top
  accreditation: https://gha.example/
---

{body}
"""

BODY = """Dear {{ name | fallback('reader') }},

here is the news from {{ city }}, see [the study](https://example.org/s?x=1&y=(2)) and [the seal](accreditation).

**[Receive a Free Medical Quote](quote)**

Again: [a quote](quote), [write us](mailto:us@example.org).
"""

HTML = """<!doctype html>
<html lang="{{ article.language }}" dir="{{ article.direction }}"><head><meta charset="utf-8">
<title>{{ article.subject }}</title></head>
<body class="page"><div class="preheader" style="display:none">{{ article.preheader }}</div>
<table role="presentation"><tr><td class="letter">
<h1>{{ article.title }}</h1>
{{ article.body }}
<p title="{{ name | default('you') }}: {{ subscriber.city }}"><!-- for {{ name }} -->
<a href="mailto:{{ email }}">{{ email }}</a></p>
</td></tr></table>
<p>{{ mailing_list.title }}, {{ publisher.name }}, {{ postal_address }}
<a href="{{ links.unsubscribe }}">Unsubscribe</a> <a href="{{ links.preferences }}">Preferences</a>
<a href="{{ links.view }}">View</a></p></body></html>
"""

CSS = ".letter { color: #222; font: 16px/1.5 serif } .letter p { margin: 0 0 1em } a:hover { color: red }"

#: For the parts that are looked at one by one.
BARE = "<!doctype html><html><head><title>t</title></head><body><div>{{ article.body }}</div></body></html>"


def article(body: str = BODY, *, subject: str = "News for {{ name | fallback('you') }}", preheader: str = "Hi") -> Any:
    """An article with this body."""
    return articles.parse(
        ARTICLE.format(body=body, subject=repr_yaml(subject), preheader=repr_yaml(preheader)), file="cells.md"
    )


def repr_yaml(text: str) -> str:
    """A text as YAML writes it between quotation marks."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def identity(**changes: Any) -> Identity:
    """Who sends."""
    values: dict[str, Any] = {
        "sender": parse_mailbox("Clinic News <news@clinic.example>"),
        "reply_to": None,
        "subject": "News for {{ name | fallback('you') }}",
        "postal_address": "1 Road, Town",
        "list_name": "cells",
        "list_title": "Cell news",
        "public_url": "https://go.clinic.example",
    }
    return Identity(**{**values, **changes})


def compiled(
    body: str = BODY,
    *,
    html: str = HTML,
    css: str = CSS,
    subject: str = "News for {{ name | fallback('you') }}",
    preheader: str = "Hi",
    sources: Mapping[str, str] | None = None,
    tracked: bool = False,
    images: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Compiled:
    """A campaign of this body in this layout."""
    read = article(body, subject=subject, preheader=preheader)
    layout = Layout("plain", {"layout.html": html, "layout.css": css, **(sources or {})})
    who = identity(subject=subject, **changes)
    return compile.campaign(read, layout, who, date=DATE, tracked=tracked, images=images or {})


def stamp(delivery: int = 7) -> Stamp:
    """What a delivery brings along."""
    start = "https://go.clinic.example"
    return Stamp(
        message_id=f"{delivery}.abc@clinic.example",
        click=lambda number: f"{start}/l/{delivery:016}{number:016}",
        unsubscribe=f"{start}/u/{delivery:032}",
        preferences=f"{start}/p/{delivery:032}",
        view=f"{start}/v/{delivery:032}",
        feedback_id="cells:clinic",
    )


def person(name: str = "Ann Lee", city: str = "Berlin", **more: str) -> Recipient:
    """A recipient."""
    known = {key: more.pop(key) for key in ("email", "language", "timezone") if key in more}
    return Recipient(known.pop("email", "ann@example.org"), name, **known, attributes={"city": city, **more})


def parsed(data: bytes) -> EmailMessage:
    """The message as the standard library reads it."""
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def parts(data: bytes) -> tuple[str, str]:
    """Text and HTML of a message, as the standard library decodes them."""
    message = parsed(data)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def one_line(value: str) -> str:
    """What may stand in a message, by a rule of the tests' own."""
    spaced = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" else c for c in value)
    return re.sub("[\ufdd0-\ufdef\ufffe\uffff]", "\ufffd", spaced)


def rendered(
    source: str, recipient: Recipient, *, body: str = BODY, preheader: str = "Hi", subject: str = "", read: Any = None
) -> str:
    """What ordinary Jinja, which knows everything about the recipient, makes of the same templates."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["fallback"] = environment.filters["default"] = _fallback
    read, own = read or article(body, subject=subject or "-", preheader=preheader), stamp()
    fields = {"name": recipient.name, "email": recipient.email, "language": recipient.language}
    fields = {key: one_line(value) for key, value in {**fields, **recipient.attributes}.items()}
    scope: dict[str, Any] = {
        **fields,
        "subscriber": fields,
        "links": {"unsubscribe": own.unsubscribe, "preferences": own.preferences, "view": own.view, **read.links},
        "publisher": {"name": "Clinic News", "address": "news@clinic.example"},
        "mailing_list": {"name": "cells", "title": "Cell news"},
        "postal_address": "1 Road, Town",
        "spoken": {"language": "en", "direction": "ltr"},
        "_": partial(language.spoken, {}),
    }
    plain = environment.overlay(autoescape=False)
    about = {
        "title": read.title,
        "language": read.language,
        "direction": read.direction,
        "subject": plain.from_string(subject).render(scope),
        "preheader": plain.from_string(preheader).render(scope),
        "body": Markup(environment.from_string(articles.render_html(read)).render(scope)),
    }
    return environment.from_string(source).render({**scope, "article": about})


def inlined(source: str, recipient: Recipient, css: str = CSS, **more: Any) -> str:
    """premailer run on that recipient's own HTML."""
    return inline.inline(rendered(source, recipient, **more), css)


def _fallback(value: Any, instead: str = "") -> Any:
    return instead if isinstance(value, jinja2.Undefined) or not str(value).strip() else value
