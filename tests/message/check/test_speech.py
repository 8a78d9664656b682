"""A mail that is read out in the wrong language is noticed, and nobody is doubted without need."""

from __future__ import annotations

import pytest

from tests.message.check.mails import GOOD, look, told

TEXTS = {
    "en": "This is a letter about the treatment that you have asked for. We tell you what it is and how it is done, "
    "and which questions you should ask the people who care for you before you decide on anything with your family.",
    "de": "Dies ist ein Brief über die Behandlung, nach der Sie gefragt haben. Wir sagen Ihnen, was sie ist und wie "
    "sie verläuft, und welche Fragen Sie den Menschen stellen sollten, die sich um Sie kümmern, bevor Sie sich "
    "für oder gegen etwas entscheiden.",
    "fr": "Ceci est une lettre sur le traitement que vous avez demandé. Nous vous disons ce que c'est et comment il "
    "se passe, et quelles sont les questions à poser aux personnes qui vous soignent avant de décider en famille.",
    "es": "Esta es una carta sobre el tratamiento por el que usted ha preguntado. Le decimos qué es y cómo se hace, y "
    "las preguntas que conviene hacer a los que le cuidan antes de decidir algo con su familia en casa.",
    "ru": "Это письмо о лечении, о котором вы спрашивали. Мы рассказываем, что это такое и как оно проходит.",
    "ar": "هذه رسالة عن العلاج الذي سألتم عنه، ونخبركم ما هو وكيف يجري وما الأسئلة التي ينبغي طرحها.",
    "zh": "这是一封关于您所询问的治疗的信。我们告诉您它是什么，如何进行，"
    "以及在决定之前应该向照顾您的人提出哪些问题，请与家人一起慢慢阅读。",
}


def mail(declared: str, text: str, *, around: str = "") -> list[str]:
    html = GOOD.replace('lang="en"', f'lang="{declared}"').replace("</div>", f"<p>{text}</p></div>{around}")
    return told(look(html=html), "other-language")


@pytest.mark.parametrize("tag", TEXTS)
def test_a_mail_in_its_own_language_is_left_in_peace(tag: str) -> None:
    assert mail(tag, TEXTS[tag]) == []


@pytest.mark.parametrize("tag", TEXTS)
@pytest.mark.parametrize("declared", ["en", "de", "ru", "ja"])
def test_a_mail_in_another_language_is_told(declared: str, tag: str) -> None:
    alike = {(declared, tag)} & {("en", "en"), ("de", "de"), ("ru", "ru"), ("ja", "zh")}
    assert len(mail(declared, TEXTS[tag])) == (not alike)


@pytest.mark.parametrize("declared", ["de", "tr", "sr", "fi"])
def test_a_short_mail_is_not_doubted(declared: str) -> None:
    assert mail(declared, "Kind regards, the team") == []


def test_a_language_that_we_do_not_know_is_not_doubted_by_its_words() -> None:
    assert mail("fi", TEXTS["en"]) == []


def test_parts_that_say_their_own_language_do_not_count() -> None:
    quoted = f'<div lang="de"><p>{TEXTS["de"] * 3}</p></div>'
    assert mail("en", TEXTS["en"], around=quoted) == []
    assert mail("de", "Kurz", around=f'<div lang="en"><p>{TEXTS["en"]}</p></div>') == []


def test_a_tag_that_names_its_script_is_believed() -> None:
    assert mail("sr-Latn", TEXTS["en"]) == []
    assert mail("ru-Latn", "Eto pismo o lechenii, o kotorom vy sprashivali, i my rasskazyvaem chto eto takoe") == []
