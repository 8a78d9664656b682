"""The shipped article is complete, careful, and its own words."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
import lxml.html
import pytest

from outreach.message import article
from outreach.message.article import Article

FILE = Path(__file__).parents[2] / "templates" / "articles" / "car-t-cell-therapy.md"
TITLE = "Revolutionizing Cancer Treatment: The Rise of CAR-T Cell Therapy"
HEADINGS = [
    "Understanding CAR-T Cell Therapy",
    "The Evolution of CAR-T Cell Therapy",
    "Benefits and Breakthroughs",
    "Challenges and Considerations",
    "The Future of CAR-T Cell Therapy",
    "Global Impact and Accessibility",
    "Conclusion",
]


@cache
def shipped() -> Article:
    return article.parse(FILE.read_text(encoding="utf-8"), file=str(FILE))


@cache
def read_by(name: str) -> lxml.html.HtmlElement:
    """The article as one reader gets it."""
    jinja = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    jinja.filters["fallback"] = lambda value, other: value or other
    source = article.render_html(shipped().with_links({"quote": "https://quote.example/ask"}))
    return lxml.html.document_fromstring(jinja.from_string(source).render(name=name))


def words() -> str:
    return " ".join(read_by("Ada").text_content().split())


def test_the_title_and_headings_are_those_of_the_article() -> None:
    assert shipped().title == TITLE
    assert [heading.text_content() for heading in read_by("Ada").iter("h1", "h2", "h3")] == HEADINGS


def test_the_setting_fills_sender_and_quote_link() -> None:
    assert shipped().sender is None
    assert shipped().dead_roles == ("quote",)
    assert shipped().links["accreditation"] == "https://www.globalhealthcareaccreditation.com/"
    assert not shipped().with_links({"quote": "https://quote.example/ask"}).dead_roles


def test_the_call_to_action_stands_at_the_top_and_at_the_end() -> None:
    body = read_by("Ada").find("body")
    assert body is not None
    tops = list(body)
    calls = [tops.index(table) for table in tops if table.get("class") == "button"]
    assert len(calls) == 2
    assert calls[0] <= 3
    assert calls[1] >= len(tops) - 2
    for call in calls:
        link = tops[call].find(".//a")
        assert link is not None
        assert (link.text, link.get("href")) == ("Receive a Free Medical Quote", "https://quote.example/ask")


@pytest.mark.parametrize("name", ["Zoë Example-Nguyễn", "山田 花子", "A <b>&'\""])
def test_the_greeting_prints_the_full_name(name: str) -> None:
    assert f"Hello {name}," in read_by(name).text_content()


def test_the_greeting_has_a_word_for_a_reader_without_a_name() -> None:
    assert "Hello reader," in read_by("").text_content()


@pytest.mark.parametrize(
    "told",
    [
        "cytokine release syndrome (CRS)",
        "ICANS",
        "life-threatening",
        "infections",
        "blood counts",
        "for many years",
        "certain blood cancers only",
        "Nobody can say beforehand who will benefit",
        "your own doctors",
        "Global Healthcare Accreditation (GHA)",
        "information, not advice",
    ],
)
def test_what_a_careful_letter_must_say_is_said(told: str) -> None:
    assert told.lower() in words().lower()


@pytest.mark.parametrize(
    "word", ["cure", "cures", "cured", "miracle", "guarantee", "breakthrough treatment", "hope", "last chance"]
)
def test_nothing_is_promised(word: str) -> None:
    assert not re.search(rf"\b{word}\b", words(), re.IGNORECASE)


@pytest.mark.parametrize("ending", ["leucel", "autoleucel", "mab", "®", "™"])
def test_no_product_is_named(ending: str) -> None:
    assert ending not in words().lower()


def test_it_can_be_read_in_a_few_minutes() -> None:
    assert 700 <= len(words().split()) <= 1000


def test_it_stays_far_below_what_mail_readers_clip() -> None:
    assert len(article.render_html(shipped()).encode()) < 20_000


def test_every_line_can_be_read_in_an_editor() -> None:
    assert max(len(line) for line in FILE.read_text(encoding="utf-8").splitlines()) <= 120
