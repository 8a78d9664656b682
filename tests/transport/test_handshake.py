"""Connections are secured as the settings say, a password travels only where it is safe, and refusals are plain."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from outreach.errors import TransportError
from outreach.replies.smtp import parse
from outreach.transport.handshake import Abilities, Handshake, Timeouts
from outreach.transport.relay import Relay, Tls, hello_name
from outreach.transport.smtp import SmtpTransport
from tests.transport.conftest import Certificates
from tests.transport.relays import at, closed, letter, relay

# aiosmtpd's own, where somebody logs in
pytestmark = [
    pytest.mark.filterwarnings("ignore:Session.login_data is deprecated"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

#: A test that waits for a reply in vain fails instead of hanging.
SOON = Timeouts(greeting=5, command=5, mail=5, rcpt=5, data=5, body=5, quit=1)


async def sent(port: int, way: Relay, **options: Any) -> str:
    """One message; the stage and the code that it got to."""
    outcome = await SmtpTransport(way, timeouts=SOON, **options).send_one(letter())
    return f"{outcome.stage} {outcome.reply.code if outcome.reply else '-'}"


@pytest.mark.parametrize("tls", [Tls.REQUIRED, Tls.OPPORTUNISTIC, Tls.IMPLICIT])
def test_a_message_leaves_over_tls(certificates: Certificates, tls: Tls) -> None:
    async def main() -> None:
        implicit = tls is Tls.IMPLICIT
        async with relay(context=certificates.server(), implicit=implicit, require_starttls=not implicit) as (
            port,
            caught,
        ):
            assert await sent(port, at(port, tls), context=certificates.client()) == "body 250"
            assert "TLSv1" in await SmtpTransport(at(port, tls), context=certificates.client()).probe()
            assert len(caught.messages) == 1

    asyncio.run(main())


@pytest.mark.parametrize("tls", [Tls.REQUIRED, Tls.IMPLICIT])
def test_a_certificate_that_nobody_vouches_for_is_refused(certificates: Certificates, tls: Tls) -> None:
    async def main() -> None:
        async with relay(context=certificates.server(), implicit=tls is Tls.IMPLICIT) as (port, caught):
            with pytest.raises(TransportError, match="certificate"):
                await sent(port, at(port, tls))
            assert caught.messages == []

    asyncio.run(main())


def test_a_certificate_for_another_name_is_refused(certificates: Certificates) -> None:
    async def main() -> None:
        async with relay(context=certificates.server()) as (port, _):
            elsewhere = replace(at(port, Tls.REQUIRED), host="127.0.0.1")
            with pytest.raises(TransportError, match="certificate is not trusted"):
                await sent(port, elsewhere, context=certificates.client())

    asyncio.run(main())


def test_without_tls_nothing_leaves_where_it_is_required() -> None:
    async def main() -> None:
        async with relay() as (port, caught):
            with pytest.raises(TransportError, match="offers no TLS"):
                await sent(port, at(port, Tls.REQUIRED))
            assert await sent(port, at(port, Tls.OPPORTUNISTIC)) == "body 250"
            assert len(caught.messages) == 1

    asyncio.run(main())


def test_opportunistic_tls_that_breaks_is_done_without(certificates: Certificates) -> None:
    async def main() -> None:
        context = certificates.server()
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("PSK")  # no cipher that works with a certificate
        async with relay(context=context) as (port, caught):
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda *_: None)  # the server's own complaint
            assert await sent(port, at(port, Tls.OPPORTUNISTIC)) == "body 250"
            assert caught.connections == 2

    asyncio.run(main())


def test_the_login_travels_over_tls(certificates: Certificates) -> None:
    async def main() -> None:
        login = ("news@clinic.example", "påss wörd")
        async with relay(context=certificates.server(), login=login, auth_require_tls=True) as (port, caught):
            way = at(port, Tls.REQUIRED, *login)
            assert await sent(port, way, context=certificates.client()) == "body 250"
            assert "logged in as news@clinic.example" in await SmtpTransport(way, context=certificates.client()).probe()
            wrong = replace(way, password="nonsense")
            with pytest.raises(TransportError, match="refused the login: 535") as refusal:
                await sent(port, wrong, context=certificates.client())
            assert "nonsense" not in str(refusal.value)
            assert len(caught.messages) == 1

    asyncio.run(main())


def test_the_older_login_works_too() -> None:
    async def main() -> None:
        login = ("news", "secret")
        options = {"login": login, "auth_require_tls": False, "auth_exclude_mechanism": ["PLAIN"]}
        async with relay(**options) as (port, _):
            assert await sent(port, at(port, Tls.OFF, *login)) == "body 250"

    asyncio.run(main())


def test_a_relay_that_wants_a_login_stops_everything_instead_of_failing_everybody() -> None:
    async def main() -> None:
        async with relay(login=("a", "b"), auth_require_tls=False) as (port, _):
            assert await sent(port, at(port)) == "mail 530"

    asyncio.run(main())


@asynccontextmanager
async def scripted(*lines: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers each line with the next of these, and then falls silent."""
    said: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for line in lines:
            writer.write(line)
            received = await reader.readline()
            if not received:
                break
            said.append(received)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], said
    finally:
        server.close()
        await closed(writer.transport for writer in writers)


def test_bytes_that_come_along_with_the_answer_to_starttls_are_refused(certificates: Certificates) -> None:
    """Anybody on the way could have added them, to be read as if they had come over TLS."""

    async def main() -> None:
        injected = b"220 go ahead\r\n250-evil\r\n250-PIPE"
        async with scripted(b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", injected) as (port, _):
            with pytest.raises(TransportError, match="more than its answer to STARTTLS"):
                await sent(port, at(port, Tls.REQUIRED), context=certificates.client())

    asyncio.run(main())


def test_a_whole_reply_that_comes_along_with_the_answer_to_starttls_is_refused(certificates: Certificates) -> None:
    async def main() -> None:
        injected = b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n"
        async with scripted(b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", injected) as (port, said):
            with pytest.raises(TransportError, match="more than its answer to STARTTLS"):
                await sent(port, at(port, Tls.REQUIRED, "user", "secret"), context=certificates.client())
            assert not any(b"AUTH" in line for line in said)

    asyncio.run(main())


def test_what_was_said_before_tls_is_forgotten(certificates: Certificates) -> None:
    abilities = Abilities.of(parse([b"250-hi", b"250-PIPELINING", b"250-AUTH=PLAIN", b"250-SIZE 99", b"250 X"]))
    assert (abilities.pipelining, abilities.logins, abilities.size) == (True, {"PLAIN"}, 99)

    async def main() -> None:
        async with relay(context=certificates.server(), pipelining=False, data_size_limit=777) as (port, caught):
            handshake = Handshake(at(port, Tls.REQUIRED), hello="news.clinic.example", context=certificates.client())
            wire, found = await handshake.connect()
            wire.drop("seen enough")
            await wire.ended
            assert (found.starttls, found.size) == (False, 777)
            assert caught.greetings == ["news.clinic.example"] * 2

    asyncio.run(main())


def test_without_a_name_we_greet_with_our_address() -> None:
    async def main() -> None:
        async with relay() as (port, caught):
            await sent(port, at(port))
            assert caught.greetings == ["[127.0.0.1]"]

    asyncio.run(main())


def test_a_server_of_the_last_century_is_greeted_its_way() -> None:
    async def main() -> None:
        answers = (b"220 hi\r\n", b"502 what\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
        async with scripted(*answers) as (port, said):
            with pytest.raises(TransportError, match="ended the connection"):
                await sent(port, at(port))
            assert [line[:4] for line in said[:5]] == [b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA"]

    asyncio.run(main())


@pytest.mark.parametrize(("greeting", "words"), [(b"554 no\r\n", "does not want us"), (b"SSH-2.0\r\n", "not an SMTP")])
def test_who_does_not_greet_is_no_relay(greeting: bytes, words: str) -> None:
    async def main() -> None:
        async with scripted(greeting) as (port, _):
            with pytest.raises(TransportError, match=words):
                await SmtpTransport(at(port), timeouts=SOON).probe()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("https://news.clinic.example/x", None), "news.clinic.example"),
        (("http://127.0.0.1:8000", "bounces@mail.clinic.example"), "mail.clinic.example"),
        (("http://localhost", None, "News <news@clinic.example>"), "clinic.example"),
        (("http://127.0.0.1:8000", None, None), None),
        (("https://bücher.example", None), "xn--bcher-kva.example"),
    ],
)
def test_the_greeting_comes_from_the_settings(texts: tuple[str, ...], name: str | None) -> None:
    assert hello_name(*texts) == name
