"""Is a mail in the language that it says it is in?  Screen readers speak it so, and the layout's own words follow it.

Cheap on purpose: the script of its letters, and words that are in every text of a language. It doubts only where
another language is plainly the one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from outreach.message.check.fault import Fault, warning
from outreach.message.check.mail import Mail

#: Languages that are written in other scripts than the Latin one, by the first word of their letters' Unicode names.
SCRIPTS = {
    **dict.fromkeys(["ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg"], ("CYRILLIC",)),
    **dict.fromkeys(["ar", "fa", "ur", "ps", "ug", "ckb"], ("ARABIC",)),
    **dict.fromkeys(["he", "yi"], ("HEBREW",)),
    **dict.fromkeys(["hi", "mr", "ne", "sa"], ("DEVANAGARI",)),
    **dict.fromkeys(["zh", "yue"], ("CJK", "BOPOMOFO")),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL", "CJK"),
    "el": ("GREEK",),
    "th": ("THAI",),
    "hy": ("ARMENIAN",),
    "ka": ("GEORGIAN",),
    "am": ("ETHIOPIC",),
    "bn": ("BENGALI",),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "km": ("KHMER",),
}
#: Written in either of two scripts: not judged by it.
_EITHER = {"sr", "kk", "uz", "mn", "az", "ku", "tg", "ky", "pa", "ks", "sd"}

#: Words that every text of a language has, and that the others lack.
COMMON = {
    "en": "the and of to that is with for you are this have not your from they who which",
    "de": "der die das und ist nicht mit den ein eine zu sich auf für sie werden von dem oder auch",
    "fr": "le les des est une dans pour que qui vous avec sur pas sont aux cette votre du et",
    "es": "el los las una que para con por del como más este sus pero está su y en",
    "it": "il gli della che per una con non sono del dei nel alla anche questo è di",
    "pt": "os uma que para com não por dos das mais são como você seu também ao da do",
    "nl": "het een van en dat niet met voor zijn aan ook naar deze wordt door uw kan",
    "sv": "och att det som är för inte med den på av till har ett kan du eller",
    "da": "og det at er som for ikke med den på af til har et kan du eller der",
    "pl": "nie się jest na do że oraz lub jak przez dla tego po od może są",
    "tr": "bir ve bu için ile olarak daha çok gibi olan ya da ne kadar sizin",
    "ro": "și este pentru care din cu nu în la sunt mai sau prin dumneavoastră",
    "cs": "a je na se že pro které jako nebo jsou ale při může jsme vás není",
}
#: So many words (or letters of another script) are needed before anybody doubts.
FEWEST_WORDS, FEWEST_LETTERS = 25, 40

_WORD = re.compile(r"[^\W\d_]+")


def language(mail: Mail) -> Iterator[Fault]:
    """Whether the words are in the language that `lang` names."""
    if not mail.language:
        return
    text = " ".join(piece for _, piece in mail.written(elsewhere=False))
    script = _script(text)
    root = mail.document.getroottree().getroot()
    named = (root.get("lang") or "").lower().split("-")
    said = SCRIPTS.get(mail.language, ("LATIN",))
    if script and script not in said and mail.language not in _EITHER and not any(len(part) == 4 for part in named):
        yield warning(
            "other-language",
            f"The mail says that it is in {mail.language!r}, but its letters are {script.title()}: mend language: in "
            "the article, since screen readers and the footer follow it.",
        )
    elif (spoken := _spoken(text)) and mail.language in COMMON and spoken != mail.language:
        yield warning(
            "other-language",
            f"The mail says that it is in {mail.language!r}, but reads like {spoken!r}: mend language: in the article, "
            "since screen readers and the footer follow it.",
        )


def _script(text: str) -> str:
    """The script of most letters; "" where there are too few."""
    letters = Counter(unicodedata.name(letter, "?").partition(" ")[0] for letter in text if letter.isalpha())
    if sum(letters.values()) < FEWEST_LETTERS:
        return ""
    name, many = letters.most_common(1)[0]
    return name if many > 0.6 * sum(letters.values()) else ""


def _spoken(text: str) -> str:
    """The language whose common words are far the most frequent; "" where none is."""
    found = [word.casefold() for word in _WORD.findall(text)]
    if len(found) < FEWEST_WORDS:
        return ""
    hits = Counter({tag: sum(word in known for word in found) for tag, known in _KNOWN.items()})
    (first, many), (_, next_most) = hits.most_common(2)
    return first if many > 0.12 * len(found) and many > 1.6 * next_most else ""


_KNOWN = {tag: frozenset(words.split()) for tag, words in COMMON.items()}
