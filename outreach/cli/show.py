"""How is something shown to the person at the terminal? JSON, tables, notes, refusals.

Documents and tables go to stdout; notes, progress and refusals go to stderr, so that `--json` stays one document.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from outreach.errors import OutreachError

#: The `--json` option of every read command.
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def out() -> Console:
    """The console on stdout, as it is now (tests and pipes change it)."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def err() -> Console:
    """The console on stderr, as it is now."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def document(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def harmless(text: str, *, lines: bool = False) -> str:
    """A text of somebody else with whatever could command a terminal taken out; line ends stay where `lines` says so.

    Control characters of either range, and the marks that change the direction of what follows.
    """
    kept = {"\n", "\t"} if lines else set()
    return "".join(
        each
        if each in kept or unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def line(text: str) -> None:
    """Print one plain line; the text is never read as markup."""
    out().print(text, markup=False)


def note(text: str) -> None:
    """Tell something beside the result, on stderr."""
    err().print(text, markup=False)


def warning(text: str) -> None:
    """Tell something that must not be overlooked, on stderr."""
    err().print(text, markup=False, style="bold yellow")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table; numbers stand to the right."""
    kept = [list(row) for row in rows]
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        numeric = bool(kept) and all(isinstance(row[index], int | float) for row in kept)
        grid.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in kept:
        grid.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    out().print(grid, markup=False)


def approval(found: dict[str, Any] | None) -> str:
    """An approval in words; "" where there is none."""
    if found is None:
        return ""
    void = "" if found["valid"] else "; void, since the content was changed"
    return f"{found['by']}, {found['at']}{void}"


def refusal(error: OutreachError) -> None:
    """Say why a command was refused, and what to do."""
    err().print(f"Error: {error.message}", markup=False, style="red")
    if error.hint:
        err().print(error.hint, markup=False)


def internal_fault(error: Exception) -> None:
    """Say that outreach itself has failed, in one line."""
    err().print(f"Error: outreach failed in itself ({type(error).__name__}: {error}).", markup=False, style="red")
    err().print("Run it again with OUTREACH_DEBUG=1 to see where, and report that.", markup=False)
