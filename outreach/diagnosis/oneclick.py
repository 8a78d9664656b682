"""Does one-click unsubscribe work where readers reach us (RFC 8058)? What the answers of the public URL mean."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from outreach.diagnosis import finding
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.heard import Heard, Trouble

#: What a mail program posts (RFC 8058, 3.1).
BODY = "List-Unsubscribe=One-Click"

PART = "one-click"

#: What acts on a page without anybody pressing a button.
_BY_ITSELF = re.compile(r"<script|http-equiv\s*=\s*[\"']?refresh|\bonload\s*=", re.IGNORECASE)

_RUN = "Let `outreach run` (or web) answer there, with this database and secret key."


def judge(post: Heard, get: Heard, forged: Heard) -> list[Finding]:
    """What the answers to one link say: to the POST, to a GET, and to a POST for a link that nobody was given."""
    url = post.url
    found: list[Finding] = []
    if urlsplit(url).scheme != "https" and not _is_loopback(urlsplit(url).hostname or ""):
        words = f"The unsubscribe link {_start(url)} is not https: mail programs then offer no one-click (RFC 8058)."
        found.append(finding.fault(PART, "one-click-not-https", words, "Set OUTREACH_PUBLIC_URL to an https address."))
    if post.trouble is Trouble.UNASKED:
        words = f"One-click unsubscribe could not be tried at {_start(url)}: {post.why}."
        return [*found, finding.warning(PART, "one-click-unanswered", words, "Look at this host's DNS, and again.")]
    if post.trouble:
        words = f"One-click unsubscribe cannot be reached at {_start(url)}: {post.why}."
        return [*found, finding.fault(PART, "one-click-away", words, _RUN)]
    if post.location:
        words = f"The POST of one-click unsubscribe is sent on to {post.location}; mail programs do not follow."
        return [*found, finding.fault(PART, "one-click-redirects", words, "Let the web server pass it on as it is.")]
    if post.status != 200:
        words = f"The POST of one-click unsubscribe is answered with {post.status} at {_start(url)}; it must be 200."
        remedy = _RUN if post.status == 404 else "Let the web server in front pass POST on as it is, without a login."
        return [*found, finding.fault(PART, "one-click-refused", words, remedy)]
    found += _others(get, forged)
    return found or [finding.ok(PART, f"One-click unsubscribe answers at {_start(url)}.")]


def _others(get: Heard, forged: Heard) -> list[Finding]:
    """A server that says 200 to everything is not ours; a page that acts by itself would unsubscribe for a scanner."""
    if not forged.trouble and forged.status == 200:
        words = f"{_start(forged.url)} says 200 to an unsubscribe link that nobody was given: somebody else answers."
        return [finding.fault(PART, "one-click-not-ours", words, _RUN)]
    if get.trouble or get.status != 200 or get.location:
        said = get.why or f"it answers {get.status}"
        words = f"The page behind the unsubscribe link cannot be read: {said}."
        return [finding.fault(PART, "unsubscribe-page", words, "Let the web server in front pass GET on as it is.")]
    if _BY_ITSELF.search(get.body):
        words = "The page behind the unsubscribe link holds something that acts by itself (a script, or a refresh)."
        remedy = "Take it out: scanners look at that page, and only a press of a button may change anything."
        return [finding.fault(PART, "unsubscribe-page-acts", words, remedy)]
    return []


def _start(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
