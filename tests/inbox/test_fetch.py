"""A document is fetched from where it is said to be, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from outreach.errors import InboxError
from outreach.inbox import fetch
from tests.conftest import free_port


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/moved": 302, "/gone": 404}.get(self.path, 200)
        body = b"x" * (fetch.LONGEST + 1) if self.path == "/long" else b"here it is"
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/there")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # it was too long for the client
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def place() -> Iterator[str]:
    """A web server on this machine."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_there_is_fetched(place: str) -> None:
    assert fetch.document(f"{place}/there") == b"here it is"


@pytest.mark.parametrize("path", ["moved", "gone", "long"])
def test_what_is_elsewhere_or_gone_or_too_long_is_not(place: str, path: str) -> None:
    with pytest.raises(InboxError):
        fetch.document(f"{place}/{path}")


def test_nobody_there_is_an_error_of_ours() -> None:
    with pytest.raises(InboxError, match="cannot be reached"):
        fetch.document(f"http://127.0.0.1:{free_port()}/")
