"""Where does the web part listen? The socket is bound before the server starts: a port in use is one clear sentence."""

from __future__ import annotations

import errno
import socket

from outreach.errors import SettingsError


def on(host: str, port: int, *, named: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises SettingsError where host or port cannot be had.

    `named` is where the port was said, for the hint.
    """
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
        raise _refused(host, port, error, named) from error
    return listener


def url(listener: socket.socket) -> str:
    """Where it listens, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refused(host: str, port: int, error: OSError, named: str) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            f"Port {port} of {host} is in use already.", hint=f"Name another with {named}, or 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"Port {port} needs more rights than this user has.", hint="Name one above 1023.")
    return SettingsError(f"Nothing can listen on {host} port {port}: {error.strerror}.")
