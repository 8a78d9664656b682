"""A mail that would fail its reader is noticed before it leaves, in words that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from outreach.message.check import LARGEST_HTML, Severity
from tests.message.check.mails import GOOD, LEAVE, codes, look, said


def test_a_good_mail_has_no_faults() -> None:
    assert look() == []


@pytest.mark.parametrize(
    ("changes", "severity", "code"),
    [
        ({"subject": "  "}, "error", "no-subject"),
        ({"subject": "x" * 151}, "error", "long-subject"),
        ({"text": " \n"}, "error", "no-text"),
        ({"text": said(GOOD).replace(LEAVE, "")}, "error", "no-unsubscribe-text"),
        ({"size": LARGEST_HTML + 1}, "error", "too-large"),
        ({"html": GOOD.replace(LEAVE, "https://example.org/")}, "error", "no-unsubscribe"),
        ({"unsubscribe": ""}, "error", "no-unsubscribe"),
        ({"dead_roles": ["quote"]}, "error", "dead-link-role"),
        ({"postal_address": " "}, "warning", "no-postal-address"),
        ({"html": GOOD.replace("<title>T</title>", "")}, "warning", "no-title"),
        ({"html": GOOD.replace(' lang="en"', "")}, "warning", "no-language"),
    ],
)
def test_what_is_missing_is_told(changes: dict[str, Any], severity: str, code: str) -> None:
    assert codes(look(**changes)) == [(severity, code)]


@pytest.mark.parametrize("html", ["", "<!-- -->", "<html><head><title>T</title></head><body></body></html>"])
def test_an_empty_html_part_is_an_error(html: str) -> None:
    assert ("error", "no-html") in codes(look(html=html))


@pytest.mark.parametrize(
    ("link", "severity", "code"),
    [
        ('<a href="">words</a>', "error", "dead-link"),
        ('<a href="#">words</a>', "error", "dead-link"),
        ('<a href="http://[broken">words</a>', "error", "dead-link"),
        ('<a href="https://example.org:port/">words</a>', "error", "dead-link"),
        ('<a href="/quote">words</a>', "error", "relative-link"),
        ('<a href="quote">words</a>', "error", "relative-link"),
        ('<a href="javascript:alert(1)">words</a>', "error", "bad-link"),
        ('<a href="data:text/html,x">words</a>', "error", "bad-link"),
        ('<a href="ftp://example.org/">words</a>', "error", "bad-link"),
        ('<a href="https://user:word@example.org/">words</a>', "error", "bad-link"),
        ('<a href="https:///path">words</a>', "error", "bad-link"),
        ('<a href="#part">words</a>', "warning", "link-inside-mail"),
        ('<a href="http://example.org/">words</a>', "warning", "link-not-https"),
        ('<a href="https://example.org/">Click here!</a>', "warning", "vague-link"),
        ('<a href="https://example.org/"><b>here</b></a>', "warning", "vague-link"),
        ('<a href="https://example.org/"><img src="cid:x" alt=""></a>', "warning", "link-without-words"),
        ('<img src="cid:x">', "warning", "no-alt"),
        ('<img src="https://tracker.example.com/p.gif" alt="">', "warning", "third-party"),
        ('<img src="//tracker.example.com/p.gif" alt="">', "warning", "third-party"),
        ('<td background="https://cdn.example.com/x.png">x</td>', "warning", "third-party"),
        (
            '<p style="background: url(https://cdn.example.com/x.png); background-color: #fff">x</p>',
            "warning",
            "third-party",
        ),
        (
            "<style>p { background-image: url('https://cdn.example.com/x.png'); background-color: white }</style>",
            "warning",
            "third-party",
        ),
        ("<script>1</script>", "warning", "unsupported-element"),
        ('<img src="data:image/png;base64,AAAA" alt="">', "warning", "client-support"),
    ],
)
def test_what_does_not_work_in_mail_is_told(link: str, severity: str, code: str) -> None:
    assert codes(look(link)) == [(severity, code)]


@pytest.mark.parametrize(
    "link",
    [
        '<a href="mailto:care@example.org">Write to us</a>',
        '<a href="tel:+123">Call us</a>',
        '<a href="https://bücher.example/it%27s?a=[1]&amp;b#c">Books</a>',
        '<a href="https://example.org/"><img src="cid:x" alt="The map"></a>',
        '<a name="top"></a>',
        '<img src="cid:logo" alt="">',
        '<img src="https://news.example.org/media/b.png" alt="">',
    ],
)
def test_what_works_is_left_in_peace(link: str) -> None:
    assert look(link) == []


def test_a_dead_role_is_told_once_and_says_which_setting_fills_it() -> None:
    found = look('<a data-role="quote" href="">Receive a Free Medical Quote</a>', dead_roles=["quote"])

    assert codes(found) == [("error", "dead-link-role")]
    assert "OUTREACH_QUOTE_URL" in found[0].message


def test_the_same_fault_twice_is_one_fault() -> None:
    assert len(look('<a href="/x">words</a>' * 2)) == 1


def test_the_size_is_told_as_it_is() -> None:
    assert "123,456 bytes" in look(size=123_456)[0].message
    assert look(size=LARGEST_HTML) == []
    assert ("error", "too-large") in codes(look("<p>" + "ü" * 50_000 + "</p>"))


@pytest.mark.parametrize("public", ["http://127.0.0.1:8025", "http://localhost:8025", "http://[::1]:8025"])
def test_a_public_url_on_this_machine_needs_no_https(public: str) -> None:
    body = f'<a href="{public}/v/x">View in browser</a><img src="{public}/media/b.png" alt="">'
    html = GOOD.replace("https://news.example.org/media", f"{public}/media").replace("</body>", f"{body}</body>")

    assert look(html=html, public_url=public) == []


def test_a_public_url_without_https_is_told_once_and_not_for_each_link() -> None:
    leave = "http://news.example.org/u/token"
    html = GOOD.replace("https://news", "http://news")

    found = look(html=html, unsubscribe=leave, public_url="http://news.example.org")

    assert codes(found) == [("warning", "public-url-not-https")]


def test_errors_come_first() -> None:
    found = look('<img src="cid:x">', subject="")

    assert [fault.severity for fault in found] == [Severity.ERROR, Severity.WARNING]
    assert found[0].as_dict() == {"severity": "error", "code": "no-subject", "message": "The subject is empty."}
