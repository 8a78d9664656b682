"""A publisher's own rules are found as they are meant, told with the words around, and take no time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.errors import SettingsError
from outreach.message.check import Severity, wording
from outreach.message.check.wording import Wording
from tests.message.check.mails import GOOD, look

SHIPPED = Path(__file__).parents[3] / "templates" / "wording" / "medical.yaml"

RULES = """
any:
  never:
    - words: [Kymriah, Yescarta]
      severity: error
      reason: A product is named.
en:
  never:
    - words: [cure, miracle*, risk-free, 100 % safe, it's proven]
      except: [no cure, not a cure]
      reason: It promises too much.
      instead: Say what was seen.
  required:
    - words: [risk*, side effect*]
      when: [treatment*]
      instead: Name the risks.
"""


def rules(text: str = RULES) -> Wording:
    return wording.parse(text, file="rules.yaml")


def found(text: str, language: str = "en") -> list[str]:
    return [fault.message for fault in rules().faults(text, language)]


@pytest.mark.parametrize(
    "text",
    [
        "It is a cure.",
        "A CURE at last",
        "Miracles happen",
        "MIRACULOUS".replace("ULOUS", "LE-drug"),
        "It is risk free",
        "It is risk\u2011free",
        "It is RISK-FREE",
        "100% safe",
        "100 % safe",
        "100\u00a0%\u00a0safe",
        "It\u2019s   proven",
        "(cure)",
        "No cure before, a cure now",
    ],
)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It is secure",
        "curettage",
        "obscure",
        "There is no cure",
        "Not a cure.",
        "risk and free",
        "200 % safe enough",
        "",
    ],
)
def test_a_word_within_another_or_in_an_excepted_phrase_is_no_fault(text: str) -> None:
    assert found(text) == []


def test_what_was_found_is_told_with_the_words_around_it_and_what_to_write() -> None:
    (words,) = found(
        "Nobody knows yet why it happened, but for many people this is The Cure that they had hoped for, still."
    )
    assert words == (
        "“… many people this is The Cure that they had hoped for, …”: 'Cure'. It promises too much. Say what was seen."
    )


def test_the_words_around_end_with_the_paragraph_and_phrases_do_not_cross_it() -> None:
    assert found("One | a cure | two")[0].startswith("“a cure”:")
    assert found("without risk | free of charge") == []


def test_rules_of_one_language_hold_for_it_alone_and_those_of_any_for_all() -> None:
    assert found("Die Cure, ein Miracle", "de") == []
    assert [fault.severity for fault in rules().faults("Kymriah hilft", "de")] == [Severity.ERROR]
    assert len(found("KYMRIAH helps", "en")) == 1


def test_what_must_be_said_is_missed_only_where_the_text_is_about_it() -> None:
    assert found("Our new garden is open") == []
    assert found("The treatment has risks") == []
    assert found("The treatment has side-effects") == []
    assert found("The treatment is new") == ["None of 'risk*', 'side effect*' stands in the mail. Name the risks."]


def test_a_word_that_is_written_without_spaces_around_is_found() -> None:
    chinese = rules("zh:\n  never:\n    - words: [治愈]\n")
    assert len(list(chinese.faults("这种疗法可以治愈癌症", "zh"))) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- one", "sections"),
        ("en: [", "no YAML"),
        ("english:\n  never: []", "'english' is neither a language"),
        ("en:\n  forbidden: []", "`never:` and `required:`"),
        ("en:\n  never:\n    - reason: x", "a rule needs words"),
        ("en:\n  never:\n    - words: [x]\n      pattern: y", "and nothing else"),
        ("en:\n  never:\n    - words: [x]\n      severity: fatal", "warning or error"),
        ("en:\n  never:\n    - words: ['(a*)*b']", "must be a word or a phrase"),
        ("en:\n  never:\n    - words: ['*']", "must be a word or a phrase"),
        ("en:\n  never:\n    - words: {a: b}", "words are a list"),
        (f"en:\n  never:\n    - words: [{'x' * 201}]", "must be a word or a phrase"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused_with_their_place(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=r"The wording rules rules\.yaml") as refusal:
        rules(text)
    assert words in refusal.value.message


def test_an_empty_file_has_no_rules() -> None:
    assert list(rules("# none\n").faults("a cure", "en")) == []


def test_patterns_of_others_are_plain_words() -> None:
    dotted = rules("en:\n  never:\n    - words: [a.c, '(x+x+)+y', 'what?']\n")
    assert list(dotted.faults("abc xxxxxxy wha", "en")) == []
    assert len(list(dotted.faults("a.c and what? and (x+x+)+y", "en"))) == 3


def test_a_hostile_text_takes_no_longer_than_its_length_allows() -> None:
    mean = rules("en:\n  never:\n    - words: [a a a a a a a a a a b, aaaaaaaaaaaa*, a* a* a* a* a* a* b]\n")
    times = []
    for text in ("a " * 20_000, "a " * 80_000):
        start = time.process_time()
        list(mean.faults(text, "en"))
        times.append(time.process_time() - start)
    assert times[1] < 8 * times[0] + 0.2


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["cure", "Risk-Free", "100% SAFE", "miracle"]))
def test_a_word_that_stands_alone_is_always_found(before: str, after: str, word: str) -> None:
    assert any(word.casefold() in each.casefold() for each in found(f"{before} | {word} | {after}"))


def test_the_shipped_rules_find_what_medical_mail_must_not_say() -> None:
    shipped = wording.parse(SHIPPED.read_text(), file="medical.yaml")
    bad = "CAR-T therapy with Yescarta is a guaranteed cure: 100 % safe, a miracle! Act now."
    told = [fault.message for fault in shipped.faults(bad, "en")]
    for word in ("Yescarta", "guaranteed", "cure", "100 % safe", "miracle", "Act now"):
        assert any(f"'{word}'" in message for message in told), word
    assert sum("stands in the mail" in message for message in told) == 2
    german = "Diese Therapie ist garantiert ohne Nebenwirkungen und heilt. Nur heute!"
    told = [fault.message for fault in shipped.faults(german, "de")]
    for word in ("garantiert", "ohne Nebenwirkungen", "heilt", "Nur heute"):
        assert any(f"'{word}'" in message for message in told), word


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The garden of our house is open again, and the café too.", "en"),
        (
            "Nobody can guarantee a result, and there is no cure for all; risks are told. Not advice: therapy.",
            "en",
        ),
        (
            "Die Therapie hat Risiken; dieser Brief ersetzt kein Gespräch. Niemand kann garantieren, dass sie hilft.",
            "de",
        ),
        ("Unser Garten ist wieder offen.", "de"),
    ],
)
def test_the_shipped_rules_leave_careful_and_other_mail_in_peace(text: str, language: str) -> None:
    shipped = wording.parse(SHIPPED.read_text(), file="medical.yaml")
    assert [fault.message for fault in shipped.faults(text, language)] == []


def test_subject_alt_text_and_preheader_are_looked_at_too() -> None:
    for changes in (
        {"subject": "A cure"},
        {"html": GOOD.replace('alt="A nurse"', 'alt="The cure"')},
        {"html": GOOD.replace(">First<", ">Our cure<")},
    ):
        assert [fault.code for fault in look(wording=rules(), **changes)] == ["wording"]
