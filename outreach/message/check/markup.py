"""Is the HTML of a mail put together so that everybody's program can read it out, find its way in it, and load it?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from outreach.message.check.fault import Fault, shortened, warning
from outreach.message.check.links import same_site
from outreach.message.check.mail import Mail, split, words

#: Elements that mail clients drop, or that make them distrust the mail.
UNSUPPORTED = ("script", "form", "iframe", "object", "embed", "video", "audio", "svg", "canvas", "base", "link")

#: Alt texts that were made by a camera or a program.
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|avif|bmp|heic)|(?:img|dsc|dscn|pict?|screenshot|image|bild|foto|photo)[\s_-]*\d+",
    re.IGNORECASE,
)


def head(mail: Mail) -> Iterator[Fault]:
    """Title and language."""
    if not (mail.document.findtext(".//title") or "").strip():
        yield warning("no-title", "The HTML has no <title>: screen readers and the browser view announce it.")
    if not mail.language:
        yield warning("no-language", "The <html> element has no lang: screen readers then guess the language.")
    elif not mail.document.xpath("//body//*[@lang]"):
        yield warning(
            "no-language-inside",
            "No element inside <body> has a lang: webmail drops <html>, and screen readers then guess the language. "
            "Put lang on the element around all.",
        )


def headings(mail: Mail) -> Iterator[Fault]:
    """One heading above all, and no level left out: how screen readers leap through a mail."""
    found = [each for each in mail.document.iter("h1", "h2", "h3", "h4", "h5", "h6") if not mail.is_hidden(each)]
    levels = [int(str(each.tag)[1]) for each in found]
    if levels.count(1) != 1:
        many = "no <h1>" if 1 not in levels else f"{levels.count(1)} <h1>"
        yield warning("headings", f"The mail has {many}: it needs one heading above all others.")
    for before, level, element in zip(levels, levels[1:], found[1:], strict=False):
        if level > before + 1:
            yield warning(
                "headings",
                f"The heading {shortened(words(element))} leaps from level {before} to {level}: leave none out.",
            )


def tables(mail: Mail) -> Iterator[Fault]:
    """Tables that only lay out say so; else a screen reader reads out rows and columns."""
    bare = [
        each
        for each in mail.document.iter("table")
        if each.get("role") not in {"presentation", "none"} and each.find(".//th") is None
    ]
    if bare:
        yield warning(
            "table-without-role",
            f'{len(bare)} of the tables that only lay out lack role="presentation": they are read out cell by cell.',
        )


def pictures(mail: Mail) -> Iterator[Fault]:
    """Whether who does not see a picture knows what it shows."""
    for picture in mail.document.iter("img"):
        source = picture.get("src") or "without src"
        alt = picture.get("alt")
        if alt is None:
            yield warning("no-alt", f'The picture {source} has no alt text (alt="" if it only decorates).')
        elif _FILE_NAME.fullmatch(alt.strip()):
            yield warning(
                "alt-is-file-name", f"The alt text {alt!r} is the name of a file: say what the picture shows."
            )


def resources(mail: Mail) -> Iterator[Fault]:
    """What is loaded from others, and what most readers remove."""
    for element, attribute, href, _ in mail.document.iterlinks():
        url = split(href)
        if element.tag in {"a", "area", "form", "html"} or attribute == "cite" or url is None:
            continue
        if (url.scheme in {"http", "https"} or href.startswith("//")) and not same_site(url, mail.public_url):
            message = f"{href} is loaded from {url.hostname}, which then learns who reads: serve it under /media/."
            yield warning("third-party", message)
    for tag in UNSUPPORTED:
        if next(mail.document.iter(tag), None) is not None:
            yield warning("unsupported-element", f"<{tag}> does not work in mail: most readers remove it.")
