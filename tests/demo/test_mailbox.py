"""The demo's catcher keeps mails as they came, and its mailbox shows them without running or loading anything."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from outreach.config import shipped
from outreach.demo import mailbox
from outreach.demo.catcher import KEPT, Catcher
from outreach.errors import OutreachError
from tests.conftest import free_port

REPORT: dict[str, Any] = {
    "quote": {"human": 3, "suspect": 1, "machine": 2, "people": 2, "rate": 0.05},
    "sent": 40,
}


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    """A catcher that listens."""
    catcher = Catcher("127.0.0.1", free_port())
    catcher.start()
    yield catcher
    catcher.stop()


class Browser:
    """Asks the mailbox for pages."""

    def __init__(self, app: Starlette) -> None:
        self.transport = httpx.ASGITransport(app)

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="http://demo") as client:
                return await client.get(path)

        return asyncio.run(ask())


@pytest.fixture
def client(catcher: Catcher) -> Browser:
    """A browser at the mailbox's door."""
    return Browser(mailbox.app(catcher, [shipped("templates") / "pages"], lambda: REPORT))


def send(catcher: Catcher, message: bytes, *recipients: str) -> None:
    """Hand a message to the catcher over SMTP."""
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.sendmail("news@example.org", recipients or ["zoe@example.com"], message)


def mail(html: str = "<html><head></head><body><p>Hello</p></body></html>") -> bytes:
    """A mail of text and HTML."""
    message = EmailMessage()
    message["To"] = "Zoë <zoe@example.com>"
    message["From"] = "News <news@example.org>"
    message["Subject"] = "Spring <b>news</b>"
    message.set_content("Hello in text\n")
    message.add_alternative(html, subtype="html")
    return message.as_bytes().replace(b"\n", b"\r\n")


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(catcher: Catcher) -> None:
    source = mail() + b"\r\n.leading dot\r\n"
    send(catcher, source, "a@example.com", "b@example.com")
    second, first = catcher.mails()
    assert first.source.rstrip() == source.rstrip()
    assert (first.return_path, first.recipient, second.recipient) == (
        "news@example.org",
        "a@example.com",
        "b@example.com",
    )


def test_the_oldest_mails_make_room(catcher: Catcher) -> None:
    for number in range(KEPT + 3):
        catcher._keep("", f"{number}@example.com", b"")
    assert len(catcher.mails()) == KEPT
    assert catcher.mail(1) is None
    assert catcher.mail(KEPT + 3) is not None


def test_an_empty_mailbox_says_so_and_looks_again(client: Browser) -> None:
    answer = client.get("/")
    assert "Nothing has arrived yet" in answer.text
    assert answer.headers["refresh"] == "2"


def test_a_mail_is_listed_and_shown_in_three_ways(catcher: Catcher, client: Browser) -> None:
    source = mail()
    send(catcher, source)
    assert "Spring &lt;b&gt;news&lt;/b&gt;" in client.get("/").text
    assert 'src="1/frame"' in client.get("/1").text
    assert 'src="../1/frame"' in client.get("/1/html?width=phone").text
    assert "Hello in text" in client.get("/1/text").text
    assert "Content-Type: multipart/alternative" in client.get("/1/source").text
    assert client.get("/1.eml").content.rstrip() == source.rstrip()


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"Subject:\r\n\r\nNo more than this\r\n",
        b"Content-Type: text/html; charset=nobody-knows\r\n\r\n<p>Gr\xc3\xbc\xc3\x9fe \xff</p>\r\n",
        b"To: <<>>@,\r\nSubject: =?utf-8?q?=ZZ?= =?x?b?!?=\r\n\r\n\xff\xfe\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/related\r\n\r\n",
        b"not a header at all\r\n" * 3,
    ],
)
def test_a_mail_that_is_badly_made_is_shown_as_far_as_it_goes(catcher: Catcher, client: Browser, source: bytes) -> None:
    send(catcher, source)
    for path in ("/", "/1", "/1/text", "/1/source", "/1/frame", "/1.eml"):
        assert client.get(path).status_code == 200


def test_the_catcher_takes_what_a_relay_takes(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.ehlo()
        assert {"size", "8bitmime", "smtputf8"} <= set(client.esmtp_features)
        client.sendmail(
            "news@example.org", ["zoë@example.com"], "Subject: Zoë\r\n\r\nü".encode(), ["SMTPUTF8", "BODY=8BITMIME"]
        )
    caught = catcher.mails()[0]
    assert (caught.recipient, caught.body("plain").strip()) == ("zoë@example.com", "ü")


def test_the_frame_runs_no_script_and_loads_nothing(catcher: Catcher, client: Browser) -> None:
    send(catcher, mail("<html><head></head><body><script>alert(1)</script></body></html>"))
    policy = client.get("/1/frame").headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy


def test_embedded_pictures_are_shown_in_the_frame(catcher: Catcher, client: Browser) -> None:
    message = EmailMessage()
    message["To"], message["From"], message["Subject"] = "zoe@example.com", "news@example.org", "Picture"
    message.set_content('<html><head></head><body><img src="cid:logo" alt=""></body></html>', subtype="html")
    message.add_related(b"\x89PNG", "image", "png", cid="<logo>")
    send(catcher, message.as_bytes().replace(b"\n", b"\r\n"))
    assert 'src="data:image/png;base64,' in client.get("/1/frame").text


@pytest.mark.parametrize("path", ["/7", "/7/frame", "/7.eml", "/1/backwards", "/elsewhere"])
def test_what_is_not_there_is_a_plain_404(catcher: Catcher, client: Browser, path: str) -> None:
    send(catcher, mail())
    assert client.get(path).status_code == 404


def test_the_quote_page_shows_what_was_counted(client: Browser) -> None:
    page = client.get("/quote").text
    assert "5.0 %" in page
    assert ">3<" in page.replace(" ", "")


def test_a_port_in_use_is_one_clear_refusal(catcher: Catcher, tmp_path: Path) -> None:
    with pytest.raises(OutreachError, match="cannot listen"):
        Catcher("127.0.0.1", catcher.port).start()
