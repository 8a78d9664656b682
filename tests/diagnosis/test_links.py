"""Which links of a mail are asked, and what their answers mean."""

from __future__ import annotations

import pytest

from outreach.diagnosis import links
from outreach.diagnosis.finding import State
from outreach.diagnosis.heard import Heard, Trouble
from outreach.diagnosis.links import Followed, Target

HTML = """
<p><a href="https://example.org/a?x=1&amp;y=2">Read <b>on</b></a> <a href="https://example.org/a?x=1&amp;y=2">again</a>
<a href="https://news.example.org/u/token">Leave</a> <a href="mailto:a@example.org">Write</a> <a href="#top">Up</a>
<img src="https://news.example.org/media/map.png" alt="The way"> <a href="tel:+49-30-1234">Call</a></p>
"""


def followed(*heard: Heard, label: str = "Read on") -> Followed:
    return Followed(Target(heard[0].url, label), heard)


def test_each_web_address_is_asked_once_and_some_not_at_all() -> None:
    found = links.targets(HTML, apart_from=["https://news.example.org/u/token"])
    assert found == [
        Target("https://example.org/a?x=1&y=2", "Read on"),
        Target("https://news.example.org/media/map.png", "The way", is_picture=True),
    ]
    assert links.targets("") == []


@pytest.mark.parametrize(
    ("heard", "state", "code"),
    [
        ([Heard("https://a.test/", 204)], None, ""),
        ([Heard("https://a.test/", 404)], State.FAULT, "link-dead"),
        ([Heard("https://a.test/", 410)], State.FAULT, "link-dead"),
        ([Heard("https://a.test/", 500)], State.FAULT, "link-dead"),
        ([Heard("https://a.test/", 403)], State.WARNING, "link-refused"),
        ([Heard("https://a.test/", 429)], State.WARNING, "link-refused"),
        ([Heard("https://a.test/", trouble=Trouble.NAME)], State.FAULT, "link-away"),
        ([Heard("https://a.test/", trouble=Trouble.UNASKED)], State.WARNING, "link-unanswered"),
        ([Heard("https://a.test/", trouble=Trouble.SLOW)], State.FAULT, "link-away"),
        ([Heard("https://a.test/", trouble=Trouble.TLS, words="expired")], State.FAULT, "link-tls"),
        (
            [Heard("https://a.test/", 301, "https://b.test/"), Heard("https://b.test/", 200)],
            State.WARNING,
            "link-redirects",
        ),
        ([Heard("https://a.test/", 302, "https://b.test/"), Heard("https://b.test/", 200)], State.OK, ""),
        (
            [Heard("https://a.test/", 302, "http://b.test/"), Heard("http://b.test/", 200)],
            State.WARNING,
            "link-redirects-to-http",
        ),
        ([Heard("https://a.test/", 302, "https://b.test/"), Heard("https://b.test/", 404)], State.FAULT, "link-dead"),
        (
            [Heard("https://a.test/", 302, "http://10.0.0.1/"), Heard("http://10.0.0.1/", trouble=Trouble.INSIDE)],
            State.FAULT,
            "link-leads-inside",
        ),
        (
            [Heard("https://a.test/", 302, "https://b.test/"), Heard("https://b.test/", trouble=Trouble.AWAY)],
            State.FAULT,
            "link-away",
        ),
    ],
)
def test_what_an_answer_means(heard: list[Heard], state: State | None, code: str) -> None:
    found = links.judge([followed(*heard)])
    assert [(one.state, one.code) for one in found] == ([] if state is None else [(state, code)])
    assert all("https://a.test/" in one.message for one in found)


def test_many_links_to_a_host_that_is_away_are_one_finding() -> None:
    away = [followed(Heard(f"https://a.test/{n}", trouble=Trouble.AWAY)) for n in range(3)]
    (one,) = links.judge(away)
    assert one.message == "3 links to a.test: nobody answers there."


def test_a_dead_picture_and_endless_redirects_are_told_as_such() -> None:
    picture = Followed(Target("https://a.test/x.png", "Map", is_picture=True), (Heard("https://a.test/x.png", 404),))
    endless = Followed(Target("https://a.test/", "On"), (Heard("https://a.test/", 302, "https://a.test/"),) * 6, True)
    assert [one.code for one in links.judge([picture, endless])] == ["picture-dead", "link-redirects"]


@pytest.mark.parametrize(
    ("href", "code"),
    [
        ("mailto:a@example.org", None),
        ("mailto:a@example.org,b@example.org?subject=Hello%20you", None),
        ("mailto:a%2Bnews@example.org", None),
        ("mailto:?subject=x", "bad-mailto"),
        ("mailto:nobody", "bad-mailto"),
        ("tel:+49-30-1234", None),
        ("tel:+49%2030%201234;ext=5", None),
        ("sms:+4930123?body=x", None),
        ("tel:call-me", "bad-tel"),
        ("tel:", "bad-tel"),
    ],
)
def test_links_to_write_and_to_call_are_looked_at_without_asking(href: str, code: str | None) -> None:
    found = list(links.malformed(f'<a href="{href}">x</a>'))
    assert [one.code for one in found] == ([code] if code else [])
