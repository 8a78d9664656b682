"""Header names become fields, however programs and people write them."""

from __future__ import annotations

import pytest

from outreach.audience import header


@pytest.mark.parametrize(
    "word",
    ["email", "E-Mail", "EMAIL", "e_mail", "Mail", "E-Mail-Adresse", "email address", "Email Address ", "Correo",
     "Correo electrónico", "Adresse e-mail", "courriel", "E-post", "электронная почта", "メールアドレス", "电子邮件",
     "이메일", "البريد الإلكتروني", "E-mail 1 - Value"],
)  # fmt: skip
def test_an_address_column_is_recognised(word: str) -> None:
    found = header.read(["x", word])
    assert found is not None
    assert found.email == 1


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["email", "name"], (1,)),
        (["email", "Full Name"], (1,)),
        (["email", "First name", "Last name"], (1, 2)),
        (["Nachname", "Vorname", "E-Mail"], (1, 0)),
        (["nom", "prénom", "courriel"], (1, 0)),
        (["nombre", "apellidos", "correo"], (0, 1)),
        (["email", "nom"], (1,)),
        (["email", "first name"], (1,)),
        (["email", "name", "first name", "last name"], (1,)),
        (["email", "姓名"], (1,)),
        (["email", "이름"], (1,)),
        (["email", "city"], ()),
    ],
)
def test_the_name_is_one_column_or_first_and_last_name(cells: list[str], name: tuple[int, ...]) -> None:
    found = header.read(cells)
    assert found is not None
    assert found.name == name


def test_language_and_zone_have_many_names() -> None:
    for language, zone in [
        ("lang", "tz"),
        ("Locale", "Time Zone"),
        ("Sprache", "Zeitzone"),
        ("idioma", "zona horaria"),
    ]:
        found = header.read(["email", zone, language])
        assert found is not None
        assert (found.language, found.timezone) == (2, 1)


def test_every_other_column_is_an_attribute_under_a_plain_key() -> None:
    found = header.read(["email", "First Name", "Last Name", "Favourite Colour (2)", "", "größe", "Größe", "Name 2"])
    assert found is not None
    assert dict(found.attributes) == {
        "first_name": 1,
        "last_name": 2,
        "favourite_colour_2": 3,
        "column_5": 4,
        "größe": 5,
        "größe_2": 6,
        "name_2": 7,
    }


def test_a_second_address_column_is_an_attribute() -> None:
    found = header.read(["email", "e-mail"])
    assert found is not None
    assert (found.email, dict(found.attributes)) == (0, {"e_mail": 1})


def test_a_row_without_a_word_for_an_address_is_no_header() -> None:
    assert header.read(["city", "name"]) is None


def test_a_file_without_header_has_address_name_and_numbered_columns() -> None:
    found = header.none(["Wien", "ann@example.org", "Ann", "x"], email=1)
    assert (found.email, found.name, dict(found.attributes)) == (1, (0,), {"column_3": 2, "column_4": 3})
