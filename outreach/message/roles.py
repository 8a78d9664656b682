"""Where should the links of a raw article lead?  Calls for a quote and advice on accreditation are known by words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from outreach.message import markdown

QUOTE = "quote"
ACCREDITATION = "accreditation"
#: What a call says that has lost its own words.
CALL = "Receive a Free Medical Quote"

_ASKING = re.compile(r"\b(?:free|receive|request|get|ask|obtain)\b.*\bquotes?\b|\bquotes?\b.*\bfree\b", re.IGNORECASE)
_POINTING = re.compile(r"\b(?:click|tap|press|follow|link|here|below|button)\b", re.IGNORECASE)
_ACCREDITATION = re.compile(r"\bGHA\b|Global Healthcare Accreditation", re.IGNORECASE)
#: "here" at the end of a sentence was a link once, and the words before it say where it led.
_ACCREDITED_HERE = re.compile(
    r"(?:[\w'’-]*\bGHA\b[\w'’-]*(?: [\w'’-]+){0,4}|(?:[\w'’-]+ ){0,2}[\w'’-]+) here\b(?=\s*(?:[.,;:!)]|$))",
    re.IGNORECASE,
)
_VAGUE = re.compile(r"(?:click |tap )?here\W*|(?:this |the )?(?:link|page|site|website)", re.IGNORECASE)
_HERE = re.compile(r"[\w'’-]*\bGHA\b[\w'’-]*(?: [\w'’-]+){0,4} here\b|(?:[\w'’-]+ ){0,3}\bhere\b", re.IGNORECASE)
_VAGUE = re.compile(r"(?:click |tap )?here\W*|(?:this |the )?(?:link|page|site|website)", re.IGNORECASE)
_HERE = re.compile(
    r"\b(?:click|tap|press|see|read|find|available|more|details|information|link is) here\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Missing:
    """A link of the source whose target is not there, or cannot be used in mail."""

    line: int
    text: str
    #: The role that stands for it now; None where the words alone were kept.
    role: str | None
    #: What the source had for a target, if anything.
    target: str | None = None


@dataclass
class Roles:
    """The link roles of an article that is being read: their URLs, and what is missing."""

    urls: dict[str, str] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)

    def target(self, text: str, url: str, *, line: int, context: str) -> str | None:
        """Where a link of the source leads in the article: a role, a URL, or nowhere (the words are kept).

        ``context`` is what the paragraph around the link says.
        """
        role = _role_of(text, url, context)
        usable = bool(url) and markdown.fault_of_url(url) is None
        if role and usable and self.urls.get(role) in {None, "", url}:
            self.urls[role] = url
            return role
        if usable:
            return url
        self.missing.append(Missing(line, " ".join(text.split()), role, url or None))
        if role:
            self.urls.setdefault(role, "")
        return role

    def without_target(self, text: str, role: str | None, *, line: int, target: str | None = None) -> None:
        """Note words that were a link (or a picture) once."""
        self.missing.append(Missing(line, " ".join(text.split()), role, target))
        if role:
            self.urls.setdefault(role, "")

    def linked(self, words: str, text: str, *, line: int) -> str:
        """The Markdown of a paragraph without links, with "here" leading to the role that its words speak of."""
        if _ACCREDITATION.search(words):
            found = next(iter(sorted(_ACCREDITED_HERE.finditer(text), key=lambda match: "GHA" not in match[0])), None)
            if found:
                self.without_target("here", ACCREDITATION, line=line)
                return f"{text[: found.start()]}[{found[0]}]({ACCREDITATION}){text[found.end() :]}"
        for here in _HERE.finditer(words):
            self.without_target(here[0], None, line=line)
        return text


def is_call(words: str) -> bool:
    """Whether these words are a button: a short call for a quote, not a sentence."""
    return len(words.split()) <= 9 and bool(_ASKING.search(words)) and words.rstrip()[-1:] not in {*".,;:?"}


def is_pointer(words: str) -> bool:
    """Whether this sentence sends the reader to a link for a quote."""
    return len(words.split()) <= 30 and bool(_ASKING.search(words)) and bool(_POINTING.search(words))


def label(words: str) -> str:
    """A call without the arrow behind it."""
    return re.sub(r"[^\w)]+$", "", words)


def _role_of(text: str, url: str, context: str) -> str | None:
    vague = _VAGUE.fullmatch(text.strip()) is not None
    if (_ASKING.search(text) and len(text.split()) <= 12) or (vague and is_pointer(context)):
        return QUOTE
    if "globalhealthcareaccreditation." in url or _ACCREDITATION.search(context if vague else text):
        return ACCREDITATION
    return None
