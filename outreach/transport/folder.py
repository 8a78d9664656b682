"""What would have been sent? Each message as an .eml file, its envelope beside it; nothing leaves the machine."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

from outreach.errors import TransportError
from outreach.replies.smtp import Reply, Stage
from outreach.transport.base import Begin, Outcome, Outgoing, Report, Source
from outreach.transport.reach import Reach

_MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>\s]+)", re.IGNORECASE | re.MULTILINE)
_NOT_FOR_FILES = re.compile(r"[^A-Za-z0-9_-]+")


class FolderTransport:
    """Writes messages into a folder, byte for byte as they would have left."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, source: Source, begin: Begin, report: Report, *, patience: int | None = None) -> None:
        """Write what the source hands out; see `base.Transport.run`."""
        reach = Reach(f"folder:{self._path}", patience=patience)
        while True:
            ticket = await reach.passage()
            if not await source.ready():
                return
            # Nothing below has to wait for anything; the others on this loop want their turn too.
            await asyncio.sleep(0)
            outgoing = source.take()
            if outgoing is None:
                continue
            try:
                self._require_folder()
            except TransportError as error:
                source.give_back(outgoing)
                reach.failed(error, ticket)
                continue
            reach.succeeded()
            if begin(outgoing):
                report(self._written(outgoing))
            else:
                report(Outcome(outgoing.delivery_id, None, Stage.DATA, "held back"))

    async def send_one(self, outgoing: Outgoing) -> Outcome:
        """Write a single message; raises TransportError where the folder cannot be written."""
        self._require_folder()
        return self._written(outgoing)

    async def probe(self) -> str:
        """Whether the folder can be written; raises TransportError."""
        self._require_folder()
        return f"folder {self._path}"

    def _require_folder(self) -> None:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            writable = os.access(self._path, os.W_OK)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error
        if not writable:
            raise self._unwritable("permission denied")

    def _unwritable(self, why: str) -> TransportError:
        return TransportError(
            f"The folder {self._path} cannot be written: {why}.", hint="Name another one in OUTREACH_SMTP_URL."
        )

    def _written(self, outgoing: Outgoing) -> Outcome:
        """A message that is written whole or not at all; a retry writes the same files again."""
        name = _name(outgoing)
        envelope = {
            "delivery": outgoing.delivery_id,
            "mail_from": outgoing.return_path,
            "rcpt_to": outgoing.recipient,
            "smtputf8": outgoing.needs_smtputf8,
        }
        try:
            self._write(f"{name}.json", json.dumps(envelope, ensure_ascii=False, indent=2).encode() + b"\n")
            self._write(f"{name}.eml", outgoing.message)
        except OSError as error:
            return Outcome(outgoing.delivery_id, Reply(452, "4.3.1", error.strerror or str(error)), Stage.BODY)
        return Outcome(outgoing.delivery_id, Reply(250, "2.0.0", f"written to {name}.eml"), Stage.BODY)

    def _write(self, name: str, data: bytes) -> None:
        unfinished = self._path / f".{name}.part"
        unfinished.write_bytes(data)
        unfinished.replace(self._path / name)


def _name(outgoing: Outgoing) -> str:
    head, _, _ = outgoing.message.partition(b"\r\n\r\n")
    found = _MESSAGE_ID.search(head)
    word = _NOT_FOR_FILES.sub("-", found[1].decode("ascii", "replace"))[:80] if found else ""
    return f"{outgoing.delivery_id:08d}-{word}".rstrip("-")
