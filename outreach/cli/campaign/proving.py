"""`outreach campaign proof`: the bytes that a person got, and whether they are what the delivery's digest says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from outreach import materials, wiring
from outreach.cli import open as opened
from outreach.cli import show
from outreach.cli.campaign import NameArgument
from outreach.engine import evidence
from outreach.engine.evidence import Evidence
from outreach.errors import OutreachError


def proof(
    name: NameArgument,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address of the person.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the message, as it left.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="MAIL.eml", help="A message that is to be proven to be the one.")
    ] = None,
    as_json: show.JsonOption = False,
) -> None:
    """Make the message to one person again, byte for byte, or take a given one: is it what was sent? If not, code 1."""
    with opened.house() as house:
        letters, signer = wiring.letters(house), materials.signer(house.settings)
        if file is None:
            found = evidence.made_again(house.store, letters, signer, name=name, email=email)
        else:
            found = evidence.given(house.store, letters, signer, name=name, email=email, data=_read(file))
    if out is not None:
        _write(out, found.message)
    if as_json:
        show.document({"campaign": name, "email": email, **_document(found), "out": str(out) if out else None})
    else:
        for line in _lines(found, "The file" if file else "The message made again"):
            show.line(line)
    if found.matches is False or (file is not None and not found.matches):
        raise typer.Exit(1)


def _document(found: Evidence) -> dict[str, Any]:
    delivery = found.delivery
    return {
        "state": delivery.state.value,
        "sent_at": delivery.sent_at and delivery.sent_at.isoformat(timespec="seconds"),
        "digest": delivery.digest,
        "matches": found.matches,
        "why": found.why or None,
        "differences": [each._asdict() for each in found.differences],
    }


def _lines(found: Evidence, what: str) -> list[str]:
    delivery = found.delivery
    at = f" at {delivery.sent_at.isoformat(timespec='seconds')}" if delivery.sent_at else ""
    word = {
        True: f"{what} is what left, byte for byte.",
        False: f"{what} is not what left: {found.why}.",
        None: f"Whether it left like this cannot be told: {found.why}.",
    }[found.matches]
    differing = [f"  {each.what}: {each.sent!r} in the file, {each.now!r} made again" for each in found.differences]
    return [f"{delivery.state.value}{at}, digest {delivery.digest or 'none'}", word, *differing]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OutreachError(f"{file} cannot be read: {error.strerror}.") from error


def _write(file: Path, message: bytes) -> None:
    try:
        file.write_bytes(message)
    except OSError as error:
        raise OutreachError(f"{file} cannot be written: {error.strerror}.") from error
