"""A mail without fault, and mails that have one more thing in them."""

from __future__ import annotations

from typing import Any

import lxml.html

from outreach.message.check import Fault, faults

LEAVE = "https://news.example.org/u/token"
GOOD = f"""<!doctype html><html lang="en"><head><title>T</title></head><body><p style="display:none">First</p>
<div lang="en"><h1>Hello</h1>
<p><a href="https://example.org/guide">Our guide</a><img src="https://news.example.org/media/a.png" alt="A nurse"></p>
<p><a href="{LEAVE}">Unsubscribe</a></p></div></body></html>"""


def said(html: str) -> str:
    """A text part that has every word and every link of the HTML."""
    page = lxml.html.document_fromstring(f"<p></p>{html}")
    return " ".join([*page.itertext(), *(link.get("href", "") for link in page.iter("a"))])


def look(body: str = "", *, style: str = "", **changes: Any) -> list[Fault]:
    """What is found in the good mail with this in its body, and this in its sheet."""
    html = GOOD.replace("</body>", f"{body}</body>").replace("</head>", f"<style>{style}</style></head>")
    html = changes.get("html", html)
    facts: dict[str, Any] = {
        "subject": "A letter",
        "html": html,
        "text": said(html),
        "unsubscribe": LEAVE,
        "public_url": "https://news.example.org",
        "postal_address": "12 Harbour Street, Exampleton",
    }
    return faults(**facts | changes)


def codes(found: list[Fault]) -> list[tuple[str, str]]:
    """Severity and code of each."""
    return [(fault.severity.value, fault.code) for fault in found]


def told(found: list[Fault], code: str) -> list[str]:
    """The words of those with this code."""
    return [fault.message for fault in found if fault.code == code]
