"""Languages: the first wish that we speak, catalogues that are read as translators write them, and their direction."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import language
from outreach.errors import SettingsError
from outreach.language import Languages

HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
HEAD += '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
FRENCH = HEAD + (
    'msgid "Save"\nmsgstr "Enregistrer"\n\n#, fuzzy\nmsgid "Unsubscribe"\nmsgstr "Abonner"\n\n'
    'msgid "%(count)s list"\nmsgid_plural "%(count)s lists"\n'
    'msgstr[0] "%(count)s liste"\nmsgstr[1] "%(count)s listes"\n'
)
ALL = Languages({"de": [HEAD], "fr": [FRENCH], "pt-BR": [HEAD], "ar": [HEAD]})


@pytest.mark.parametrize(
    ("wishes", "tag"),
    [
        ([], "en"),
        (["de"], "de"),
        (["DE_at"], "de"),
        (["de-AT-1996"], "de"),
        (["en-GB", "de"], "en"),
        (["nl", "fr", "de"], "fr"),
        (["pt"], "en"),
        (["pt-br"], "pt-BR"),
        (["", "-", "x" * 500, "☃"], "en"),
    ],
)
def test_a_reader_is_spoken_to_in_the_first_wish_that_there_is(wishes: list[str], tag: str) -> None:
    assert ALL.best(wishes).tag == tag


@pytest.mark.parametrize(
    ("header", "wishes"),
    [
        ("", []),
        ("de", ["de"]),
        ("en;q=0.5, de-DE , fr;q=0.7", ["de-DE", "fr", "en"]),
        ("de;q=0, en", ["en"]),
        ("*, de;q=0.1", ["de"]),
        ("de;q=x, en;level=1, fr;q=0.99999999999, nl", ["nl"]),
        (",,;;,", []),
    ],
)
def test_a_browsers_wishes_are_read_by_their_weight(header: str, wishes: list[str]) -> None:
    assert language.accepted(header) == wishes


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    assert len(language.accepted(header)) <= 20
    assert ALL.best(language.accepted(header)).tag in ALL.tags


def test_what_is_not_translated_or_only_guessed_stays_english() -> None:
    french = ALL.best(["fr"])
    assert (french.say("Save"), french.say("Unsubscribe"), french.say("Pause")) == (
        "Enregistrer",
        "Unsubscribe",
        "Pause",
    )


def test_a_language_has_its_own_forms_for_numbers() -> None:
    french, english = ALL.best(["fr"]), ALL.best(["en"])
    assert [french.form("%(count)s list", "%(count)s lists", n) for n in (0, 1, 2)] == [
        "%(count)s liste", "%(count)s liste", "%(count)s listes",
    ]  # fmt: skip
    assert [english.form("list", "lists", n) for n in (0, 1, 2)] == ["lists", "list", "lists"]


def test_ones_own_catalogue_goes_over_the_shipped_one_text_by_text() -> None:
    own = Languages({"fr": [FRENCH, HEAD + 'msgid "Save"\nmsgstr "Sauver"\n\nmsgid "Leave"\nmsgstr "Quitter"\n']})
    french = own.best(["fr"])
    assert (french.say("Save"), french.say("Leave")) == ("Sauver", "Quitter")
    assert french.form("%(count)s list", "%(count)s lists", 2) == "%(count)s listes"


@pytest.mark.parametrize(("tag", "text"), [("de", "this is no catalogue"), ("klingon-in-space", HEAD)])
def test_a_catalogue_that_cannot_be_read_is_one_clear_refusal(tag: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{tag}.po cannot be read"):
        Languages({tag: [text]})


def test_days_are_written_as_people_write_them() -> None:
    day = date(2026, 3, 2)
    assert ALL.best(["en"]).date(day) == "2 March 2026"
    assert ALL.best(["de"]).date(day) == "2. März 2026"


@pytest.mark.parametrize(
    ("tag", "way"), [("ar", "rtl"), ("he-IL", "rtl"), ("az-Arab", "rtl"), ("ar-Latn", "ltr"), ("de", "ltr")]
)
def test_a_language_knows_which_way_it_is_written(tag: str, way: str) -> None:
    assert language.direction(tag) == way
