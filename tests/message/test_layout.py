"""The default layout reads well everywhere: narrow, dark, without styles, in Outlook, aloud, and as plain text."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from outreach import language
from outreach.message import article, check, inline, plaintext

FOLDER = Path(__file__).parents[2] / "templates" / "email" / "default"
CSS = (FOLDER / "layout.css").read_text(encoding="utf-8")

BUTTON = (
    '<table role="presentation" class="button" align="center" cellpadding="0" cellspacing="0" border="0"><tr>'
    '<td class="button" bgcolor="#0b6e69"><a class="button" data-role="quote" href="https://example.org/quote">'
    "Receive a Free Medical Quote</a></td></tr></table>"
)
BODY = f"""<p>Dear Zoë Müller-Øst,</p>
<p>Plain words about a treatment, and <a href="https://example.org/guide">what accreditation means</a>.</p>
{BUTTON}
<h2>What can go wrong</h2>
<ul><li>Fever</li><li>Confusion</li></ul>
<blockquote><p>Information, not advice.</p></blockquote>
<table><thead><tr><th scope="col">Step</th><th scope="col">Time</th></tr></thead>
<tbody><tr><td>Collecting</td><td>one day</td></tr></tbody></table>
<p><img src="https://news.example.org/media/ward.png" alt="A quiet ward" width="480"></p>"""

AS_TEXT = (Path(__file__).parent / "golden" / "layout.txt").read_text(encoding="utf-8")


def render(body: str = BODY, **changes: Any) -> str:
    """The layout around a body, before its CSS is inlined."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.html")}
    environment = SandboxedEnvironment(loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined)
    article = {
        "title": "Made From Your Own Cells",
        "subject": "A letter",
        "preheader": "What it is, and what it risks.",
        "language": "en",
        "direction": "ltr",
        "body": Markup(body),
    }
    links = {name: f"https://news.example.org/{name[0]}/token" for name in ("unsubscribe", "preferences", "view")}
    facts: dict[str, Any] = {
        "links": links | {"quote": "https://example.org/quote"},
        "publisher": {"name": "Example Medical Travel", "address": "letters@example.org"},
        "mailing_list": {"name": "treatments", "title": "Treatments explained"},
        "postal_address": "12 Harbour Street\n1000 Exampleton",
        "spoken": {"language": "en", "direction": "ltr"},
        "_": partial(language.spoken, {}),
    }
    article |= {name: changes.pop(name) for name in list(changes) if name in article}
    return environment.get_template("layout.html").render(article=article, **facts | changes)


@pytest.fixture(scope="module")
def mail() -> str:
    return inline.inline(render(), CSS)


class Outline(HTMLParser):
    """Open and closed elements, with a complaint for each that does not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in inline.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def stripped(html: str) -> str:
    """The mail as a client leaves it that removes every <style> and comment."""
    return re.sub(r"<style>.*?</style>", "", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL), flags=re.DOTALL)


def in_outlook(html: str) -> str:
    """The mail as Outlook's Word engine reads it."""
    return html.replace("<!--[if mso]>", "").replace("<![endif]-->", "")


def test_it_is_one_letter_with_one_title_a_language_and_a_direction(mail: str) -> None:
    outline = Outline(mail)

    assert len(outline.named("h1")) == len(outline.named("title")) == 1
    assert (outline.named("html")[0]["lang"], outline.named("html")[0]["dir"]) == ("en", "ltr")
    inside = next(attributes for attributes in outline.named("div") if attributes.get("role") == "article")
    assert (inside["lang"], inside["dir"]) == ("en", "ltr")
    names = {attributes.get("name") for attributes in outline.named("meta")}
    assert {"viewport", "color-scheme", "supported-color-schemes"} <= names


def test_every_table_of_the_layout_is_silent_and_that_of_the_article_is_not(mail: str) -> None:
    roles = [attributes.get("role") for attributes in Outline(in_outlook(mail)).named("table")]

    assert roles.count(None) == 1
    assert set(roles) == {"presentation", None}


@pytest.mark.parametrize("view", [str, stripped, in_outlook])
def test_elements_nest_in_every_reader(mail: str, view: Any) -> None:
    outline = Outline(view(mail))

    assert (outline.wrong, outline.open) == ([], [])


def test_outlooks_comments_survive_inlining_and_are_balanced(mail: str) -> None:
    assert mail.count("<!--[if mso]>") == mail.count("<![endif]-->") == 3
    assert '<!--[if mso]><table role="presentation" width="600"' in mail
    assert "<o:PixelsPerInch>96</o:PixelsPerInch>" in mail
    assert 'class="letter"' in mail  # Outlook's own rules name it


def test_media_queries_and_dark_mode_survive_inlining_once(mail: str) -> None:
    kept = re.sub(r"<!--.*?-->", "", mail, flags=re.DOTALL)

    assert kept.count("<style>") == 1
    assert kept.count("@media (prefers-color-scheme: dark)") == kept.count("@media (min-width: 560px)") == 1
    assert "[data-ogsc] .letter {" in kept
    assert "[data-ogsb] .letter {" in kept
    assert len(re.search(r"<style>(.*?)</style>", kept, re.DOTALL)[1]) < 8192  # type: ignore[index]  # Gmail drops more


def test_every_rule_that_stays_beats_what_was_inlined(mail: str) -> None:
    kept = re.search(r"<style>(.*?)</style>", re.sub(r"<!--.*?-->", "", mail, flags=re.DOTALL), re.DOTALL)
    assert kept is not None
    declarations = [part for block in re.findall(r"\{([^{}]+)\}", kept[1]) for part in block.split(";") if part.strip()]

    assert declarations
    assert all("!important" in declaration for declaration in declarations)


def test_without_styles_it_is_still_a_page_for_a_narrow_screen(mail: str) -> None:
    outline = Outline(stripped(mail))
    widths = [int(size) for size in re.findall(r"(?<![-\w])(?:min-)?width:\s*(\d+)px", stripped(mail))]
    attributes = [
        int(found["width"]) for tag, found in outline.elements if found.get("width", "").isdigit() and tag != "img"
    ]

    assert max([*widths, *attributes]) < 100
    letter = next(found for found in outline.named("td") if "letter" in found.get("class", ""))
    assert "padding:32px 22px 16px" in letter["style"]
    assert "max-width:600px" in mail
    assert all("max-width:100%" in found["style"] for found in outline.named("img"))


def test_words_are_large_enough_to_read(mail: str) -> None:
    sizes = {
        found.get("class"): found["style"]
        for found in Outline(mail).named("td")
        if "font-size" in found.get("style", "")
    }

    assert int(re.search(r"font-size:(\d+)px", sizes["letter"])[1]) >= 16  # type: ignore[index]
    assert min(int(size) for size in re.findall(r"font-size:\s*(\d+)px", CSS.replace("font-size: 1px", ""))) >= 15


def test_the_button_is_a_padded_cell_with_a_link_in_it(mail: str) -> None:
    cell = next(found for found in Outline(mail).named("td") if found.get("class") == "button")
    link = next(found for found in Outline(mail).named("a") if found.get("class") == "button")

    assert cell["bgcolor"] == "#0b6e69"
    assert "padding:8px 16px" in cell["style"]
    assert "background-color:#0b6e69" in cell["style"]
    assert "display:inline-block" in link["style"]
    assert link["href"] == "https://example.org/quote"


def test_the_preheader_is_hidden_and_keeps_the_letter_out_of_the_inbox_line(mail: str) -> None:
    hidden = re.search(r'<div [^>]*style="[^"]*display:none[^"]*">(.*?)</div>', mail)

    assert hidden is not None
    assert hidden[1].startswith("What it is, and what it risks.")
    assert hidden[1].count("&nbsp;") >= 60
    assert "display:none" not in inline.inline(render(preheader=""), CSS)


def test_nothing_is_loaded_from_anybody_else(mail: str) -> None:
    hosts = set(re.findall(r"(?:https?:)?//([^/\"'\s)]+)", mail))

    assert hosts <= {"news.example.org", "example.org"}
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_the_footer_says_who_why_where_and_how_to_leave(mail: str) -> None:
    words = re.sub(r"<[^>]+>", " ", mail)

    for said in ("Example Medical Travel", "letters@example.org", "Treatments explained", "12 Harbour Street"):
        assert said in words
    for way in ("unsubscribe", "preferences", "view"):
        assert f'href="https://news.example.org/{way[0]}/token"' in mail
    assert re.search(r">Unsubscribe</a>", mail)


def test_without_a_postal_address_or_a_name_no_hole_is_left() -> None:
    html = render(postal_address="", publisher={"name": "", "address": "letters@example.org"})

    assert "Harbour" not in html
    assert "<p></p>" not in re.sub(r"\s", "", html)
    assert "It is sent by letters@example.org." in html
    assert 'class="wordmark">letters@example.org<' in html


def test_a_title_in_the_article_takes_the_place_of_the_layouts() -> None:
    outline = Outline(render("<h1>Mine</h1><p>x</p>"))

    assert len(outline.named("h1")) == 1


def test_a_letter_in_arabic_runs_from_the_right_and_its_english_footer_does_not() -> None:
    html = inline.inline(render("<ul><li>واحد</li></ul>", language="ar", direction="rtl", title="رسالة"), CSS)

    assert '<html lang="ar" dir="rtl"' in html
    assert "padding:0 24px 0 0" in html
    assert '<div role="contentinfo" lang="en" dir="ltr">' in html


def test_values_are_escaped() -> None:
    html = render(title="<b>&", publisher={"name": '"<i>', "address": "a@example.org"}, postal_address="<script>")

    assert "<b>" not in html
    assert "<i>" not in html
    assert "<script>" not in html


def test_the_text_part_says_the_same() -> None:
    assert plaintext.from_html(render()) == AS_TEXT


def test_it_passes_its_own_check(mail: str) -> None:
    found = check.faults(
        subject="A letter",
        html=mail,
        text=AS_TEXT,
        unsubscribe="https://news.example.org/u/token",
        public_url="https://news.example.org",
        postal_address="12 Harbour Street",
    )

    assert found == []
    assert len(mail.encode()) < 20_000


def test_the_shipped_article_reads_alike_in_both_parts() -> None:
    file = FOLDER.parents[1] / "articles" / "car-t-cell-therapy.md"
    letter = article.parse(file.read_text(encoding="utf-8"), file=file.name)
    letter = letter.with_links({"quote": "https://example.org/quote"})
    body = re.sub(r"\{\{.*?\}\}", "Zoë", article.render_html(letter))
    page = render(body, title=letter.title)
    html = inline.inline(page, CSS)
    outline = Outline(html)
    text = plaintext.from_html(page)

    assert [tag for tag, _ in outline.elements if re.fullmatch(r"h\d", tag)] == ["h1"] + ["h2"] * len(
        outline.named("h2")
    )
    assert len([found for found in outline.named("a") if found.get("data-role") == "quote"]) == 2
    assert len(html.encode()) < 30_000
    assert text.count("Receive a Free Medical Quote:\nhttps://example.org/quote\n") == 2
    assert max(len(line) for line in text.splitlines()) <= 78
    seen = re.sub(
        r'<(title|style)>.*?</\1>|<!--.*?-->|<div class="preheader".*?</div>|<td class="seal".*?</td>',
        "",
        page,
        flags=re.DOTALL,
    )
    assert words(text) == words(re.sub(r"<[^>]+>", " ", unescape(seen)))


def words(text: str) -> list[str]:
    """The words alone, without URLs and numbers."""
    return re.findall(r"[^\W\d_]+", re.sub(r"https?://\S+", " ", text))
