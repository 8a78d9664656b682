"""The compiled campaign has every header field and part that mail needs, and refuses what would not make a message."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from outreach.address import parse_mailbox
from outreach.errors import CompileError, TemplateError
from outreach.message import splice
from outreach.message.compiled import FORMAT, Compiled, Part
from tests.message import mail

GOLDEN = Path(__file__).parent / "golden"
PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
EVERYTHING = mail.compiled(
    tracked=True,
    preheader="For {{ name | fallback('you') }}",
    reply_to=parse_mailbox("Täglich <answers@clinic.example>"),
    list_title="Zell-Neuigkeiten für alle",
)


@pytest.mark.parametrize(
    ("file", "recipient"),
    [
        ("plain.eml", mail.person()),
        ("hostile.eml", mail.person('李 "x" <b>\r\nBcc: y', ".\n=3D & ä{{ 7 }}")),
        ("nameless.eml", mail.person("", "")),
    ],
)
def test_a_message_is_byte_for_byte_the_golden_one(file: str, recipient: mail.Recipient) -> None:
    data = splice.message(EVERYTHING, recipient, mail.stamp())
    assert data == (GOLDEN / file).read_bytes(), f"if the change is meant, write {file} anew and look at the difference"


def test_every_field_that_mail_needs_is_there_once() -> None:
    message = mail.parsed(splice.message(EVERYTHING, mail.person(), mail.stamp()))
    assert message.keys() == [
        *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-ID", "List-Unsubscribe"),
        *("List-Unsubscribe-Post", "Feedback-ID", "MIME-Version", "Content-Type"),
    ]
    assert message["From"] == "Clinic News <news@clinic.example>"
    assert message["Reply-To"] == "Täglich <answers@clinic.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"].datetime == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


def test_pictures_travel_inside_the_mail() -> None:
    html = mail.BARE.replace(
        "<div>", '<div><img src="{{ image("logo.png") }}" alt="x"><img src="{{ image("a b.png") }}">'
    )
    made = mail.compiled(html=html, images={"logo.png": PIXEL})
    message = mail.parsed(splice.message(made, mail.person(), mail.stamp()))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    picture = [*message.walk()][-1]
    assert picture.get_content() == PIXEL
    assert picture["Content-ID"] == "<logo.png@clinic.example>"
    assert 'src="cid:logo.png@clinic.example"' in mail.parts(splice.message(made, mail.person(), mail.stamp()))[1]
    assert 'src="https://go.clinic.example/media/a%20b.png"' in str([*message.walk()][3].get_content())


def test_a_picture_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(CompileError, match=r"script\.js"):
        mail.compiled(images={"script.js": b"x"})


def test_a_text_of_the_layouts_own_replaces_the_one_made_from_html() -> None:
    own = "{{ article.title }} & co\n\n{{ article.body }}\nQuote: {{ links.quote }}\nLeave: {{ links.unsubscribe }}\n"
    made = mail.compiled(sources={"layout.txt": own}, tracked=True)
    text, html = mail.parts(splice.message(made, mail.person("A & B"), mail.stamp()))
    quote = next(link.number for link in made.links if link.role == "quote")
    assert text.startswith("On cells & co\n\nDear A & B,\n")
    assert f"\nQuote: {mail.stamp().click(quote)}\nLeave: {mail.stamp().unsubscribe}\n" in text
    assert html.count(mail.stamp().click(quote)) == 2


def test_a_text_of_the_layouts_own_may_vary_alone() -> None:
    own = "{% if city == 'Rome' %}Ciao{% else %}Hello{% endif %}\n{{ article.body }}"
    made = mail.compiled(sources={"layout.txt": own})
    assert [piece for piece in made.pieces if isinstance(piece, Part)] == [Part.TEXT]
    said = [mail.parts(splice.message(made, mail.person(city=city), mail.stamp()))[0] for city in ("Rome", "Bonn")]
    assert [text.split("\n")[0] for text in said] == ["Ciao", "Hello"]


def test_the_text_is_wrapped_before_values_are_known() -> None:
    long = mail.compiled("{{ name }} " + "word " * 40, html=mail.BARE)
    lines = [
        mail.parts(splice.message(long, mail.person(name), mail.stamp()))[0].split("\n") for name in ("A", "B" * 90)
    ]
    assert lines[0][1:] == lines[1][1:]
    assert max(len(line) for line in lines[0]) <= 78


@pytest.mark.parametrize(
    "html",
    [
        '<p class="{{ name }}">x</p>',
        '<p style="color: {{ name }}">x</p>',
        "<style>p { color: {{ name }} }</style>",
        "<{{ name }}>x",
        "<p {{ name }}>x</p>",
        "<p {{ name }}='y'>x</p>",
    ],
)
def test_a_value_where_it_cannot_survive_is_a_compile_error(html: str) -> None:
    with pytest.raises(CompileError, match=r"^'name' stands|was changed"):
        mail.compiled("x", html=mail.BARE.replace("<div>", f"<div>{html}"), css="p { margin: 0 }")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"list_title": "a\r\nBcc: x"}, "title of the list"),
        ({"subject": "a\nb"}, "the subject"),
        ({"list_name": "a b"}, "List-ID"),
        ({"html": ""}, "the layout is empty"),
    ],
)
def test_what_would_break_a_header_is_refused_and_named(changes: dict[str, str], words: str) -> None:
    values = {"html": mail.BARE, **changes}
    who = mail.identity(**{key: value for key, value in values.items() if key not in {"html"}})
    layout = mail.Layout("plain", {"layout.html": values["html"]})
    with pytest.raises(CompileError, match=words):
        mail.compile.campaign(mail.article(), layout, who, date=mail.DATE)


def test_a_layout_without_its_page_is_refused() -> None:
    with pytest.raises(CompileError, match=r"'bare' has no layout\.html"):
        mail.compile.campaign(mail.article(), mail.Layout("bare", {}), mail.identity(), date=mail.DATE)


def test_a_dead_link_role_is_refused() -> None:
    article = mail.articles.parse(
        mail.ARTICLE.format(body="[x](quote)", subject="s", preheader="p").replace(
            "https://clinic.example/quote?a=1&b=%27x%27#top", ""
        ),
        file="cells.md",
    )
    layout = mail.Layout("plain", {"layout.html": mail.HTML})
    with pytest.raises(CompileError, match="'quote' has no URL"):
        mail.compile.campaign(article, layout, mail.identity(), date=mail.DATE)


def test_broken_css_is_told_with_its_file_and_line() -> None:
    with pytest.raises(TemplateError) as refusal:
        mail.compiled(css="p { margin: 0 }\np { margin")
    assert (refusal.value.file, refusal.value.line) == ("plain/layout.css", 2)


def test_a_tag_that_is_looked_for_in_the_body_makes_no_variant() -> None:
    html = mail.BARE.replace("<div>", '<div>{% if "<h1" not in article.body %}<h1>{{ article.title }}</h1>{% endif %}')
    made = mail.compiled(html=html)
    assert made.scene is None
    assert "<h1>On cells</h1>" in mail.parts(splice.message(made, mail.person(), mail.stamp()))[1]


def test_a_compiled_campaign_comes_back_from_its_bytes() -> None:
    for made in (EVERYTHING, mail.compiled("{% if name %}x{% endif %}", tracked=True, subject="{{ name | upper }}")):
        again = Compiled.from_bytes(made.to_bytes())
        assert again == made
        assert again.to_bytes() == made.to_bytes()


def test_bytes_of_another_version_are_refused() -> None:
    data = EVERYTHING.to_bytes()
    with pytest.raises(CompileError, match="another version"):
        Compiled.from_bytes(data[:18] + (FORMAT + 1).to_bytes(2, "big") + data[20:])
    for wrong in (b"", b"x" * 100, data[:10]):
        with pytest.raises(CompileError, match="no compiled campaign"):
            Compiled.from_bytes(wrong)


def test_nothing_is_pickled() -> None:
    head = EVERYTHING.to_bytes()[24:]
    document, _ = json.JSONDecoder().raw_decode(head[: head.index(b"From: ")].decode())
    assert document["links"][0]["number"] == 1


def test_the_size_that_is_told_bounds_ordinary_messages() -> None:
    for made in (EVERYTHING, mail.compiled("{% if name %}Dear {{ name }}{% endif %}", tracked=True)):
        data = splice.message(made, mail.person("A" * 100, "B" * 100), mail.stamp())
        assert len(data) <= made.size_bound <= 3 * len(data)


def test_compiling_twice_gives_the_same_bytes() -> None:
    assert mail.compiled().to_bytes() == mail.compiled().to_bytes()
