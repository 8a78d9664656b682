"""How does the web part listen? A socket that is bound beforehand, so that a port in use is one clear sentence."""

from __future__ import annotations

import errno
import socket

import uvicorn
from starlette.types import ASGIApp

from outreach.errors import SettingsError

#: Seconds that answers under way get when the server stops.
PATIENCE = 5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises SettingsError where host or port cannot be had."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"Nothing can listen on {host!r}: {error.strerror or error}.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def address(listener: socket.socket) -> str:
    """Where it listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(app: ASGIApp) -> uvicorn.Server:
    """The web server; `run(sockets=[...])` it in the main thread, where it heeds SIGINT and SIGTERM."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who may speak for a client is a setting of ours
        timeout_graceful_shutdown=PATIENCE,
    )
    return uvicorn.Server(config)


def _refused(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            f"Port {port} of {host} is in use already.", hint="Name another with --port, or 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"Port {port} needs more rights than this user has.", hint="Name one above 1023.")
    return SettingsError(f"Nothing can listen on {host} port {port}: {error.strerror}.")
