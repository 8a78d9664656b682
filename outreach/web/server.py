"""How is the web part served? One uvicorn with the settings that the rest relies on."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp


def make(app: ASGIApp, *, host: str, port: int) -> uvicorn.Server:
    """A server for the app: give it to `run` in the main thread, or await `serve()` in a loop of one's own.

    No access log: it would hold tokens beside client addresses. Proxy headers are left to the app, which believes only
    the proxies that the settings name; uvicorn would believe everything that comes from this machine. What it logs
    itself goes where all else goes (see `outreach.log`).
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=10,
            limit_concurrency=5_000,
            backlog=2_048,
        )
    )


def run(server: uvicorn.Server) -> None:
    """Serve until SIGINT or SIGTERM, let the requests at work end, and return."""
    with suppress(KeyboardInterrupt):  # which uvicorn raises once more when it has left cleanly
        server.run()


async def beside(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve the app on a socket of its own until `stop`, beside what else works in this process.

    The listening socket is left open, so that it can be done again.
    """
    serving = make(app, host="", port=0)
    task = asyncio.create_task(serving.serve(sockets=[listener.dup()]))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    serving.should_exit = True
    await task
