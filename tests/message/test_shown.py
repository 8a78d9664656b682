"""A letter for everybody: no person's value, no counted link, no token, nothing that is for the recipient alone."""

from __future__ import annotations

import lxml.html
import pytest

from outreach.message import compile, shown, splice
from outreach.message.compiled import Compiled
from outreach.message.template import Layout
from tests.message import mail

LAYOUT = """<html lang="{{ article.language }}"><head><title>x</title></head><body>
<div data-only="inbox">{{ article.preheader }}&#847;&zwnj;&nbsp;</div>
<table><tr><td>{{ article.body }}</td></tr><tr><td>
<p data-only="recipient">For {{ email }} only.</p>
<p>By us. <a href="{{ links.unsubscribe }}">Unsubscribe</a> or not.</p>
<p><a href="{{ links.preferences }}">Choose</a> &nbsp; <a href="{{ links.view }}">View</a></p>
<p><img src="{{ image('a.png') }}" alt=""><a href="{{ links.view }}">View</a></p>
</td></tr></table></body></html>"""

BODY = """Dear {{ name | fallback('reader') }}{% if city == 'Köln' %} of Cologne{% endif %},

[one](https://example.org/?a=1&b=%27) and **[a quote](quote)**
"""


def compiled(*, tracked: bool = True, body: str = BODY) -> Compiled:
    article = mail.article(body, preheader="For {{ name | fallback('you') }}")
    who = mail.identity(subject="A letter, {{ name | fallback('reader') }}")
    return compile.campaign(article, Layout("own", {"layout.html": LAYOUT}), who, date=mail.DATE, tracked=tracked)


def urls(made: Compiled) -> dict[int, str]:
    return {link.number: link.url for link in made.links}


@pytest.mark.parametrize("tracked", [True, False])
def test_nobody_is_named_and_links_lead_where_the_article_says(tracked: bool) -> None:
    made = compiled(tracked=tracked)
    found = shown.letter(made, urls(made))
    page = lxml.html.fromstring(found.html)
    assert (found.title, found.preheader, found.language) == ("A letter, reader", "For you", "en")
    assert "Dear reader," in page.text_content()
    hrefs = page.xpath("//a/@href")
    assert hrefs[0] == "https://example.org/?a=1&b=%27"
    assert len(hrefs) == 2
    assert ".invalid" not in found.html
    assert found.html.startswith("<!doctype html>")


def test_what_is_for_the_recipient_alone_is_gone_and_the_rest_stays() -> None:
    made = compiled()
    page = lxml.html.fromstring(shown.letter(made, urls(made)).html)
    (last,) = page.xpath("//table//tr[2]/td")
    assert " ".join(last.text_content().split()) == "By us. or not."
    assert [each.tag for each in last] == ["p", "p"]  # the paragraph of links alone is gone, the picture stays
    assert page.xpath("//*[@data-only]") == []


def test_a_bar_stands_above_the_letter() -> None:
    made = compiled()
    page = lxml.html.fromstring(shown.letter(made, urls(made), bar="<nav>All letters</nav>").html)
    assert [each.tag for each in page.body][:1] == ["nav"]


def test_a_link_whose_destination_is_not_known_leads_nowhere() -> None:
    assert lxml.html.fromstring(shown.letter(compiled(), {}).html).xpath("//a/@href") == ["", ""]


def test_a_message_to_somebody_is_not_changed_by_a_letter_to_everybody() -> None:
    made = compiled()
    before = splice.message(made, mail.person(), mail.stamp())
    shown.letter(made, urls(made))
    assert splice.message(made, mail.person(), mail.stamp()) == before
