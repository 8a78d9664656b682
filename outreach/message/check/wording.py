"""What must not be said, and what must?  Rules that belong to the publisher, in a file that a person can edit.

A file holds a section for each language, and `any` for all of them::

    en:
      never:
        - words: [guaranteed, miracle*, 100 % safe]
          except: [no guarantee*]
          reason: Nobody can promise a result.
          instead: Say how many people it helped, and what it was compared with.
      required:
        - words: [risk*, side effect*]
          when: [treatment*, therapy, therapies]
          reason: Who reads about a treatment must read about its risks too.
          instead: Name the most important risks.

Words are plain words or phrases, found as whole words, whatever their case, hyphens and spaces; `*` at the end of a
word stands for any ending. There are no other patterns, so that no rule can take long. A text that must be there is
there when one of its `words` is; with `when`, only where one of those is found. `severity` is `warning`, or `error`,
which refuses a launch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from outreach.errors import SettingsError
from outreach.message.check.fault import Fault, Severity

#: The section for every language.
ANY = "any"
#: How many words around what was found are told.
AROUND = 5
#: More rules, or longer words, are a mistake.
MOST_WORDS, LONGEST = 5_000, 200

_KEYS = {"words", "except", "when", "severity", "reason", "instead"}
_LANGUAGE = re.compile(r"any|[a-z]{2,3}")
_HYPHENS = re.compile("[\u2010-\u2015\u2212\u00ad]")
_QUOTES = re.compile("[\u2018\u2019\u02bc]")
#: Scripts that put no spaces between words: there a word is found wherever it stands.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Rule:
    """One thing that must not be said, or must."""

    words: tuple[str, ...]
    excepted: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    reason: str = ""
    instead: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the words, as it stands in a normal text."""
        return _pattern(self.words)

    @cached_property
    def unless(self) -> re.Pattern[str] | None:
        """Any of the phrases in which the words are right."""
        return _pattern(self.excepted) if self.excepted else None

    @cached_property
    def condition(self) -> re.Pattern[str] | None:
        """Any of the words that make a requirement one."""
        return _pattern(self.when) if self.when else None

    def advice(self) -> str:
        """The reason, and what to write instead."""
        return " ".join(filter(None, (self.reason, self.instead)))


@dataclass(frozen=True)
class Section:
    """The rules of one language."""

    never: tuple[Rule, ...] = ()
    required: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Wording:
    """All rules of a publisher."""

    sections: Mapping[str, Section] = field(default_factory=dict)

    def faults(self, text: str, language: str) -> Iterator[Fault]:
        """What is said against the rules, with the words around it, and what is not said."""
        normal = normalised(text)
        for tag in (ANY, language):
            section = self.sections.get(tag, Section())
            for rule in section.never:
                yield from _said(rule, normal)
            for rule in section.required:
                yield from _unsaid(rule, normal)


def parse(text: str, *, file: str) -> Wording:
    """The rules that a file holds; raises SettingsError with the section and the number of a rule that is wrong."""
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise SettingsError(
            f"The wording rules {file}{line} are no YAML: {getattr(error, 'problem', error)}."
        ) from error
    if not isinstance(document, dict):
        raise SettingsError(f"The wording rules {file} must hold sections such as `en:` and `any:`.")
    sections = {str(tag): _section(str(tag), value, file) for tag, value in document.items()}
    rules = [rule for section in sections.values() for rule in (*section.never, *section.required)]
    if sum(len(rule.words) + len(rule.excepted) + len(rule.when) for rule in rules) > MOST_WORDS:
        raise SettingsError(f"The wording rules {file} hold more than {MOST_WORDS:,} words.")
    return Wording(sections)


def normalised(text: str) -> str:
    """A text with one kind of space, hyphen and apostrophe; capitals stay, so that it can be quoted."""
    return " ".join(_QUOTES.sub("'", _HYPHENS.sub("-", text)).split())


def _said(rule: Rule, text: str) -> Iterator[Fault]:
    right = [found.span() for found in rule.unless.finditer(text)] if rule.unless else []
    told = set()
    for found in rule.pattern.finditer(text):
        word = found[0].casefold()
        if any(start <= found.start() and found.end() <= end for start, end in right) or word in told:
            continue
        told.add(word)
        yield Fault(
            rule.severity, "wording", f"“{_around(text, *found.span())}”: {found[0]!r}. {rule.advice()}".strip()
        )


def _unsaid(rule: Rule, text: str) -> Iterator[Fault]:
    if (rule.condition is None or rule.condition.search(text)) and not rule.pattern.search(text):
        some = ", ".join(repr(word) for word in rule.words[:4])
        yield Fault(rule.severity, "wording-missing", f"None of {some} stands in the mail. {rule.advice()}".strip())


def _around(text: str, start: int, end: int) -> str:
    """What was found with a few words before and after it, as far as its paragraph goes."""
    before = text[max(0, start - 200) : start].rpartition("| ")[2].split(" ")
    after = text[end : end + 200].partition(" |")[0].split(" ")
    left, right = " ".join(before[-AROUND - 1 :]), " ".join(after[: AROUND + 1])
    begun, ended = len(before) > AROUND + 1, len(after) > AROUND + 1
    return f"{'… ' if begun else ''}{left}{text[start:end]}{right}{' …' if ended else ''}"


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of these words; longer ones first, so that the whole phrase is told."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(_expression(word) for word in longest_first), re.IGNORECASE)


def _expression(phrase: str) -> str:
    """A phrase as a pattern that runs in one pass: literal words, one space or hyphen between them, an open ending."""
    phrase = normalised(phrase)
    if _UNSPACED.search(phrase):
        return re.escape(phrase.replace("*", ""))
    pieces = [piece for piece in re.split(r"[ -]+|(%)", phrase) if piece]
    written = ""
    for at, piece in enumerate(pieces):
        loose = piece == "%" or (at and pieces[at - 1] == "%")
        written += ("" if not at else "[ -]?" if loose else "[ -]") + re.escape(piece.rstrip("*"))
        written += r"\w{0,40}" if piece.endswith("*") else ""
    start = r"(?<!\w)" if pieces and (pieces[0][0].isalnum()) else ""
    return f"{start}{written}(?!\\w)"


def _section(tag: str, value: Any, file: str) -> Section:
    if not _LANGUAGE.fullmatch(tag):
        raise SettingsError(f"The wording rules {file}: {tag!r} is neither a language such as `en` nor `any`.")
    if not isinstance(value, dict) or not set(value) <= {"never", "required"}:
        raise SettingsError(f"The wording rules {file}: under {tag!r} stand `never:` and `required:`, each with rules.")
    made = {
        kind: tuple(_rule(each, f"{file}, {tag}, {kind} {n}") for n, each in enumerate(value.get(kind) or (), 1))
        for kind in ("never", "required")
    }
    return Section(**made)


def _rule(value: Any, place: str) -> Rule:
    if not isinstance(value, dict) or not set(value) <= _KEYS:
        raise SettingsError(f"The wording rules {place}: a rule has {', '.join(sorted(_KEYS))}, and nothing else.")
    words = _words(value.get("words"), place)
    if not words:
        raise SettingsError(f"The wording rules {place}: a rule needs words:, such as [guaranteed, miracle*].")
    severity = str(value.get("severity") or Severity.WARNING)
    if severity not in set(Severity):
        raise SettingsError(f"The wording rules {place}: severity is warning or error, not {severity!r}.")
    return Rule(
        words,
        _words(value.get("except"), place),
        _words(value.get("when"), place),
        Severity(severity),
        " ".join(str(value.get("reason") or "").split()),
        " ".join(str(value.get("instead") or "").split()),
    )


def _words(value: Any, place: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value or []
    if not isinstance(found, list) or not all(isinstance(word, str | int | float) for word in found):
        raise SettingsError(f"The wording rules {place}: words are a list such as [guaranteed, risk-free].")
    words = tuple(str(word) for word in found)
    for word in words:
        stars = word.replace("* ", " ").removesuffix("*")
        if not any(letter.isalnum() for letter in word) or "*" in stars or len(word) > LONGEST:
            raise SettingsError(
                f"The wording rules {place}: {word!r} must be a word or a phrase; * may only end a word."
            )
    return words
