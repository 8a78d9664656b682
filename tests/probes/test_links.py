"""Links are followed on a real web server: by HEAD, by GET, along redirects, never into an inner network, in time."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from ssl import SSLContext

import pytest

from outreach.diagnosis.heard import Trouble
from outreach.diagnosis.links import Followed, Target
from outreach.probes import links, web
from tests.conftest import free_port
from tests.probes import webserver
from tests.probes.webserver import WebServer


@pytest.fixture
def site() -> Iterator[WebServer]:
    with webserver.serving() as running:
        yield running


def follow(
    *urls: str,
    altogether: float = 10,
    trust: SSLContext | None = None,
    is_inside: Callable[[str], Awaitable[bool]] = web.is_inside,
) -> list[Followed]:
    async def followed() -> list[Followed]:
        async with web.client(trust) as asked:
            targets = [Target(url, "Read on") for url in urls]
            return await links.follow(asked, targets, altogether=altogether, is_inside=is_inside)

    return asyncio.run(followed())


def test_a_link_that_answers_head_is_asked_once(site: WebServer) -> None:
    site.says("/a?x=1&y=%27")
    (one,) = follow(f"{site.url}/a?x=1&y=%27#part")
    assert (one.last.status, site.methods("/a?x=1&y=%27")) == (200, ["HEAD"])


@pytest.mark.parametrize("status", [403, 404, 405, 500, 501])
def test_where_head_is_refused_get_decides(site: WebServer, status: int) -> None:
    site.says("HEAD /a", status)
    site.says("GET /a", 200, "hello")
    (one,) = follow(f"{site.url}/a")
    assert (one.last.status, site.methods("/a")) == (200, ["HEAD", "GET"])


def test_a_link_that_is_gone_is_gone(site: WebServer) -> None:
    site.says("/gone", 410)
    assert [one.last.status for one in follow(f"{site.url}/gone", f"{site.url}/never")] == [410, 404]


def test_redirects_are_followed_and_kept(site: WebServer) -> None:
    site.says("/old", 301, location="/new?y=2")
    site.says("/new?y=2", 200)
    (one,) = follow(f"{site.url}/old")
    assert [(heard.status, heard.location) for heard in one.heard] == [(301, f"{site.url}/new?y=2"), (200, "")]


def test_redirects_without_end_are_left_after_five(site: WebServer) -> None:
    site.says("/round", 302, location="/round")
    (one,) = follow(f"{site.url}/round")
    assert one.endless
    assert len(site.methods("/round")) == 6


def test_no_cookie_is_kept_and_we_say_who_we_are(site: WebServer) -> None:
    site.says("/in", 302, location="/on", set_cookie="who=reader; Path=/")
    site.says("/on", 200)
    follow(f"{site.url}/in")
    assert all("cookie" not in asked.headers for asked in site.asked)
    assert all(asked.headers["user-agent"].startswith("outreach/") for asked in site.asked)


def test_a_redirect_from_outside_into_an_inner_network_is_told_and_not_followed(site: WebServer) -> None:
    async def is_inside(host: str) -> bool:
        return host == "localhost"

    inner = site.url.replace("127.0.0.1", "localhost")
    site.says("/out", 302, location=f"{inner}/secret")
    (one,) = follow(f"{site.url}/out", is_inside=is_inside)
    assert (one.last.url, one.last.trouble) == (f"{inner}/secret", Trouble.INSIDE)
    assert site.methods("/secret") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "::1", "fd00::1"])
def test_inner_networks_are_known(host: str) -> None:
    assert asyncio.run(web.is_inside(host))


@pytest.fixture
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """nowhere.invalid is not found, of silent.invalid nobody can tell, and nobody outside is asked for either."""
    known = socket.getaddrinfo
    errors = {"nowhere.invalid": socket.EAI_NONAME, "silent.invalid": socket.EAI_AGAIN}

    def told(host: str | bytes, *rest: object, **more: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name in errors:
            raise socket.gaierror(errors[name], "no such host")
        return known(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", told)


@pytest.mark.usefixtures("_nowhere")
@pytest.mark.parametrize("host", ["9.9.9.9", "2620:fe::fe", "nowhere.invalid"])
def test_outer_addresses_and_what_is_nowhere_are_not_inside(host: str) -> None:
    assert not asyncio.run(web.is_inside(host))


@pytest.mark.usefixtures("_nowhere")
def test_nobody_there_and_no_such_host_are_told_apart() -> None:
    found = follow(f"http://127.0.0.1:{free_port()}/", "http://nowhere.invalid/", "http://silent.invalid/")
    assert [one.last.trouble for one in found] == [Trouble.AWAY, Trouble.NAME, Trouble.UNASKED]


def test_a_certificate_that_nobody_trusts_is_told(tmp_path: Path) -> None:
    tls, trust = webserver.certificate(tmp_path)
    with webserver.serving(tls) as site:
        site.says("/a")
        (bad,) = follow(f"{site.url}/a")
        (good,) = follow(f"{site.url}/a", trust=trust)
    assert (bad.last.trouble, bad.last.words) == (Trouble.TLS, "self-signed certificate")
    assert good.last.status == 200


def test_what_is_no_http_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        async def nonsense() -> Followed:
            async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(b"220 mail.example.org ESMTP\r\n")
                await writer.drain()
                writer.close()

            running = await asyncio.start_server(talk, sock=server)
            async with running, web.client() as asked:
                target = Target(f"http://127.0.0.1:{server.getsockname()[1]}/", "x")
                return (await links.follow(asked, [target]))[0]

        assert asyncio.run(nonsense()).last.trouble is Trouble.BROKEN


def test_a_server_that_never_answers_costs_no_more_than_the_time_for_all(site: WebServer) -> None:
    site.says("/a")
    began = time.monotonic()
    found = follow(*[f"{site.url}/(hang){n}" for n in range(12)], f"{site.url}/a", altogether=0.5)
    assert {one.last.trouble for one in found[:8]} == {Trouble.SLOW}
    assert time.monotonic() - began < 4
