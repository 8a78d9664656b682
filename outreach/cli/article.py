"""`outreach article ...`: make an article file of a text that comes from elsewhere."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from outreach.cli import show
from outreach.errors import ArticleError, NameTaken
from outreach.message import manuscript
from outreach.message.manuscript import Manuscript, Source

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Articles are files; campaigns take them by name."""


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Raw text, a web page or Markdown.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The article file to write.")],
    title: Annotated[str | None, typer.Option("--title", help="The title, where another one is wanted.")] = None,
    kind: Annotated[
        Source | None, typer.Option("--as", help="What FILE is written in; default: what it looks like.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --out names.")] = False,
    as_json: show.JsonOption = False,
) -> None:
    """Turn a raw text, a web page or a Markdown file into an article, and tell what was lost on its way."""
    if not force and _exists(out):
        raise NameTaken("file", str(out), hint="Choose another name, or replace it with --force.")
    made = manuscript.read(_bytes(source), file=str(source), title=title, source=kind)
    _write(out, made.text)
    if as_json:
        show.document({"out": str(out), **made.report()})
    else:
        _tell(made)
        show.line(str(out))


def _bytes(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(manuscript.LARGEST + 1)
    except OSError as error:
        raise ArticleError(f"The file cannot be read: {error.strerror}.", file=str(source)) from error


def _exists(out: Path) -> bool:
    try:
        return out.exists()
    except OSError as error:
        raise ArticleError(f"The article cannot be written: {error.strerror}.", file=str(out)) from error


def _write(out: Path, text: str) -> None:
    """The whole file or none of it."""
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        part.replace(out)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise ArticleError(f"The article cannot be written: {error.strerror}.", file=str(out)) from error


def _tell(made: Manuscript) -> None:
    """What a person should look at, on stderr."""
    show.note(f"Title: {made.title}")
    for heading in made.headings:
        show.note(f"Heading: {heading}")
    for call in made.calls:
        show.note(f"Line {call.line}: a call to action, now a button to the link role quote: {call.text}")
    for link in made.missing_links:
        was = f" ({link.target})" if link.target else ""
        became = f"it leads to the link role {link.role}" if link.role else "its words are kept"
        show.note(f"Line {link.line}: a link without a usable target{was}: {link.text}; {became}.")
    for told in made.cut_off:
        show.note(f"Line {told.line}: a sentence breaks off: {told.text}")
    for left in made.dropped:
        show.note(f"Line {left.line}: left out, {left.reason}: {left.text}")
