"""What does a web server answer? One request, bounded in time and size; and why, where there was no answer."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from urllib.parse import urljoin

import httpx

from outreach import __version__
from outreach.diagnosis.heard import Heard, Trouble

#: How we introduce ourselves.
AGENT = f"outreach/{__version__} (it checks the links of a mail before it is sent)"

#: Seconds for a connection, and for each step of an answer.
CONNECT, STEP = 5.0, 8.0

#: What asks.
Client = httpx.AsyncClient

_REDIRECTS = {301, 302, 303, 307, 308}


def client(trust: ssl.SSLContext | None = None) -> Client:
    """A client that keeps no cookie and follows nothing by itself; `trust` replaces the system's certificates."""
    return Client(
        verify=trust or ssl.create_default_context(),
        headers={"User-Agent": AGENT, "Accept": "*/*"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(STEP, connect=CONNECT),
        follow_redirects=False,
    )


async def request(asked: Client, method: str, url: str, *, form: str = "", keep: int = 0) -> Heard:
    """One request and its answer; of the body only the first `keep` bytes are read."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    try:
        async with asked.stream(method, url, content=form.encode() or None, headers=headers) as response:
            location = response.headers.get("location", "") if response.status_code in _REDIRECTS else ""
            body = await _beginning(response, keep)
        return Heard(url, response.status_code, urljoin(url, location) if location else "", body)
    except httpx.TimeoutException:
        return Heard(url, trouble=Trouble.SLOW)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        trouble, words = _trouble(error)
        return Heard(url, trouble=trouble, words=words)


async def is_inside(host: str) -> bool:
    """Whether a host lies in an inner network, or on this machine; one that is not found does not."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(not ip_address(str(place[0]).partition("%")[0]).is_global for *_, place in found)


async def _beginning(response: httpx.Response, keep: int) -> str:
    kept = b""
    if keep:
        async for chunk in response.aiter_bytes():
            kept += chunk
            if len(kept) >= keep:
                break
    return kept[:keep].decode("utf-8", "replace")


def _trouble(error: Exception) -> tuple[Trouble, str]:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Trouble.TLS, cause.verify_message
        if isinstance(cause, ssl.SSLError):
            return Trouble.TLS, (cause.reason or str(cause)).lower().replace("_", " ")
        if isinstance(cause, socket.gaierror):
            return (Trouble.UNASKED if cause.errno == socket.EAI_AGAIN else Trouble.NAME), ""
    if isinstance(error, httpx.ConnectError | httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return Trouble.AWAY, ""
    return Trouble.BROKEN, re.sub(r"\s+", " ", str(error))[:120]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
