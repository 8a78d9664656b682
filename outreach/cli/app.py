"""Which commands are there? The tree of nouns and verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from outreach import __version__
from outreach.cli import article, campaign, consent, db, demo, doctor, init, lists, run, show, subscriber, suppression

app = typer.Typer(
    name="outreach",
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


app.command("init")(init.init)
app.command("demo")(demo.demo)
app.add_typer(lists.app, name="list")
app.add_typer(subscriber.app, name="subscriber")
app.add_typer(consent.app, name="consent")
app.add_typer(suppression.app, name="suppression")
app.add_typer(campaign.app, name="campaign")
app.add_typer(article.app, name="article")
app.add_typer(db.app, name="db")
app.command("run")(run.run)
app.command("web")(run.web)
app.command("clock")(run.clock)
app.command("sender")(run.sender)
app.command("doctor")(doctor.doctor)
