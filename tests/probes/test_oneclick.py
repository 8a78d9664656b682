"""One-click unsubscribe is really posted to, on a server that does it right and on those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from outreach.diagnosis.finding import Finding, State
from outreach.probes import oneclick, web
from tests.conftest import free_port
from tests.probes import webserver
from tests.probes.webserver import WebServer


@pytest.fixture
def site() -> Iterator[WebServer]:
    with webserver.serving() as running:
        running.says("/u/token", 200, "<form method=post><button>Leave</button></form>")
        yield running


def posted(url: str, **options: float) -> Finding:
    async def asked() -> list[Finding]:
        async with web.client() as client:
            return await oneclick.findings(client, url, **options)

    (one,) = asyncio.run(asked())
    return one


def test_the_post_is_the_one_of_the_rfc(site: WebServer) -> None:
    assert posted(f"{site.url}/u/token").state is State.OK
    (post,) = [each for each in site.asked if (each.method, each.path) == ("POST", "/u/token")]
    assert post.body == b"List-Unsubscribe=One-Click"
    assert post.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "cookie" not in post.headers


def test_a_link_that_nobody_was_given_is_tried_beside(site: WebServer) -> None:
    posted(f"{site.url}/u/token")
    (forged,) = [each for each in site.asked if each.path != "/u/token"]
    assert (forged.method, forged.path.startswith("/u/")) == ("POST", True)


@pytest.mark.parametrize(
    ("status", "location", "code"),
    [(302, "/login", "one-click-redirects"), (308, "/u/token/", "one-click-redirects"), (405, "", "one-click-refused")],
)
def test_a_web_server_in_front_that_spoils_it_is_told(site: WebServer, status: int, location: str, code: str) -> None:
    site.says("POST /u/token", status, location=location)
    assert posted(f"{site.url}/u/token").code == code


def test_nobody_there_is_told_with_what_to_start() -> None:
    one = posted(f"http://127.0.0.1:{free_port()}/u/token")
    assert (one.code, "outreach run" in one.remedy) == ("one-click-away", True)


def test_a_server_that_hangs_is_left_in_time(site: WebServer) -> None:
    one = posted(f"{site.url}/u/(hang)", altogether=0.3)
    assert one.code == "one-click-away"
    assert "in time" in one.message
