"""`outreach campaign ...`: drafting, reviewing, running and reporting, a file each."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Make, check, schedule, send and report campaigns.")
