"""Every link that leads out of the mail is found and numbered once; its destination is exactly what was written."""

from __future__ import annotations

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.errors import CompileError
from outreach.message import links, splice
from outreach.message.compiled import Compiled
from outreach.message.links import TrackedLink
from outreach.message.slots import Marks
from tests.message import mail

LEAVE = '<p><a href="{{ links.unsubscribe }}">leave</a></p>'


def page(*anchors: str) -> Compiled:
    """A tracked campaign with these links in its layout, and an article without any."""
    html = f"<!doctype html><html><head><title>t</title></head><body>{''.join(anchors)}{LEAVE}</body></html>"
    return mail.compiled("Nothing.", html=html, tracked=True)


def hrefs(made: Compiled, **values: str) -> list[str]:
    """Where the links of a recipient's mail lead, the last (to leave) left out."""
    _, html = mail.parts(splice.message(made, mail.person(**values), mail.stamp()))
    return [str(link.get("href")) for link in lxml.html.document_fromstring(html).iter("a", "area")][:-1]


def test_links_of_the_same_role_and_url_share_a_number() -> None:
    made = mail.compiled(tracked=True)
    assert made.links == (
        TrackedLink(1, "", "the study", "https://example.org/s?x=1&y=(2)"),
        TrackedLink(2, "accreditation", "the seal", "https://gha.example/"),
        TrackedLink(3, "quote", "Receive a Free Medical Quote", "https://clinic.example/quote?a=1&b=%27x%27#top"),
    )
    click = mail.stamp().click
    text, html = mail.parts(splice.message(made, mail.person(), mail.stamp()))
    assert [html.count(click(number)) for number in (1, 2, 3)] == [1, 1, 2]
    assert [text.count(click(number)) for number in (1, 2, 3)] == [1, 1, 2]
    for link in made.links:
        assert link.url not in html + text
        assert link.url.replace("&", "&amp;") not in html


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/?a=1&amp;b=2",
        "https://example.org/%27%20%2F?q=%C3%A4",
        "https://example.org/a(b)[c]{d}|e^f`g",
        "https://example.org/?utm_source=news&utm_medium=e-mail#part-2",
        "https://bücher.example/ä?ö=ü#ß",
        "https://example.org:8443/;p=1,2?x='y'",
        "http://example.org",
        "HTTPS://EXAMPLE.ORG/Path",
    ],
)
def test_a_destination_is_kept_exactly_as_written(url: str) -> None:
    escaped = url.replace("&", "&amp;").replace('"', "&quot;").replace("{", "&#123;")
    (link,) = page(f'<a href="{escaped}">go</a>').links
    assert link.url == url


@given(url=st.text(alphabet=st.characters(min_codepoint=33, exclude_categories=("Cs", "Cc", "Cn", "Zs", "Zl", "Zp"))))
@settings(max_examples=60, deadline=None)
def test_any_url_survives(url: str) -> None:
    document = lxml.html.document_fromstring("<html><body><a>x</a></body></html>")
    (anchor,) = document.iter("a")
    anchor.set("href", f"https://example.org/{url}")
    made = links.Table({})
    marks = Marks("qtoken")
    links.place(document, marks, links.table_place(made, marks))
    assert [link.url for link in made.links] == [f"https://example.org/{url}"]


@pytest.mark.parametrize(
    "left", ["mailto:a@example.org", "tel:+4912345", "#top", "cid:x@y", "https:", "//example.org/x", "sms:1"]
)
def test_what_is_no_absolute_web_link_is_left_alone(left: str) -> None:
    made = page(f'<a href="{left}">x</a>')
    assert made.links == ()
    assert hrefs(made) == [left]


def test_links_that_depend_on_the_recipient_stay_plain() -> None:
    made = page('<a href="{{ city }}">a</a>', '<a href="https://example.org/?c={{ city }}">b</a>')
    assert made.links == ()
    assert hrefs(made, city="https://x.example/?a=1&b=2") == [
        "https://x.example/?a=1&b=2",
        "https://example.org/?c=https://x.example/?a=1&b=2",
    ]


def test_links_of_ours_are_not_tracked_and_may_be_extended() -> None:
    made = page('<a href="{{ links.view }}">v</a>', '<a href="{{ links.preferences }}?x=1">p</a>')
    assert made.links == ()
    assert hrefs(made) == [mail.stamp().view, f"{mail.stamp().preferences}?x=1"]


def test_a_link_of_the_layout_has_the_role_whose_url_it_leads_to() -> None:
    (link,) = page('<a href="{{ links.quote }}">Quote</a>').links
    assert (link.role, link.label) == ("quote", "Quote")


def test_the_label_is_what_readers_see() -> None:
    made = page(
        '<a href="https://a.example/"> Read <b>more</b>\n about {{ name }}</a>',
        '<a href="https://b.example/"><img src="x.png" alt="Our clinic"></a>',
        '<map><area href="https://c.example/" alt="x"></map>',
    )
    assert [link.label for link in made.links] == ["Read more about {name}", "Our clinic", ""]


@pytest.mark.parametrize("url", ["https://user@example.org/", "https://user:secret@example.org/", "https://[::1/x"])
def test_a_user_name_in_a_link_is_refused(url: str) -> None:
    with pytest.raises(CompileError, match="the link"):
        page(f'<a href="{url}">x</a>')


@pytest.mark.parametrize("anchor", ['<a data-role="quote" href="">x</a>', '<a href="quote">x</a>'])
def test_a_link_role_that_leads_nowhere_is_refused(anchor: str) -> None:
    with pytest.raises(CompileError, match="the link role 'quote' has no URL") as refusal:
        page(anchor)
    assert "OUTREACH_QUOTE_URL" in str(refusal.value.hint)


def test_untracked_mail_leads_straight_to_its_destinations() -> None:
    made = mail.compiled(tracked=False)
    assert made.links == ()
    text, html = mail.parts(splice.message(made, mail.person(), mail.stamp()))
    assert 'href="https://clinic.example/quote?a=1&amp;b=%27x%27#top"' in html
    assert "https://clinic.example/quote?a=1&b=%27x%27#top\n" in text
