"""Which commands are there? The tree of nouns and verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from outreach import __version__
from outreach.cli import later, show
from outreach.cli.later import Later

#: Everything that can stand behind `outreach`, in the order of help.
COMMANDS = {
    "init": Later("outreach.cli.init:init"),
    "demo": Later("outreach.cli.demo:demo"),
    "run": Later("outreach.cli.run:run"),
    "web": Later("outreach.cli.run:web"),
    "clock": Later("outreach.cli.run:clock"),
    "sender": Later("outreach.cli.run:sender"),
    "doctor": Later("outreach.cli.doctor:doctor"),
    "dkim": Later("outreach.cli.dkim:app", "Keys that sign mail, and what the DNS must say of them."),
    "list": Later("outreach.cli.lists:app", "Make and look at mailing lists."),
    "subscriber": Later(
        "outreach.cli.subscriber:app", "Import people, add them, let them leave, hand out or erase what is known."
    ),
    "suppression": Later(
        "outreach.cli.suppression:app", "Addresses and domains that are never mailed, above everything else."
    ),
    "reports": Later("outreach.cli.reports:app", "What came back: bounces, complaints, and what nobody can make out."),
    "consent": Later("outreach.cli.consent:app", "What people agreed to, on a record that shows every change."),
    "campaign": Later("outreach.cli.campaign:app", "Make, check, schedule, send and report campaigns."),
    "db": Later("outreach.cli.db:app", "The database as a whole."),
    "article": Later("outreach.cli.article:app", "Make articles of raw texts, web pages and Markdown."),
}

app = typer.Typer(
    name="outreach",
    cls=later.tree(COMMANDS),
    help="E-mail newsletters and outreach: an article in, responsive mail out, every delivery accounted for.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    # Descriptions are cut to the width; on a wide terminal there is no need to.
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _version(wanted: bool) -> None:
    if wanted:
        show.line(f"outreach {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """The options that stand before any command."""
