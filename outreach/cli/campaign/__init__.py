"""`outreach campaign ...`: drafting, reviewing, running, reporting, mending and explaining, a file each."""

from __future__ import annotations

import typer

from outreach.cli.campaign import drafting, explaining, mending, reporting, reviewing, running, sending

app = typer.Typer(no_args_is_help=True, help="Make, check, schedule, send and report campaigns.")

app.command("create")(drafting.create)
app.command("ls")(drafting.ls)
app.command("show")(drafting.show_one)
app.command("update")(drafting.update)
app.command("delete")(drafting.delete)
app.command("status")(reporting.status)
app.command("report")(reporting.report)
app.command("check")(reviewing.check)
app.command("preview")(reviewing.preview)
app.command("test")(reviewing.send_test)
app.command("schedule")(running.schedule)
app.command("send")(sending.send)
app.command("pause")(running.pause)
app.command("resume")(running.resume)
app.command("cancel")(running.cancel)
app.command("retry")(mending.retry)
app.command("resolve")(mending.resolve)
app.command("explain")(explaining.explain)
