"""What did a server say, in the words of a report? A code where there is one, found among the prose around it.

Every mail server wraps what the other one answered into sentences of its own. The paragraph that holds the answer is
what counts; the mail that is quoted below is not looked at, as it may be about anything, bounces too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from outreach.replies import mime, verdict

#: Paragraphs that are looked at.
_MOST = 60
#: How much of one is, in characters.
_LONGEST = 2000

_ENHANCED = re.compile(r"(?<![\w.])([245]\.[0-7]\.\d{1,3})(?![\w.]*\d)")
#: A basic code where a reply begins, not a number of something.
_BASIC = re.compile(
    r"(?:^|[:('\"\[#<>]|\b(?:said|error|reply|returned|code|status|response|smtp|was))[\s:('\"#<]{0,3}"
    r"([45][0-5]\d)(?=[\s:-]+\S|$)",
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n\s*\n")
#: Where a report turns to the mail that it is about.
_QUOTED = re.compile(
    r"^(?:[->=*_ ]*(?:below this line is a copy|this is a copy of|(?:original|returned|forwarded) message\b"
    r"|original mail\b|message text follows|unsent message|returned mail follows|start of returned message"
    r"|the header of the original|message header|a copy of (?:your|the original) message|original headers?\b)"
    r"|received: |return-path: |dkim-signature: |>(?!>>))",
    re.IGNORECASE | re.MULTILINE,
)


class Said(NamedTuple):
    """What a server said."""

    #: The enhanced code.
    status: str | None
    #: The basic code.
    code: int | None
    #: All of it, on one line.
    words: str

    @property
    def is_a_code(self) -> bool:
        """Whether it holds a code of either kind."""
        return self.status is not None or self.code is not None


def of(words: str) -> Said:
    """What a server said in these words."""
    basic = _BASIC.search(words[:_LONGEST])  # while it has lines: a code stands at the beginning of one
    words = mime.one_line(words)
    code = int(basic[1]) if basic else None
    found = [each[1] for each in _ENHANCED.finditer(words) if each[1][0] in "45"]
    fitting = [each for each in found if code is None or each[0] == str(code)[0]]
    return Said(next(iter(fitting), None), code, words)


def in_prose(text: str) -> Said | None:
    """What a server said in a report's text: the first paragraph with a code, else the first that speaks of nobody."""
    paragraphs = [of(each) for each in _PARAGRAPH.split(above_the_quote(text), maxsplit=_MOST)[:_MOST]]
    coded = next((each for each in paragraphs if each.is_a_code), None)
    if coded and not (verdict.is_silent(coded.status) and coded.code is None):
        return coded
    worded = (each for each in paragraphs if verdict.of_report(None, each.words).is_dead_address)
    return next(worded, coded)


def about(text: str, address: str) -> str | None:
    """The paragraph of a report's text that names an address, on one line: what a person would look for."""
    paragraphs = _PARAGRAPH.split(above_the_quote(text), maxsplit=_MOST)[:_MOST]
    found = next((each for each in paragraphs if address.lower() in each.lower()), None)
    return mime.one_line(found) if found else None


def above_the_quote(text: str) -> str:
    """The text of a report without the mail that it quotes."""
    text = text.replace("\r\n", "\n")
    found = _QUOTED.search(text)
    return text[: found.start()] if found else text
