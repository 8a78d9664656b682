"""Do the links of a mail lead anywhere? Which ones are asked, and what their answers mean."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import lxml.html
from lxml.etree import ParserError

from outreach import address
from outreach.diagnosis import finding
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.heard import Heard, Trouble

#: Redirects that are followed.
MOST_HOPS = 5

PART = "links"

#: A telephone number as RFC 3966 has it: visual separators, perhaps parameters behind it.
_TEL = re.compile(r"(?P<number>\+?[0-9().\-]{3,})(?:;[A-Za-z0-9-]+(?:=[^;\s]+)?)*")
#: Moved for good (RFC 9110, 15.4).
_FOR_GOOD = {301, 308}
#: Answers that many servers give to machines alone.
_SHY = {401, 403, 405, 406, 429, 451, 503, 999}


@dataclass(frozen=True)
class Target:
    """One address that a mail leads to, or loads."""

    url: str
    #: The words of the link, or of the picture.
    label: str
    is_picture: bool = False


@dataclass(frozen=True)
class Followed:
    """A target, and what was heard on the way: its own answer first, then those of each redirect."""

    target: Target
    heard: tuple[Heard, ...]
    #: It leads on after `MOST_HOPS` redirects.
    endless: bool = False

    @property
    def last(self) -> Heard:
        """The answer that counts."""
        return self.heard[-1]


def targets(html: str, *, apart_from: Iterable[str] = ()) -> list[Target]:
    """Every http(s) address that a mail links to or loads, each once, in its order, but for some."""
    found = dict.fromkeys(apart_from)
    kept: list[Target] = []
    for element, url in _addresses(html):
        if urlsplit(url).scheme in {"http", "https"} and url not in found:
            found[url] = None
            words = " ".join((element.get("alt") or element.text_content()).split())
            kept.append(Target(url, words, element.tag == "img"))
    return kept


def malformed(html: str) -> Iterator[Finding]:
    """Links to write or to call that no program can follow; nobody is asked."""
    for _, url in _addresses(html):
        scheme, _, rest = url.partition(":")
        if scheme.lower() == "mailto" and not _is_mailto(rest):
            words = f"The link {url!r} names no address that can be written to."
            yield finding.fault(PART, "bad-mailto", words, "Write mailto:name@example.org")
        elif scheme.lower() in {"tel", "sms"} and not _TEL.fullmatch(unquote(rest).partition("?")[0].replace(" ", "-")):
            words = f"The link {url!r} names no number that can be called."
            yield finding.fault(PART, "bad-tel", words, "Write tel:+49-30-123456, with + and the country.")


def judge(followed: Sequence[Followed]) -> list[Finding]:
    """What is wrong with links that were followed; those to one host that is away are one finding."""
    away: dict[tuple[str, str], list[Followed]] = defaultdict(list)
    found: list[Finding] = []
    for each in followed:
        trouble = each.last.trouble
        if trouble in {Trouble.NAME, Trouble.UNASKED, Trouble.AWAY, Trouble.TLS} and len(each.heard) == 1:
            away[(urlsplit(each.last.url).netloc, each.last.why)].append(each)
        else:
            found += _judged(each)
    return [_away(host, why, several) for (host, why), several in away.items()] + found


def _judged(each: Followed) -> Iterator[Finding]:
    last, what = each.last, _what(each.target)
    via = f", by way of {last.url}" if len(each.heard) > 1 else ""
    if last.trouble is Trouble.INSIDE:
        words = f"{what} leads on to {last.url}, in an inner network or on this machine: readers cannot follow."
        yield finding.fault(PART, "link-leads-inside", words, "Mend the redirect, or link to another page.")
    elif last.trouble is Trouble.UNASKED:
        yield finding.warning(
            PART, "link-unanswered", f"{what}{via}: {last.why}.", "Look at this host's DNS, and again."
        )
    elif last.trouble:
        yield finding.fault(PART, "link-away", f"{what}{via}: {last.why}.", "Open it by hand; mend it, or take it out.")
    elif each.endless:
        words = f"{what} leads on more than {MOST_HOPS} times."
        yield finding.fault(PART, "link-redirects", words, "Link to where it ends.")
    elif last.status in _SHY:
        words = f"{what} answers {last.status}{via}, perhaps only to machines."
        yield finding.warning(PART, "link-refused", words, "Open it by hand.")
    elif last.status >= 400 or last.status < 200:
        code = "picture-dead" if each.target.is_picture else "link-dead"
        yield finding.fault(PART, code, f"{what} answers {last.status}{via}.", "Mend the address, or take it out.")
    elif len(each.heard) > 1:
        yield _moved(each, what)


def _moved(each: Followed, what: str) -> Finding:
    hops = ", ".join(str(heard.status) for heard in each.heard[:-1])
    if urlsplit(each.last.url).scheme == "http" and urlsplit(each.target.url).scheme == "https":
        words = f"{what} leads on to {each.last.url}, which is not encrypted."
        return finding.warning(PART, "link-redirects-to-http", words, "Link to a page that is https to its end.")
    words = f"{what} leads on to {each.last.url} ({hops})."
    if {heard.status for heard in each.heard[:-1]} <= _FOR_GOOD:
        return finding.warning(PART, "link-redirects", words, "It moved for good: link to that address.")
    return finding.ok(PART, words)


def _away(host: str, why: str, several: Sequence[Followed]) -> Finding:
    what = _what(several[0].target) if len(several) == 1 else f"{len(several)} links to {host}"
    if several[0].last.trouble is Trouble.UNASKED:
        return finding.warning(PART, "link-unanswered", f"{what}: {why}.", "Look at this host's DNS, and again.")
    code = "link-tls" if several[0].last.trouble is Trouble.TLS else "link-away"
    return finding.fault(PART, code, f"{what}: {why}.", "Open it by hand; mend it, or take it out.")


def _what(target: Target) -> str:
    kind = "picture" if target.is_picture else "link"
    return f"The {kind} {target.label!r} ({target.url})" if target.label else f"The {kind} {target.url}"


def _is_mailto(rest: str) -> bool:
    """RFC 6068: addresses with commas between them, perhaps fields behind a question mark."""
    to = unquote(rest.partition("?")[0])
    return bool(to) and all(address.is_one(each) for each in to.split(","))


def _addresses(html: str) -> Iterator[tuple[lxml.html.HtmlElement, str]]:
    try:
        document = lxml.html.document_fromstring(html)
    except ParserError:  # nothing in it
        return
    for element in document.iter("a", "area", "img"):
        url = (element.get("src" if element.tag == "img" else "href") or "").strip()
        if url:
            yield element, url
