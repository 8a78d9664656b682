"""In which words do we speak to a reader? Catalogues of translations, and the choice among them.

English is what templates and code say. Every other language is a gettext catalogue, as translators' tools read and
write it; it arrives as text and is compiled in memory, so that nobody has to remember a step. A reader is spoken to in
the first language of their wishes that there is (RFC 4647, 3.4), else in English.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from outreach.errors import SettingsError

#: What everything is written in.
SOURCE = "en"

#: More wishes than this are not read from a header that anybody can send.
_MOST = 20

_RIGHT_TO_LEFT = {"ar", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
_RIGHT_TO_LEFT_SCRIPTS = {"arab", "hebr", "thaa", "syrc", "nkoo", "adlm"}


class Language:
    """One language that we speak: its words, its direction, how it writes a date."""

    def __init__(self, tag: str, *catalogues: str) -> None:
        """`catalogues` are texts of .po files, a later one beats an earlier one.

        Raises ValueError where one cannot be read, or no language has that tag.
        """
        self.tag = tag
        self.direction = direction(tag)
        try:
            self._locale = Locale.parse("en-001" if tag == SOURCE else tag, sep="-")
            read = _merged(catalogues, self._locale)
        except (UnknownLocaleError, PoFileError) as error:
            raise ValueError(str(error)) from error
        compiled = BytesIO()
        write_mo(compiled, read)
        compiled.seek(0)
        self._translations = gettext.GNUTranslations(compiled)
        #: Every translation without plural forms: what a campaign takes along.
        self.words: Mapping[str, str] = {
            each.id: each.string
            for each in read
            if each.id and isinstance(each.id, str) and isinstance(each.string, str) and each.string and not each.fuzzy
        }

    def say(self, text: str, **values: Any) -> str:
        """The text in this language, its `%(name)s` filled in."""
        return spoken(self.words, text, **values)

    def form(self, one: str, many: str, number: int) -> str:
        """The form of the text that this language has for a number."""
        return self._translations.ngettext(one, many, number)

    def date(self, day: date) -> str:
        """A day as people write it: 2 March 2026, 2. März 2026."""
        return format_date(day, "long", locale=self._locale)


class Languages:
    """The languages of an installation."""

    def __init__(self, catalogues: Mapping[str, Sequence[str]] | None = None) -> None:
        """English, and what the catalogues (tag -> texts of .po files) add; raises SettingsError for a broken one."""
        self._known: dict[str, Language] = {SOURCE: Language(SOURCE)}
        for tag, texts in (catalogues or {}).items():
            try:
                self._known[tag.lower()] = Language(tag, *texts)
            except ValueError as error:
                hint = "Its name is a language tag, and its text a gettext catalogue: languages/de.po."
                raise SettingsError(f"The catalogue {tag}.po cannot be read: {error}.", hint=hint) from error

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of what we speak, English first."""
        return tuple(language.tag for language in self._known.values())

    def best(self, wishes: Iterable[str]) -> Language:
        """The language for somebody with these wishes (language tags), the dearest first."""
        for wish in wishes:
            parts = wish.replace("_", "-").lower().split("-")
            for length in range(len(parts), 0, -1):
                found = self._known.get("-".join(parts[:length]))
                if found is not None:
                    return found
        return self._known[SOURCE]


def N_(text: str) -> str:  # noqa: N802  the name by which translators' tools find it
    """Mark a text in code that readers will meet; it is translated where it is shown."""
    return text


def spoken(words: Mapping[str, str], text: str, **values: Any) -> str:
    """A text by a catalogue's words, its `%(name)s` filled in; as it is where the catalogue does not have it."""
    said = words.get(text, text)
    return said % values if values else said


def accepted(header: str) -> list[str]:
    """The languages that a browser asks for (Accept-Language, RFC 9110, 12.5.4), the dearest first."""
    wishes: list[tuple[float, str]] = []
    for part in header[:500].split(",")[:_MOST]:
        tag, _, weight = part.partition(";")
        quality = _quality(weight.strip())
        if quality > 0 and tag.strip() not in {"", "*"}:
            wishes.append((quality, tag.strip()))
    return [tag for _, tag in sorted(wishes, key=lambda wish: -wish[0])]


def direction(tag: str) -> str:
    """`rtl` or `ltr`, as the language (or the script in its tag) is written."""
    language, *rest = tag.lower().split("-")
    script = next((part for part in rest if len(part) == 4 and part.isalpha()), None)
    rtl = script in _RIGHT_TO_LEFT_SCRIPTS if script else language in _RIGHT_TO_LEFT
    return "rtl" if rtl else "ltr"


def _merged(catalogues: Sequence[str], locale: Locale) -> Catalog:
    first, *others = [read_po(StringIO(text), locale, abort_invalid=True) for text in catalogues or ("",)]
    for other in others:
        for each in other:
            if each.id:
                first.delete(each.id)  # which would win otherwise
                first.add(each.id, each.string, flags=each.flags)
    return first


def _quality(weight: str) -> float:
    name, _, value = weight.partition("=")
    if not weight:
        return 1
    try:
        return float(value) if name.strip() == "q" and len(value) < 8 else 0
    except ValueError:
        return 0
