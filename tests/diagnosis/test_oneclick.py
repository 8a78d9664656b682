"""What the answers to a one-click unsubscribe mean (RFC 8058)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from outreach.diagnosis import oneclick
from outreach.diagnosis.finding import State
from outreach.diagnosis.heard import Heard, Trouble

URL = "https://news.example.org/u/token"
GOOD = {
    "post": Heard(URL, 200),
    "get": Heard(URL, 200, body="<form method=post><button>Leave</button></form>"),
    "forged": Heard("https://news.example.org/u/forged", 404),
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, ""),
        ({"forged": Heard(URL, trouble=Trouble.SLOW)}, ""),
        ({"post": Heard(URL, trouble=Trouble.AWAY)}, "one-click-away"),
        ({"post": Heard(URL, 302, "https://login.example.org/")}, "one-click-redirects"),
        ({"post": Heard(URL, 301, URL + "/")}, "one-click-redirects"),
        ({"post": Heard(URL, 404)}, "one-click-refused"),
        ({"post": Heard(URL, 405)}, "one-click-refused"),
        ({"post": Heard(URL, 204)}, "one-click-refused"),
        ({"forged": Heard(URL, 200)}, "one-click-not-ours"),
        ({"get": Heard(URL, 403)}, "unsubscribe-page"),
        ({"get": Heard(URL, 302, "https://x.test/")}, "unsubscribe-page"),
        ({"get": Heard(URL, 200, body="<script>document.forms[0].submit()</script>")}, "unsubscribe-page-acts"),
        ({"get": Heard(URL, 200, body='<meta http-equiv="refresh" content="0">')}, "unsubscribe-page-acts"),
    ],
)
def test_what_the_answers_mean(changed: dict[str, Heard], code: str) -> None:
    (one,) = oneclick.judge(**{**GOOD, **changed})
    assert (one.code, one.state is State.FAULT) == (code, bool(code))


def test_where_the_dns_says_nothing_nothing_is_known() -> None:
    (one,) = oneclick.judge(**{**GOOD, "post": Heard(URL, trouble=Trouble.UNASKED)})
    assert (one.state, one.code) == (State.WARNING, "one-click-unanswered")


def test_a_link_that_is_not_https_is_a_fault_but_on_this_machine() -> None:
    http = {name: replace(heard, url=heard.url.replace("https://", "http://")) for name, heard in GOOD.items()}
    assert [one.code for one in oneclick.judge(**http)] == ["one-click-not-https"]
    here = {name: replace(heard, url="http://127.0.0.1:8000/u/token") for name, heard in GOOD.items()}
    assert [one.state for one in oneclick.judge(**here)] == [State.OK]
