"""A spliced message is the message that the standard library and premailer make for that recipient."""

from __future__ import annotations

import quopri
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, compat32
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outreach import config
from outreach.errors import CompileError
from outreach.message import article as articles
from outreach.message import compile, plaintext, splice
from outreach.message.compiled import Compiled
from outreach.message.recipient import Recipient
from outreach.message.template import Layout
from tests.message import mail

HOSTILE = [
    "",
    " ",
    ".",
    "..dots",
    ".\r\n.\r\nQUIT",
    "From here",
    "=",
    "=3D=",
    "a=\r\nb",
    "\r\nBcc: everybody@example.org",
    "x" * 75,
    "x" * 76,
    "x" * 77 + " ",
    "=" * 200,
    "ä" * 200,
    "x" * 10_000,
    "吳" * 3_400,
    "李小龍",
    "محمد بن سلمان",
    "\u202egnirts\u202c",
    "👩‍👩‍👧‍👦 👍🏽",
    "e\u0301\u0323 a\u0300",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "<script>alert(1)</script>",
    "\"quoted\" 'single'",
    "&amp; &lt; &#34; &quot;",
    "100 % %s %(x)s",
    'q0123456789a0"',
    'https://q0123456789a.invalid/0"',
    "a\u00a0b\u2028c\u2029d\x85e\x00f\x1bg\tz",
    "=?utf-8?q?not_encoded?=",
    "--=_boundary",
    '\\N \\ \\"',
    "Lee, Ann (Dr.) <x@example.org>; :",
    "trailing space ",
    "\ufeffbom\ufffe\uffff\ufdd0",
    "\x85\x9f",
]
VALUES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=120),
    st.text(alphabet=".=\r\n <>&\"'%{}\u00a0ä", max_size=120),
    st.builds("".join, st.lists(st.sampled_from(HOSTILE), max_size=3)),
)
PREHEADER = "For {{ name | fallback('you') }} in {{ city }}"
STATIC = mail.compiled(preheader=PREHEADER)
TRACKED = mail.compiled(preheader=PREHEADER, tracked=True)


@given(name=VALUES, city=VALUES)
@example(name="x" * 10_000, city=".\n.")
@settings(max_examples=150, deadline=None)
def test_it_equals_the_message_that_the_standard_library_builds(name: str, city: str) -> None:
    recipient = mail.person(name, city)
    data = splice.message(STATIC, recipient, mail.stamp())
    require_wellformed(data)
    ours, theirs = mail.parsed(data), mail.parsed(by_the_standard_library(recipient).as_bytes(policy=SMTP))
    assert ours.keys() == theirs.keys()
    assert ours.get_content_type() == theirs.get_content_type()
    for field in set(ours.keys()) - {"To", "Subject", "List-Unsubscribe", "Content-Type"}:
        assert ours[field] == theirs[field]
    same(display_name(data), mail.one_line(name).strip())
    assert [to.addr_spec for to in ours["To"].addresses] == [recipient.email]
    same(ours["Subject"], f"News for {mail.one_line(name) if mail.one_line(name).strip() else 'you'}")
    assert ours["List-Unsubscribe"] == f"<{mail.stamp().unsubscribe}>"
    for mine, other in zip(ours.iter_parts(), theirs.iter_parts(), strict=True):
        assert mine.items() == [*other.items()][: len(mine.items())]
        same(mine.get_content().replace("\r\n", "\n"), other.get_content().replace("\r\n", "\n"))


@given(name=VALUES, city=VALUES)
@settings(max_examples=100, deadline=None)
def test_an_independent_decoder_reads_the_same(name: str, city: str) -> None:
    data = splice.message(STATIC, mail.person(name, city), mail.stamp())
    (boundary,) = re.findall(rb'boundary="([^"]+)"', data)
    _, _, html, _ = data.split(b"\r\n--" + boundary)
    decoded = quopri.decodestring(html.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")).decode()
    assert decoded == mail.inlined(mail.HTML, mail.person(name, city), preheader=PREHEADER, subject=SUBJECT)


@given(name=VALUES, city=VALUES)
@settings(max_examples=60, deadline=None)
def test_no_line_of_what_is_known_to_be_dotless_begins_with_a_dot(name: str, city: str) -> None:
    assert STATIC.is_dotless
    assert b"\n." not in b"\n" + splice.message(STATIC, mail.person(name, city), mail.stamp())


def test_a_campaign_with_a_dot_at_a_line_start_is_not_taken_for_dotless() -> None:
    for pieces in ((b"A: b\r\n\r\n.\r\n",), (b"A: b\r\n\r\n", b". c\r\n")):
        assert not Compiled(links=(), required=frozenset(), size_bound=9, pieces=pieces).is_dotless


@given(name=VALUES, city=VALUES)
@settings(max_examples=60, deadline=None)
def test_tracked_links_change_nothing_but_the_links(name: str, city: str) -> None:
    recipient = mail.person(name, city)
    tracked, plain = (mail.parts(splice.message(made, recipient, mail.stamp())) for made in (TRACKED, STATIC))
    for link in TRACKED.links:
        click = mail.stamp().click(link.number)
        tracked = (tracked[0].replace(click, link.url), tracked[1].replace(click, link.url.replace("&", "&amp;")))
    assert tracked == plain


def test_the_shipped_mail_is_what_premailer_makes_for_each_recipient() -> None:
    templates = config.shipped("templates")
    folder = templates / "email" / "default"
    sources = {file.name: file.read_text() for file in folder.iterdir()}
    text = (templates / "articles" / "car-t-cell-therapy.md").read_text()
    read = articles.parse(text, file="car-t.md").with_links({"quote": "https://clinic.example/quote?a=1&b=2"})
    who = mail.identity(subject=read.subject)
    made = compile.campaign(read, Layout("default", sources), who, date=mail.DATE, tracked=False)
    assert made.scene is None
    for name in HOSTILE:
        recipient = mail.person(name)
        data = splice.message(made, recipient, mail.stamp())
        require_wellformed(data)
        same(
            mail.parts(data)[1],
            mail.inlined(
                sources["layout.html"],
                recipient,
                sources["layout.css"],
                read=read,
                subject=read.subject,
                preheader=read.preheader,
            ),
        )


def test_the_same_recipient_and_stamp_give_the_same_bytes() -> None:
    again = Compiled.from_bytes(STATIC.to_bytes())
    once, twice = (splice.message(made, mail.person(), mail.stamp()) for made in (STATIC, again))
    assert once == twice
    assert again == STATIC


def test_a_value_that_is_printed_twice_is_asked_for_once() -> None:
    asked: list[int] = []

    def click(number: int) -> str:
        asked.append(number)
        return f"https://go.clinic.example/l/{number}"

    stamp = mail.stamp()
    splice.message(TRACKED, mail.person(), type(stamp)("1@x.example", click, *[stamp.view] * 3))
    assert sorted(asked) == [1, 2, 3]


@pytest.mark.parametrize(
    "email", ["ann@example.org\r\nBcc: b@example.org", "a b@example.org", "<a@example.org>", "a,b@example.org", ""]
)
def test_an_address_that_would_break_the_field_is_refused_by_name(email: str) -> None:
    with pytest.raises(CompileError, match="cannot stand in To"):
        splice.message(STATIC, Recipient(email), mail.stamp())


def test_a_local_part_beyond_ascii_stays_as_it_is() -> None:
    data = splice.message(STATIC, Recipient("jörg@xn--bcher-kva.example", "Jörg"), mail.stamp())
    assert "\r\nTo: =?utf-8?b?SsO2cmc=?= <jörg@xn--bcher-kva.example>\r\n".encode() in data


def test_a_line_break_in_a_url_of_ours_is_refused() -> None:
    stamp = mail.stamp()
    wrong = type(stamp)("1@x.example", stamp.click, "https://x.example/\r\nBcc: y", stamp.view, stamp.view)
    with pytest.raises(CompileError, match="List-Unsubscribe"):
        splice.message(STATIC, mail.person(), wrong)


SUBJECT = "News for {{ name | fallback('you') }}"
FIELDS = re.compile(rb"[A-Z][A-Za-z-]*: [^\r\n]*(?:\r\n[ \t][^\r\n]+)*")


def same(ours: str, theirs: str) -> None:
    """Equal; where not, the first difference is shown and not all of ten thousand characters."""
    at = next(
        (at for at, (one, two) in enumerate(zip(ours, theirs, strict=False)) if one != two), min(len(ours), len(theirs))
    )
    assert (ours[at : at + 40], len(ours)) == (theirs[at : at + 40], len(theirs)), f"at {at}, after {ours[:at][-40:]!r}"


def display_name(data: bytes) -> str:
    """The name in To. (The newer parser of the standard library keeps the space between two encoded-words.)"""
    name, _ = parseaddr(str(message_from_bytes(data, policy=compat32)["To"]))
    return str(make_header(decode_header(name)))


def require_wellformed(data: bytes) -> None:
    """Line ends, lengths, dots and folding, looked at byte by byte."""
    assert data.count(b"\n") == data.count(b"\r") == data.count(b"\r\n")
    head, body = data.split(b"\r\n\r\n", 1)
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert line.isascii()
    for line in head.split(b"\r\n"):
        assert len(line) <= 998
        assert line.strip()
        assert not (b"=?utf-8?" in line and len(line) > 76)
    for field in re.split(rb"\r\n(?![ \t])", head):
        assert FIELDS.fullmatch(field)
    for word in re.findall(rb"=\?utf-8\?[^?]*\?[^?]*\?=", head):
        assert len(word) <= 75


def by_the_standard_library(recipient: Recipient) -> EmailMessage:
    """The same message, built in another way."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Clinic News", addr_spec="news@clinic.example")
    message["To"] = Address("", addr_spec=recipient.email)
    message["Subject"] = "-"
    message["Date"] = mail.DATE
    message["Message-ID"] = "<7.abc@clinic.example>"
    message["List-ID"] = "Cell news <cells.clinic.example>"
    message["List-Unsubscribe"] = "<https://go.clinic.example/u/7>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = "cells:clinic"
    message["MIME-Version"] = "1.0"
    message.set_content(wrapped_text(recipient), cte="quoted-printable")
    html = mail.inlined(mail.HTML, recipient, preheader=PREHEADER, subject=SUBJECT)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def wrapped_text(recipient: Recipient) -> str:
    """The text part of somebody whose values are as long as marks are, with the recipient's values put in."""
    words = {"name": "NAME".ljust(14, "_"), "city": "CITY".ljust(14, "_"), "email": "EMAIL".ljust(14, "_")}
    stand_in = Recipient(words["email"], words["name"], attributes={"city": words["city"]})
    text = plaintext.from_html(mail.rendered(mail.HTML, stand_in, preheader=PREHEADER, subject=SUBJECT))
    for field, word in words.items():
        value = mail.one_line(recipient.value(field))
        text = text.replace(word, "reader" if field == "name" and not value.strip() else value)
    return text
