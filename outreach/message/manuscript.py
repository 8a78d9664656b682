"""What article is in a raw text, a web page or a Markdown file?  And what of it was lost before it came to us?

Nothing is silently lost: each word of the source stands in the article or in what is told beside it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import PurePath

from outreach.errors import ArticleError
from outreach.message import article, articlefile, rawhtml, rawmarkdown, rawtext, roles
from outreach.message.articlefile import Body, Told
from outreach.message.rawtext import Block, Kind
from outreach.message.roles import Missing, Roles

#: More than any article; such a file is something else.
LARGEST = 2_000_000

_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]|<body[\s>]", re.IGNORECASE)
_TAGS = re.compile(r"</(?:p|div|h[1-6]|li|ul|a|article|section|table)\s*>", re.IGNORECASE)
_MARKDOWN = re.compile(r"^#{1,6} \S|\]\(https?://|\A---\n.*?^---$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Dropped(Told):
    """Words that are not in the article, and why."""

    reason: str


@dataclass(frozen=True)
class Manuscript:
    """An article made from a source, and everything that a person should look at."""

    #: The article's file, which `article.parse` accepts.
    text: str
    title: str
    headings: tuple[str, ...]
    #: Calls to action, which lead to the role `quote`.
    calls: tuple[Told, ...]
    missing_links: tuple[Missing, ...]
    cut_off: tuple[Told, ...]
    dropped: tuple[Dropped, ...]

    def report(self) -> dict[str, object]:
        """What is told beside the article, as plain values."""
        told = asdict(self)
        del told["text"]
        return told


class Source(StrEnum):
    """What a source is written in."""

    TEXT = "text"
    PAGE = "html"
    MARKDOWN = "markdown"


def read(data: bytes, *, file: str, title: str | None = None, source: Source | None = None) -> Manuscript:
    """The article in a file's bytes; ``title`` overrules the one that is found, ``source`` what the file looks like.

    Raises ArticleError for a file that is empty, holds no text, or has no title.
    """
    if len(data) > LARGEST:
        raise ArticleError(f"The file has {len(data):,} bytes; an article has less than {LARGEST:,}.", file=file)
    text = rawtext.decode(data, file=file)
    draft = _Draft(file=file, title=articlefile.plain(title or ""))
    take = {Source.TEXT: draft.take_text, Source.PAGE: draft.take_page, Source.MARKDOWN: draft.take_markdown}
    take[source or _source_of(text, file)](text)
    return draft.finished()


def _source_of(text: str, file: str) -> Source:
    named = _SUFFIXES.get(PurePath(file).suffix.lower())
    if named:
        return named
    if _PAGE.search(text[:2000]) or len(_TAGS.findall(text)) >= 3:
        return Source.PAGE
    return Source.MARKDOWN if _MARKDOWN.search(text) else Source.TEXT


_SUFFIXES = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), Source.PAGE),
    **dict.fromkeys((".md", ".markdown", ".mdown"), Source.MARKDOWN),
}


@dataclass
class _Draft:
    """An article that is being read."""

    file: str
    title: str
    subject: str = ""
    preheader: str = ""
    language: str = "en"
    roles: Roles = field(default_factory=Roles)
    blocks: list[Block] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def take_text(self, text: str) -> None:
        blocks = [
            replace(block, markdown=self.roles.linked(block.words, block.markdown, line=block.line))
            if block.kind is Kind.TEXT and not roles.is_pointer(block.words)
            else block
            for block in rawtext.blocks(text)
        ]
        lead = next((at for at, block in enumerate(blocks) if rawtext.is_prose(block.words)), len(blocks))
        self.settle_title(blocks, lead, _title_of_lines([block.words for block in blocks[:lead]], self.title))

    def take_page(self, text: str) -> None:
        page = rawhtml.read(text, self.roles, file=self.file)
        self.language = page.language or "en"
        tops = [block.words for block in page.blocks if block.level == 1 and not block.aside]
        title = tops[0] if tops else page.title
        if page.title and not _same(page.title, self.title or title):
            self.dropped.append(Dropped(1, page.title, "the title of the page"))
        self.settle_title(page.blocks, _lead(page.blocks), title)

    def take_markdown(self, text: str) -> None:
        front, body = rawmarkdown.front(text)
        for number, line in front.others:
            self.dropped.append(Dropped(number, line, "front matter that an article has no place for"))
        self.roles.urls.update(front.links)
        self.subject = front.values.get("subject", "")
        self.preheader = front.values.get("preheader", "")
        self.language = front.values.get("language", "en")
        blocks = rawmarkdown.blocks(body, self.roles, line=1 + front.height)
        tops = [block.words for block in blocks if block.level == 1]
        own = front.values.get("title", "")
        if own and self.title and own != self.title:
            self.dropped.append(Dropped(2, own, "another title was given"))
        self.settle_title(blocks, _lead(blocks), own or (tops[0] if tops else ""))

    def settle_title(self, blocks: list[Block], lead: int, found: str) -> None:
        """Take the title out of the blocks before the text begins, and what stands above it."""
        place = next((at for at, block in enumerate(blocks[:lead]) if found and _same(block.words, found)), None)
        given = self.title
        self.title = given or found
        for at, block in enumerate(blocks):
            above = place is not None and at < place
            if place is not None and at < lead and _same(block.words, found):
                self.drop_title(block, first=at == place, given=given)
            elif (block.aside or above) and not (block.markdown and roles.is_call(block.words)):
                self.dropped.append(Dropped(block.line, block.words, "it stands around the article, not in it"))
            else:
                self.blocks.append(block)

    def drop_title(self, block: Block, *, first: bool, given: str) -> None:
        if not first:
            self.dropped.append(Dropped(block.line, block.words, "the title stands there once more"))
        elif given and given != block.words:
            self.dropped.append(Dropped(block.line, block.words, "another title was given"))

    def finished(self) -> Manuscript:
        """The article and the report, once every block was taken."""
        if not self.title:
            raise ArticleError("No title was found in the text.", file=self.file, hint="Give one with --title.")
        missing = list(self.roles.missing)
        body = Body.of(self.blocks, self.roles)
        if not body.markdown.strip():
            raise ArticleError("There is no article under the title.", file=self.file)
        text = self.front() + body.markdown
        try:
            article.parse(text, file=self.file)
        except ArticleError:  # Markdown that only makes sense elsewhere: show its words instead
            self.roles.missing = missing
            body = Body.of([self.shown(block) for block in self.blocks], self.roles)
            text = self.front() + body.markdown
            article.parse(text, file=self.file)
        return Manuscript(
            text=text,
            title=self.title,
            headings=tuple(body.headings),
            calls=tuple(body.calls),
            missing_links=tuple(sorted(dict.fromkeys(self.roles.missing), key=lambda link: link.line)),
            cut_off=tuple(body.cut_off),
            dropped=tuple(sorted(self.dropped, key=lambda told: told.line)),
        )

    def shown(self, block: Block) -> Block:
        """A block without any markup: its words, and a note of what was there if that was more."""
        text = rawtext.as_markdown(block.words)
        if block.markdown != text and "](" in block.markdown:
            self.dropped.append(Dropped(block.line, block.markdown, "its links cannot stand in a mail, its words can"))
        return replace(block, markdown=f"- {text}" if block.kind is Kind.ITEM else text)

    def front(self) -> str:
        return articlefile.front(
            title=self.title,
            subject=self.subject,
            preheader=self.preheader or articlefile.first_sentence(self.blocks),
            language=self.language,
            urls={roles.QUOTE: "", **self.roles.urls},
        )


def _lead(blocks: list[Block]) -> int:
    """How many blocks stand before the text begins."""
    prose = (
        at for at, block in enumerate(blocks) if not block.aside and rawtext.is_prose(block.words) and not block.level
    )
    return next(prose, len(blocks))


def _title_of_lines(lines: list[str], given: str) -> str:
    """The title among the short lines above a text: the one that stands there twice, or else the longest.

    Where another title is given, only a line that stands twice is surely the title.
    """
    fit = [line for line in lines if not roles.is_call(line)]
    twice = [line for at, line in enumerate(fit) if any(_same(line, other) for other in fit[at + 1 :])]
    if given and not twice:
        return next((line for line in fit if _same(line, given)), "")
    return max(twice or fit, key=lambda line: len(line.split()), default="")


def _same(one: str, other: str) -> bool:
    return re.findall(r"\w+", one.casefold()) == re.findall(r"\w+", other.casefold())
