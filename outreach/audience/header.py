"""What do the columns of a file mean? Header names, as programs and people write them, become our fields."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


def _folded(header: str) -> str:
    """Header names as they are compared: no case, no accents, letters and digits alone."""
    apart = unicodedata.normalize("NFKD", header.casefold())
    return "".join(letter for letter in apart if letter.isalnum())


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_folded, text.split()))


#: field -> the header names that mean it.
WORDS: dict[str, frozenset[str]] = {
    "email": _words(
        """email emailaddress mail mailaddress emailadresse mailadresse adressemail adresseemail courriel correo
        correoelectronico direcciondecorreo indirizzoemail indirizzodipostaelettronica postaelettronica enderecodeemail
        eposta epost epostadress epostadresse sahkoposti sahkopostiosoite adresemail subscriberemail contactemail
        primaryemail workemail email1 email1value emailaddress1 useremail почта электроннаяпочта эпочта имейл
        адресэлектроннойпочты електроннапошта ηλεκτρονικηδιευθυνση メール メールアドレス eメール 邮箱 电子邮件 电子邮箱
        電子郵件 電郵 이메일 전자우편 이메일주소 البريدالإلكتروني ايميل דואל דוארלקטרוני ईमेल อีเมล"""
    ),
    "name": _words(
        """name fullname displayname contactname contact subscribername subscriber recipient recipientname yourname
        vollername vollständigername nom nomcomplet nometprenom nombre nombrecompleto nombreyapellidos nome nomecompleto
        nominativo naam volledigenaam namn nimi imięinazwisko jméno имя фио полноеимя имяифамилия імя όνομα
        ονοματεπώνυμο 姓名 名前 氏名 お名前 이름 성명 الاسم الاسمالكامل שם שםמלא नाम पूरानाम ชื่อ"""
    ),
    "first": _words(
        """firstname givenname forename first vorname prénom primernombre nomedibattesimo voornaam förnamn etunimi"""
    ),
    "last": _words(
        """lastname surname familyname last nachname familienname zuname nomdefamille apellido apellidos cognome
        sobrenome achternaam efternamn sukunimi nazwisko příjmení фамилия"""
    ),
    "language": _words(
        """language lang locale languagecode preferredlanguage sprache langue idioma lingua taal språk kieli język
        язык мова γλώσσα 语言 語言 言語 언어 اللغة שפה भाषा ภาษา"""
    ),
    "timezone": _words(
        """timezone tz zone timezoneid zeitzone fuseauhoraire zonahoraria fusohorario fusoorario tijdzone tidszon
        часовойпояс 时区 時區 タイムゾーン 시간대 المنطقةالزمنية אזורזמן"""
    ),
}

#: A name column that means the family name when a first name stands beside it.
_FAMILY_BESIDE_FIRST = frozenset({"name", "nom", "naam", "namn"})


@dataclass(frozen=True)
class Header:
    """Which column holds what; columns count from 0, None where there is none."""

    width: int
    email: int
    #: The columns that make the name, joined with a space in this order.
    name: tuple[int, ...] = ()
    language: int | None = None
    timezone: int | None = None
    #: (key, column) of everything else, and of first and last name.
    attributes: tuple[tuple[str, int], ...] = ()

    @property
    def fields(self) -> dict[str, list[int]]:
        """field -> its columns, for people who want to see what was understood."""
        known = {"email": [self.email], "name": list(self.name)}
        for field, column in (("language", self.language), ("timezone", self.timezone)):
            known[field] = [] if column is None else [column]
        return {**{field: columns for field, columns in known.items() if columns}, **_listed(self.attributes)}


def read(cells: Sequence[str], *, email: int | None = None) -> Header | None:
    """The header that this row is; None where no column of it is called an address.

    `email` says which column holds addresses where its name does not tell.
    """
    folded = [_folded(cell) for cell in cells]
    email = _first(folded, WORDS["email"]) if email is None else email
    if email is None:
        return None
    first, last = _first(folded, WORDS["first"]), _first(folded, WORDS["last"])
    whole = next((index for index, word in enumerate(folded) if index != email and word in WORDS["name"]), None)
    if first is not None and last is None:
        last = next((index for index, word in enumerate(folded) if word in _FAMILY_BESIDE_FIRST), None)
        whole = None if whole == last else whole
    elif whole is not None and first is None and last is not None:
        first, whole = whole, None
    name = (whole,) if whole is not None else tuple(index for index in (first, last) if index is not None)
    language, timezone = _first(folded, WORDS["language"]), _first(folded, WORDS["timezone"])
    taken = {email, whole, language, timezone}
    rest = [index for index in range(len(cells)) if index not in taken]
    return Header(len(cells), email, name, language, timezone, _keyed(cells, rest))


def none(cells: Sequence[str], *, email: int) -> Header:
    """The columns of a file without a header: the address, beside it the name, then `column_3` and so on."""
    others = [index for index in range(len(cells)) if index != email]
    attributes = tuple((f"column_{index + 1}", index) for index in others[1:])
    return Header(len(cells), email, tuple(others[:1]), attributes=attributes)


def key(header: str) -> str:
    """A header as a key of the attributes: lower case, everything but letters and digits becomes `_`."""
    words = "".join(letter if letter.isalnum() else " " for letter in header.lower()).split()
    return "_".join(words)


def _keyed(cells: Sequence[str], columns: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """A key for each column; a second one of the same name gets a number."""
    taken = {"email", "name", "language", "timezone"}
    keyed: list[tuple[str, int]] = []
    for column in columns:
        wanted = key(cells[column])[:100] or f"column_{column + 1}"
        free, count = wanted, 1
        while free in taken:
            count += 1
            free = f"{wanted}_{count}"
        taken.add(free)
        keyed.append((free, column))
    return tuple(keyed)


def _listed(attributes: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    return {name: [column] for name, column in attributes}


def _first(folded: Sequence[str], words: frozenset[str]) -> int | None:
    return next((index for index, word in enumerate(folded) if word in words), None)
