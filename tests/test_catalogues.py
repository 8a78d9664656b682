"""Every word that a reader meets is translated in every catalogue, and no catalogue holds words that nobody says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).parent.parent
CATALOGUES = sorted((ROOT / "templates/languages").glob("*.po"))

#: Pages that a publisher or whoever tries the demo looks at, in English.
NOT_FOR_READERS = ("report.html", "mailbox")

#: Where Python itself holds words for readers: they are marked by N_().
MODULES = ("outreach/actions/prefer.py", "outreach/web/joining.py")

Said = str | tuple[str, ...]


def said() -> dict[Said, str]:
    """Every text that readers meet, with the file that says it."""
    found: dict[Said, str] = {}
    for folder in ("templates/pages", "templates/email"):
        for file in sorted((ROOT / folder).rglob("*.html")):
            if not file.name.startswith(NOT_FOR_READERS):
                found |= dict.fromkeys(_in_template(file), str(file.relative_to(ROOT)))
    for module in MODULES:
        found |= {text: module for _, text, _, _ in extract_from_file("python", ROOT / module, {"N_": None})}
    return found


def _in_template(file: Path) -> Iterator[Said]:
    options = {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
    with file.open("rb") as source:
        for _, function, text, _ in babel_extract(source, ("gettext", "ngettext", "_"), [], options):
            whole = text if isinstance(text, tuple) else (text,)
            yield whole[:2] if function == "ngettext" else whole[0]


def read(file: Path) -> Catalog:
    with file.open("rb") as source:
        return read_po(source, abort_invalid=True)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_text_is_translated(file: Path) -> None:
    catalogue = read(file)
    translated = {each.id for each in catalogue if each.id and each.string and not each.fuzzy and all(each.string)}
    assert {text: place for text, place in said().items() if text not in translated} == {}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_no_translation_is_of_what_nobody_says_any_more(file: Path) -> None:
    assert {each.id for each in read(file) if each.id} - set(said()) == set()


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_translations_hold_the_same_values_and_elements(file: Path) -> None:
    for each in read(file):
        if isinstance(each.id, str) and each.id:
            assert marks(each.string) == marks(each.id), each.id
        for form in each.string if isinstance(each.id, tuple) else ():
            assert marks(form) == marks(each.id[1]), each.id


def marks(text: str) -> list[str]:
    """The values and HTML elements of a text."""
    return sorted(re.findall(r"%\(\w+\)s|%%|</?\w+[^>]*>|&\w+;", text))


def test_there_is_german_and_much_to_say() -> None:
    assert "de" in {file.stem for file in CATALOGUES}
    assert len(said()) > 40
