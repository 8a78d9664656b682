"""What is an article?  Markdown under front matter: what is said, apart from how it looks and who reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from outreach import address
from outreach.errors import AddressError, ArticleError
from outreach.language import direction
from outreach.message import expressions, frontmatter, markdown
from outreach.message.frontmatter import FrontMatter, Value

#: Names that templates know as something else of the article.
RESERVED_KEYS = {"body", "direction"}
_OWN_KEYS = {"title", "subject", "preheader", "sender", "reply_to", "language", "links"}
_OTHER_SPELLINGS = {"from": "sender", "reply-to": "reply_to"}

#: ISO 639-1, the languages that have a tag of two letters (RFC 5646, 2.2.1).
_LANGUAGES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|[0-9]{3}))?")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Article:
    """One article, checked: everything but the layout, the list and the moment."""

    #: The file's name without folder and suffix.
    name: str
    title: str
    #: The mail's subject line, which may hold Jinja; the title where the article gives none.
    subject: str
    preheader: str
    #: `Name <address>`; None leaves it to the campaign or the setting.
    sender: str | None
    reply_to: str | None
    #: A language tag such as `en` or `pt-BR` (RFC 5646).
    language: str
    #: Link role -> URL; "" where the article leaves it to a setting.
    links: Mapping[str, str]
    #: Markdown as written, after the front matter.
    body: str
    #: The line of the file where the body begins, counted from 1.
    body_line: int
    #: Further front matter, which the layout reads as `article.<key>`.
    extra: Mapping[str, str] = field(default_factory=dict)
    #: The file as it was named, for messages.
    file: str = ""
    #: The roles that links in the body lead to, in the order of the text.
    roles: tuple[str, ...] = ()

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as the language (or the script in its tag) is written."""
        return direction(self.language)

    @property
    def dead_roles(self) -> tuple[str, ...]:
        """Roles that links lead to or that are declared, and that have no URL."""
        named = dict.fromkeys((*self.roles, *self.links))
        return tuple(role for role in named if not self.links.get(role))

    def with_links(self, urls: Mapping[str, str | None]) -> Article:
        """A copy in which the declared roles that were left empty have these URLs."""
        filled = {role: url or urls.get(role) or "" for role, url in self.links.items()}
        return replace(self, links=filled)


def parse(text: str, *, file: str) -> Article:
    """The article that a file's text holds; what is missing has its default.

    Raises ArticleError with the file and line: front matter that is broken or lacks a title, a value with a line break
    in it, an unknown language, a link that a mail cannot hold, Jinja that is never closed, no text at all.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ArticleError(f"The text holds a control character (U+{ord(found[0]):04X}).", file=file, line=line)
    front = _respelled(frontmatter.split(text, file=file), file)
    title = _title(front, file)
    article = Article(
        name=PurePath(file).stem,
        title=title,
        subject=_line_of_mail(front, "subject", file) or title,
        preheader=_line_of_mail(front, "preheader", file),
        sender=_mailbox(front, "sender", file),
        reply_to=_mailbox(front, "reply_to", file),
        language=_language(front, file),
        links=_links(front, file),
        body=front.body,
        body_line=front.body_line,
        extra=_extra(front, file),
        file=file,
    )
    return replace(article, roles=_rendered(article).roles)


def language_tag(text: str) -> str | None:
    """A language tag in its usual capitals (RFC 5646, 2.1.1), or None for what is none."""
    first, *others = text.strip().replace("_", "-").split("-")
    capitals = {2: str.upper, 4: str.title}
    tag = "-".join([first.lower(), *(capitals.get(len(part), str.lower)(part) for part in others)])
    found = _LANGUAGE.fullmatch(tag)
    return tag if found and (len(found[1]) == 3 or found[1] in _LANGUAGES.split()) else None


def render_html(article: Article) -> str:
    """The body as HTML that is Jinja source: what Jinja was written in the Markdown stands in it byte for byte."""
    return _rendered(article).html


def line_at(article: Article, html_line: int) -> int:
    """The line of the article's file that line `html_line` (from 1) of `render_html` came from."""
    lines = _rendered(article).lines
    return lines[min(max(html_line, 1), len(lines)) - 1]


def line_of(article: Article, snippet: str) -> int:
    """The line of the article's file where a snippet of its body stands; the body's first line when it does not."""
    at = article.body.find(snippet)
    return article.body_line + article.body.count("\n", 0, max(at, 0))


def _rendered(article: Article) -> markdown.Rendered:
    return markdown.render(article.body, article.links, file=article.file, line=article.body_line)


def _respelled(front: FrontMatter, file: str) -> FrontMatter:
    for other, key in _OTHER_SPELLINGS.items():
        if other in front.lines and key in front.lines:
            raise ArticleError(f"{other!r} and {key!r} mean the same.", file=file, line=front.lines[other])
        if other in front.values:
            front.values[key] = front.values.pop(other)
    for key in front.groups:
        if key != "links":
            raise ArticleError(f"{key!r} must be text on one line.", file=file, line=front.lines[key])
    if not front.body.strip():
        raise ArticleError("The article has no text under its front matter.", file=file, line=front.body_line)
    return front


def _title(front: FrontMatter, file: str) -> str:
    title = _line_of_mail(front, "title", file)
    if not title:
        line = front.lines.get("title", 1)
        raise ArticleError("The article has no title.", file=file, line=line, hint="Write title: in the front matter.")
    return title


def _line_of_mail(front: FrontMatter, key: str, file: str) -> str:
    """A value that may hold Jinja and stands in a line of the mail."""
    value = front.values.get(key, Value("", 0))
    expressions.find(value.text, file=file, line=value.line)
    return value.text


def _mailbox(front: FrontMatter, key: str, file: str) -> str | None:
    value = front.values.get(key)
    if value is None or not value.text:
        return None
    try:
        return str(address.parse_mailbox(value.text))
    except AddressError as error:
        raise ArticleError(f"{key}: {error.message}.", file=file, line=value.line) from error


def _language(front: FrontMatter, file: str) -> str:
    value = front.values.get("language")
    if value is None or not value.text:
        return "en"
    tag = language_tag(value.text)
    if tag is None:
        raise ArticleError(
            f"{value.text!r} is not a language tag.",
            file=file,
            line=value.line,
            hint="Write a tag such as en, de, pt-BR or zh-Hant.",
        )
    return tag


def _links(front: FrontMatter, file: str) -> Mapping[str, str]:
    if front.values.get("links", Value("", 0)).text:
        raise ArticleError("links: holds lines `role: URL` that are set in.", file=file, line=front.lines["links"])
    links = front.groups.get("links", {})
    for role, url in links.items():
        fault = markdown.fault_of_role(role, url.text)
        if fault:
            raise ArticleError(fault, file=file, line=url.line)
    return {role: url.text for role, url in links.items()}


def _extra(front: FrontMatter, file: str) -> Mapping[str, str]:
    for key in RESERVED_KEYS & front.values.keys():
        raise ArticleError(
            f"{key!r} is what templates call another part of the article.", file=file, line=front.lines[key]
        )
    return {key: value.text for key, value in front.values.items() if key not in _OWN_KEYS}
