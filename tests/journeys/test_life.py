"""A reader's whole life, in a real browser: joining, reading, clicking, choosing, leaving, and being forgotten."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.journeys.machine import Host, Inbox, until
from tests.journeys.test_main_job import CAR_T, SAMPLE

ADA = "ada@example.org"
PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)
#: No word to anybody, and no sandbox where tests run as root.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def browser() -> Iterator[Page]:
    """A page of a headless Chromium as a phone has it, without scripts."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not on this machine: run .ci/tools.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        page = chromium.new_page(
            viewport={"width": 360, "height": 800},
            locale="en-GB",
            java_script_enabled=False,
            user_agent=PHONE,  # its own says that it is headless, and is judged to be a machine
        )
        yield page
        chromium.close()


@pytest.fixture
def clinic() -> Iterator[str]:
    """The publisher's own site, to which the quote link leads."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<h1>The clinic's own page</h1>")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/quote?from=mail&x=%27y%27"
    server.shutdown()
    thread.join(10)
    server.server_close()


def mail_to(inbox: Inbox, address: str, number: int) -> EmailMessage:
    """The n-th mail to an address, when it has come."""

    def found() -> EmailMessage | None:
        mine = [mail for mail in list(inbox.mails) if address in str(mail["To"])]
        return mine[number] if len(mine) > number else None

    mail: EmailMessage = until(found, f"mail {number + 1} to {address}")
    return mail


def link(mail: EmailMessage, kind: str) -> str:
    """The first link of a kind (`/l/`, `/u/`, `/confirm/`) in a mail."""
    part = mail.get_body(("html",))
    assert part is not None
    match = re.search(rf'href="(http://127\.0\.0\.1:\d+/{kind}/[^"]+)"', str(part.get_content()))
    assert match, kind
    return match[1]


def test_from_the_form_to_being_forgotten(small_host: Host, inbox: Inbox, browser: Page, clinic: str) -> None:
    host, public = small_host, small_host.environment["OUTREACH_PUBLIC_URL"]
    host.environment["OUTREACH_QUOTE_URL"] = clinic
    host.outreach("list", "create", "news", "--title", "Clinic News", "--public")
    host.outreach("subscriber", "import", str(SAMPLE), "--list", "news", "--consent", "I want it")
    host.start("run", "--port", public.rpartition(":")[2])

    browser.goto(f"{public}/subscribe/news")
    browser.get_by_label("Your e-mail address").fill(ADA)
    browser.get_by_label("Your name").fill("Ada")
    browser.get_by_role("button", name="Subscribe").click()
    assert "Without this agreement" in browser.content()
    browser.get_by_label("Your e-mail address").fill(ADA)
    browser.get_by_label("Your name").fill("Ada")
    browser.get_by_label("I want to receive").check()
    browser.get_by_label("not needed").check()
    browser.get_by_role("button", name="Subscribe").click()
    assert browser.title().startswith("Look into your mail")

    request = mail_to(inbox, ADA, 0)
    assert request["Subject"] == "Please confirm: Clinic News"
    confirming = link(request, "confirm")
    browser.goto(confirming)
    assert host.document("subscriber", "show", ADA)["subscriptions"][0]["state"] == "unconfirmed"
    browser.get_by_role("button", name="Yes, I want to receive it").click()
    assert "You are on the list" in browser.content()

    host.outreach("campaign", "create", CAR_T, "--list", "news", "--name", "first")
    host.outreach("campaign", "send", "first")
    letter = mail_to(inbox, ADA, 1)
    time.sleep(2.5)  # who clicks within two seconds of the relay's yes is taken for a machine
    browser.goto(link(letter, "l"))
    assert "The clinic's own page" in browser.content()
    assert browser.url == host.environment["OUTREACH_QUOTE_URL"]
    quote = host.document("campaign", "report", "first")["quote"]
    assert (quote["human"], quote["people"]) == (1, 1)

    browser.goto(link(letter, "p"))
    browser.get_by_label(re.compile("week")).first.check()
    browser.get_by_role("button", name="Save").first.click()
    assert "At most one mail a week comes." in browser.content()

    leaving = link(letter, "u")
    browser.goto(leaving)
    browser.get_by_role("button", name="Unsubscribe").click()
    assert "You have left" in browser.content()
    host.outreach("campaign", "create", CAR_T, "--list", "news", "--name", "second")
    host.outreach("campaign", "send", "second")
    until(lambda: host.state("second") == "finished", "the next campaign is out")
    assert [ADA in str(mail["To"]) for mail in inbox.mails].count(True) == 2
    assert host.document("campaign", "report", "second")["excluded_by"] == {"unsubscribed": 1}

    host.outreach("subscriber", "erase", ADA)
    host.outreach("subscriber", "show", ADA, code=1)
    for old, status in ((confirming, 404), (leaving, 200)):
        answer = browser.goto(old)
        assert answer is not None
        assert answer.status == status
        assert ADA not in browser.content()
    assert host.document("campaign", "report", "first")["quote"]["people"] == 1
    host.outreach("consent", "verify")
