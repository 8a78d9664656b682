"""How is an article that came from elsewhere written into a file?  Its front matter, then its text.

What the source has lost is marked where it is missing: link roles without a URL, a sentence that breaks off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from outreach.message import article, frontmatter, rawtext, roles
from outreach.message.rawtext import Block, Kind
from outreach.message.roles import Roles

_CONCLUDING = re.compile(
    r"(?:in conclusion|to conclude|in closing|in summary|to sum up|to summari[sz]e)\b", re.IGNORECASE
)
_ENDS = set(".!?…:;\"'”’»)]。！？；：」』）؟।॥։።")
_CUT_OFF = "{# The source breaks off here: finish the sentence, or take it out. #}"


@dataclass(frozen=True)
class Told:
    """Words of the source, and where they stand."""

    line: int
    text: str


@dataclass
class Body:
    """The text of an article as it is written, and what a person should look at."""

    #: Where its links lead; calls whose targets are missing are noted there.
    found: Roles
    #: What the calls say that have lost their own words.
    label: str = roles.CALL
    markdown: str = ""
    headings: list[str] = field(default_factory=list)
    calls: list[Told] = field(default_factory=list)
    cut_off: list[Told] = field(default_factory=list)

    @classmethod
    def of(cls, blocks: Sequence[Block], found: Roles) -> Body:
        """The text that these blocks make."""
        label = next((roles.label(block.words) for block in blocks if roles.is_call(block.words)), roles.CALL)
        body = cls(found, label)
        kept = [block for block in blocks if block.markdown != _CUT_OFF]  # a mark of an import before this one
        for before, block, after in zip([None, *kept], kept, [*kept[1:], None], strict=False):
            tight = before is not None and before.kind is block.kind is Kind.ITEM
            gap = "\n" if tight else "\n\n" if before else ""
            body.markdown += gap + "\n\n".join(body.written(block, before, after))
        body.markdown += "\n"
        return body

    def written(self, block: Block, before: Block | None, after: Block | None) -> Iterator[str]:
        """The Markdown of a block, and what it calls for."""
        is_call = roles.is_call(block.words) and block.kind is not Kind.OTHER
        if is_call and not _leads_elsewhere(block.markdown):
            yield self.call(block, roles.label(block.words))
        elif is_call or (roles.is_pointer(block.words) and block.kind is Kind.TEXT):
            yield block.markdown
            if f"]({roles.QUOTE})" in block.markdown:
                self.calls.append(Told(block.line, block.words))
            elif not (after and roles.is_call(after.words)):
                yield self.call(block, self.label)
        elif block.kind is Kind.HEADING:
            self.headings.append(block.words)
            yield "#" * max(2, block.level) + " " + re.sub(r"(?<!\\)#$", r"\\#", block.markdown)
        else:
            yield from self.paragraph(block, before)

    def call(self, block: Block, label: str) -> str:
        """A button, whatever became of its target."""
        self.calls.append(Told(block.line, block.words))
        if not self.found.urls.get(roles.QUOTE):
            self.found.without_target(block.words, roles.QUOTE, line=block.line)
        return f"**[{rawtext.escaped(label)}]({roles.QUOTE})**"

    def paragraph(self, block: Block, before: Block | None) -> Iterator[str]:
        """A paragraph, with a heading above a conclusion and a mark under a sentence that breaks off."""
        if block.kind is Kind.TEXT and _CONCLUDING.match(block.words) and not (before and before.kind is Kind.HEADING):
            self.headings.append("Conclusion")
            yield "## Conclusion"
        yield block.markdown
        if block.kind is Kind.TEXT and len(block.words.split()) >= 8 and block.words[-1] not in _ENDS:
            self.cut_off.append(Told(block.line, "… " + " ".join(block.words.split()[-8:])))
            yield _CUT_OFF


def _leads_elsewhere(text: str) -> bool:
    """Whether Markdown holds more than words and a link to the quote: another link, or a picture."""
    return bool(re.search(r"\]\((?!quote\))|!\[|<https?:", text))


def front(*, title: str, subject: str, preheader: str, language: str, urls: dict[str, str]) -> str:
    """The front matter, up to the text; an empty subject and empty URLs say what fills them."""
    lines = ["---", f"title: {frontmatter.quoted(plain(title))}"]
    lines.append(f"subject: {frontmatter.quoted(plain(subject))}" if subject else "subject:  # empty: the title")
    lines.append(f"preheader: {frontmatter.quoted(plain(preheader))}")
    lines.append("sender:  # empty: OUTREACH_FROM says who sends")
    lines.append(f"language: {article.language_tag(language) or 'en'}")
    lines.append("links:")
    for role, url in urls.items():
        what = "OUTREACH_QUOTE_URL fills it" if role == roles.QUOTE else "write its URL here"
        lines.append(f"  {role}: {frontmatter.quoted(url)}" if url else f"  {role}:  # no target in the source: {what}")
    return "\n".join([*lines, "---", "", ""])


def first_sentence(blocks: Sequence[Block]) -> str:
    """The first sentence of the text, cut to what an inbox shows beside the subject."""
    text = next((block.words for block in blocks if rawtext.is_prose(block.words)), "")
    sentence = re.split(r"(?<=[.!?。！？])\s", text, maxsplit=1)[0]
    return sentence if len(sentence) <= 140 else sentence[:140].rsplit(" ", 1)[0] + " …"


def plain(text: str) -> str:
    """A line of the front matter that Jinja reads as nothing but text."""
    return re.sub(r"\{(?=[{%#])", "{ ", " ".join(text.split()))
