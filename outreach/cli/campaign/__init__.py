"""`outreach campaign ...`: drafting, reviewing, running, reporting, mending, explaining and proving, a file each."""

from __future__ import annotations

from typing import Annotated

import typer

from outreach.cli import later
from outreach.cli.later import Later

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]
AcceptOption = Annotated[
    bool, typer.Option("--accept", help="Accept the warnings that there are now; needed where OUTREACH_STRICT is set.")
]

#: What can be done with a campaign, in the order of help.
COMMANDS = {
    "create": Later("outreach.cli.campaign.drafting:create"),
    "ls": Later("outreach.cli.campaign.drafting:ls"),
    "show": Later("outreach.cli.campaign.drafting:show_one"),
    "update": Later("outreach.cli.campaign.drafting:update"),
    "delete": Later("outreach.cli.campaign.drafting:delete"),
    "status": Later("outreach.cli.campaign.reporting:status"),
    "report": Later("outreach.cli.campaign.reporting:report"),
    "check": Later("outreach.cli.campaign.reviewing:check"),
    "approve": Later("outreach.cli.campaign.approving:approve"),
    "preview": Later("outreach.cli.campaign.reviewing:preview"),
    "test": Later("outreach.cli.campaign.reviewing:send_test"),
    "schedule": Later("outreach.cli.campaign.running:schedule"),
    "send": Later("outreach.cli.campaign.sending:send"),
    "pause": Later("outreach.cli.campaign.running:pause"),
    "resume": Later("outreach.cli.campaign.running:resume"),
    "cancel": Later("outreach.cli.campaign.running:cancel"),
    "retry": Later("outreach.cli.campaign.mending:retry"),
    "resolve": Later("outreach.cli.campaign.mending:resolve"),
    "explain": Later("outreach.cli.campaign.explaining:explain"),
    "proof": Later("outreach.cli.campaign.proving:proof"),
}

app = typer.Typer(cls=later.tree(COMMANDS), no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Every verb takes the campaign's name."""
