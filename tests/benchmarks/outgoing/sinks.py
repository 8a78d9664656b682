"""Where do benchmarks send to, and what are they compared with? Postfix' `smtp-sink` and `smtp-source`, near or far."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def smtp_sink() -> Iterator[int]:
    """A server of Postfix' that takes everything, in a process of its own; its port."""
    port = free_port()
    process = subprocess.Popen([postfix("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def smtp_source(port: int, message: Path, rows: int, sessions: int) -> float:
    """Messages a second of `smtp-source -d` with the bytes of a file, over so many connections."""
    command = [postfix("smtp-source"), "-d", "-s", str(sessions), "-m", str(rows), "-F", str(message)]
    begun = time.perf_counter()
    people = ["-f", "news@clinic.example", "-t", "person@example.org"]
    subprocess.run([*command, *people, f"127.0.0.1:{port}"], check=True, capture_output=True)
    return rows / (time.perf_counter() - begun)


@contextmanager
def far_away(port: int, seconds: float) -> Iterator[int]:
    """A port that leads to that one with a delay in each direction: a link whose round trip is `seconds`."""
    near = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_relay, args=(near, port, seconds / 2), daemon=True)
    process.start()
    try:
        await_port(near)
        yield near
    finally:
        process.terminate()
        process.join()


def postfix(name: str) -> str:
    """The path of a program of Postfix; ends loudly where there is none."""
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        sys.exit(f"{name} is not on this machine, and there is nothing to compare with: run .ci/tools.")
    return found


def free_port() -> int:
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def await_port(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"nothing listens on port {port}")


def _relay(near: int, far: int, delay: float) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", far)
        await asyncio.gather(_delayed(reader, other_writer, delay), _delayed(other_reader, writer, delay))

    async def run() -> None:
        server = await asyncio.start_server(accepted, "127.0.0.1", near, backlog=500, limit=1 << 20)
        await server.serve_forever()

    asyncio.run(run())


async def _delayed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Whatever comes in goes out after the delay, in its order; nothing waits for what came before it."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(1 << 18):
        loop.call_later(delay, writer.write, data)
    loop.call_later(delay, writer.close)
