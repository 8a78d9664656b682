"""A raw text, a web page and Markdown become articles; what the source had lost is told, and nothing else is lost."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.errors import ArticleError
from outreach.message import article, manuscript
from outreach.message.manuscript import Manuscript, Source

SEED = Path(__file__).parent / "seed"
#: A real scraped article, where it lies beside the checkout; our stand-in has its shape.
REAL = Path(__file__).parents[3] / "shared" / "seed" / "car-t-article.txt"
RAW = [SEED / "hip-article.txt", *([REAL] if REAL.exists() else [])]
ALL = [*RAW, SEED / "hip-article.html", SEED / "hip-article.md"]
PROSE = "This is a paragraph that is long enough to be told from a heading by anyone who reads it, or so we hope."


def made(text: str, file: str = "a.txt", title: str | None = None) -> Manuscript:
    return manuscript.read(text.encode(), file=file, title=title)


def body_of(found: Manuscript) -> str:
    return found.text.split("\n---\n", 1)[1]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.replace("\\", ""))


def lost(source: str, found: Manuscript) -> set[str]:
    return set(words(source)) - set(words(found.text + json.dumps(found.report(), ensure_ascii=False)))


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
def test_what_is_made_is_an_article(file: Path) -> None:
    found = manuscript.read(file.read_bytes(), file=str(file))
    parsed = article.parse(found.text, file="made.md")
    assert parsed.title == found.title
    assert parsed.preheader
    html = lxml.html.document_fromstring(article.render_html(parsed))
    assert [heading.text_content() for heading in html.iter("h1", "h2", "h3")] == list(found.headings)


@pytest.mark.parametrize("file", RAW, ids=lambda file: file.name)
def test_no_word_of_a_raw_text_is_lost(file: Path) -> None:
    assert not lost(file.read_text(encoding="utf-8"), manuscript.read(file.read_bytes(), file=str(file)))


@pytest.mark.parametrize("file", RAW, ids=lambda file: file.name)
def test_a_scraped_text_is_put_in_order(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    found = manuscript.read(file.read_bytes(), file=str(file))
    assert found.title == lines[3]
    assert [(told.line, told.text) for told in found.dropped] == [(2, "Top Treatments"), (6, lines[3])]
    assert len(found.headings) >= 6
    assert found.headings[-1] == "Conclusion"
    assert all(heading in lines for heading in found.headings[:-1])
    pointer = next(number for number, line in enumerate(lines, 1) if line.startswith("To receive a free quote"))
    assert [call.line for call in found.calls] == [1, pointer]
    assert [(link.line, link.role) for link in found.missing_links] == [
        (1, "quote"),
        (pointer, "quote"),
        (pointer + 2, "accreditation"),
    ]
    assert [told.line for told in found.cut_off] == [pointer - 2]
    ending = found.cut_off[0].text.removeprefix("… ")
    assert lines[pointer - 3].strip().endswith(ending)


@pytest.mark.parametrize("file", RAW, ids=lambda file: file.name)
def test_both_calls_become_buttons_and_here_becomes_a_role(file: Path) -> None:
    found = manuscript.read(file.read_bytes(), file=str(file))
    parsed = article.parse(found.text, file="made.md")
    assert dict(parsed.links) == {"quote": "", "accreditation": ""}
    assert parsed.roles == ("quote", "accreditation")
    html = lxml.html.document_fromstring(article.render_html(parsed))
    buttons = [link for link in html.iter("a") if link.get("class") == "button"]
    assert [button.text for button in buttons] == ["Receive a Free Medical Quote"] * 2
    assert html.find("body")[0].get("class") == "button"


def test_a_mark_stands_under_a_sentence_that_breaks_off() -> None:
    found = made(f"A Title\n\n{PROSE}\n\nThe way from here to the other side of the river is made of")
    assert "is made of\n\n{# The source breaks off here" in found.text
    assert found.cut_off[0].line == 5


def test_a_web_page_keeps_its_article_and_tells_of_the_rest() -> None:
    source = (SEED / "hip-article.html").read_text()
    found = manuscript.read(source.encode(), file="hip-article.html")
    assert found.title == "Getting Back on Your Feet: Life After a Hip Replacement"
    assert article.parse(found.text, file="made.md").language == "en-GB"
    assert "hidden words" not in found.text
    assert [told.text for told in found.dropped] == [
        "Getting Back on Your Feet: Life After a Hip Replacement | Example Travel Clinics",
        "Example Travel Clinics",
        "Top Treatments",
        "© Example Travel Clinics",
        "Imprint",
    ]
    assert [call.text for call in found.calls] == ["Receive a Free Medical Quote →", "Get your free quote"]
    assert [(link.text, link.role, link.target) for link in found.missing_links] == [
        ("Receive a Free Medical Quote →", "quote", "/quote"),
        ("here", "accreditation", "#"),
        ("our pages on knees", None, "../knees.html"),
        ("picture: A woman on a forest path", None, "/media/walk.jpg"),
    ]


def test_the_urls_of_a_web_page_fill_the_roles() -> None:
    found = manuscript.read((SEED / "hip-article.html").read_bytes(), file="hip-article.html")
    assert dict(article.parse(found.text, file="made.md").links) == {
        "quote": "https://clinics.example.org/quote?from=hip&x=1",
        "accreditation": "https://www.globalhealthcareaccreditation.com/",
    }


def test_no_word_that_a_page_shows_is_lost() -> None:
    source = (SEED / "hip-article.html").read_bytes()
    page = lxml.html.document_fromstring(source)
    for silent in page.xpath("//script|//style"):
        silent.drop_tree()
    assert not lost(" ".join(page.itertext()), manuscript.read(source, file="hip-article.html"))


def test_what_a_page_marks_up_stays_marked_up() -> None:
    body = body_of(manuscript.read((SEED / "hip-article.html").read_bytes(), file="hip-article.html"))
    assert "- Ask about **blood thinners**.\n- Ask about *allergies* \\& metals." in body
    assert "| Week | Aim |\n|---|---|\n| 1 | Stairs \\| steps |" in body
    assert "[the desk](mailto:desk@clinics.example.org)" in body


def test_markdown_stays_as_it_is() -> None:
    source = (SEED / "hip-article.md").read_text()
    body = body_of(made(source, "hip-article.md"))
    for line in ("- Ask about **blood thinners**.", "Hello {{ name }}, see you ![A path](walk.jpg)"):
        assert line in body
    assert "> Slowly is quickly, as they say." in body


def test_markdown_says_what_of_its_front_matter_has_no_place() -> None:
    found = made((SEED / "hip-article.md").read_text(), "hip-article.md")
    assert [(told.line, told.text) for told in found.dropped] == [(4, "tags: [hips, walking]")]
    assert article.parse(found.text, file="made.md").preheader == "What a new hip can do for you"


@pytest.mark.parametrize("kind", ["txt", "html", "md"])
def test_an_article_comes_out_as_it_went_in(kind: str) -> None:
    file = SEED / f"hip-article.{kind}"
    first = manuscript.read(file.read_bytes(), file=file.name)
    again = made(first.text, "made.md")
    assert body_of(again) == body_of(first)
    assert (again.title, again.headings) == (first.title, first.headings)
    assert article.parse(again.text, file="a").links == article.parse(first.text, file="a").links


@pytest.mark.parametrize("name", ["a.html", "a.txt"])
def test_a_page_is_known_by_its_tags_as_well(name: str) -> None:
    page = f"<div><h1>A Title</h1><p>{PROSE}</p><h2>More</h2><p>{PROSE}</p></div>"
    assert made(page, name).headings == ("More",)


def test_line_breaks_of_a_page_part_paragraphs_or_lines() -> None:
    body = body_of(made(f"<h1>A Title</h1><p>{PROSE}</p><p>One<br>two<br><br>three</p>", "a.html"))
    assert "\n\nOne\\\ntwo\n\nthree\n" in body


def test_a_title_that_is_given_overrules_the_one_found() -> None:
    found = made(f"The Old Title\n\nThe Old Title\n\n{PROSE}", title="The New Title")
    assert found.title == "The New Title"
    assert [told.text for told in found.dropped] == ["The Old Title"] * 2
    page = made(f"<h1>The Old Title</h1><p>{PROSE}</p>", "a.html", title="The New Title")
    assert (page.title, [told.text for told in page.dropped]) == ("The New Title", ["The Old Title"])


def test_a_text_without_a_title_asks_for_one() -> None:
    with pytest.raises(ArticleError, match="No title") as caught:
        made(PROSE)
    assert "--title" in (caught.value.hint or "")
    assert made(PROSE, title="A Title").title == "A Title"


@pytest.mark.parametrize(
    ("data", "file"),
    [
        (b"", "a.txt"),
        (b"A Title\n\nA Title\n", "a.txt"),
        (b"<html><body></body></html>", "a.html"),
        (b"<html><head><title>x</title></head></html>", "a.html"),
        (b"<!-- nothing -->", "a.html"),
        (b"<h1>A Title</h1><p>" + b"<b>" * 300 + b"this would be lost", "a.html"),
        (b"\0\1\2\3" * 50, "a.md"),
        (b"x" * (manuscript.LARGEST + 1), "a.txt"),
    ],
)
def test_a_source_without_an_article_is_refused(data: bytes, file: str) -> None:
    with pytest.raises(ArticleError) as caught:
        manuscript.read(data, file=file)
    assert caught.value.file == file


@pytest.mark.parametrize("target", ["javascript:alert(1)", "/relative", "#there", "https://u:p@example.org/", ""])
@pytest.mark.parametrize(
    "form", ["<h1>A Title</h1><p>Go <a href='{}'>to the harbour</a>.</p>", "# A Title\n\nGo [to the harbour]({})."]
)
def test_a_link_that_no_mail_can_hold_keeps_its_words(form: str, target: str) -> None:
    found = made(form.format(target), "a.html" if form.startswith("<") else "a.md")
    assert "Go to the harbour." in body_of(found)
    assert [(link.text, link.target or "") for link in found.missing_links] == [("to the harbour", target)]


def test_markdown_that_refers_to_a_bad_link_shows_its_words() -> None:
    found = made("# A Title\n\nGo [to the harbour][h].\n\n[h]: /relative\n", "a.md")
    assert "Go to the harbour." in body_of(found)
    assert not lost("Go to the harbour h relative", found)


def test_a_call_beside_a_picture_keeps_the_picture() -> None:
    body = body_of(made(f"# A Title\n\n{PROSE}\n\n![Map](map.png) Receive a quote\n", "a.md"))
    assert "![Map](map.png) Receive a quote\n\n**[" in body


def test_braces_that_were_never_jinja_are_shown() -> None:
    found = made(f"A Title\n\n{PROSE}\n\nA brace {{{{ and {{% here, a set {{{{1, 2}}}} there.")
    html = article.render_html(article.parse(found.text, file="a.md"))
    assert "{{" not in html
    assert "&#123;&#123;1, 2}}" in html


def test_a_call_in_a_comment_is_told_and_makes_no_button() -> None:
    found = made(f"# A Title\n\n{PROSE}\n\n<!-- Receive a free quote here -->\n", "a.md")
    assert ([told.text for told in found.dropped], found.calls) == (["<!-- Receive a free quote here -->"], ())


TOKENS = """
    Alpha Beta gamma. delta, {{ }} {% %} {# #} # ## - * _ ** ` ``` > 1. 12) [a](b) ![c](d.png) <b> </b> &amp; &lt; \\ |
    === --- Receive a free quote here click GHA accredited → : "quoted" don't <p> </p> <h1> </h1> <br> https://example.org/x_y_z
    [ref]: [ref] ~~~ title: | |---| <script> <!-- --> 東京 الشفاء café ﬁne In conclusion
"""
GAPS = [" ", " ", " ", "\n", "\n\n", "\n\n\n", "\u00a0", "\t"]
SOURCES = st.lists(st.tuples(st.sampled_from(TOKENS.split()), st.sampled_from(GAPS)), min_size=1, max_size=60).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


@settings(max_examples=200, deadline=None)
@given(SOURCES)
def test_no_word_of_any_raw_text_is_lost(source: str) -> None:
    """Whatever a text file holds: an article comes of it, and each of its words is there or told."""
    source = f"{PROSE}\n\n{source}\n"
    draft = manuscript.read(source.encode(), file="a.txt", title="Given", source=Source.TEXT)
    article.parse(draft.text, file="made.md")
    assert not lost(source, draft)


@settings(max_examples=200, deadline=None)
@given(SOURCES)
def test_no_word_of_any_markdown_is_lost(source: str) -> None:
    source = f"{PROSE}\n\n{re.sub('<[^<>]*>', '', source)}\n"
    draft = manuscript.read(source.encode(), file="a.md", title="Given")
    article.parse(draft.text, file="made.md")
    assert not lost(unescape(source), draft)


def test_what_follows_a_comment_that_never_ends_is_kept() -> None:
    draft = manuscript.read(f"{PROSE}\n\n<!-- Receive quote <!-- \n".encode(), file="a.md", title="Given")
    assert "Receive quote" in draft.text


@settings(max_examples=200, deadline=None)
@given(SOURCES)
def test_no_word_that_any_page_shows_is_lost(source: str) -> None:
    source = f"<html><body><p>{PROSE}</p>{source}</body></html>"
    draft = manuscript.read(source.encode(), file="a.html", title="Given")
    article.parse(draft.text, file="made.md")
    page = lxml.html.document_fromstring(
        source.encode(), parser=lxml.html.HTMLParser(encoding="utf-8", remove_comments=True)
    )
    for silent in page.xpath("//script|//style"):
        silent.drop_tree()
    assert not lost(page.text_content(), draft)
