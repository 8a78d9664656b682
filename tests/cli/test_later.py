"""Commands are listed without being loaded, and what is listed is what is called."""

from __future__ import annotations

import pytest

from outreach.cli import campaign
from outreach.cli.app import COMMANDS
from outreach.cli.later import Later, Listed
from tests.cli.line import outreach

TREE = [*COMMANDS.items(), *campaign.COMMANDS.items()]


@pytest.mark.parametrize(("name", "later"), TREE, ids=[later.place for _, later in TREE])
def test_what_is_listed_is_what_the_command_itself_says(name: str, later: Later) -> None:
    assert Listed(name, later).get_short_help_str(200) == later.loaded(name).get_short_help_str(200)


def test_every_command_of_a_noun_is_listed_in_its_help() -> None:
    for words, names in (((), COMMANDS), (("campaign",), campaign.COMMANDS)):
        said = outreach(*words, "--help").out
        listed = [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.strip()]
        assert listed == list(names)


def test_a_misspelt_command_is_told_the_nearest() -> None:
    said = outreach("campaign", "staus", "spring")
    assert said.code == 2
    assert "Did you mean 'status'" in said.err


def test_a_shell_completes_commands_and_the_options_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for words, wanted in (
        ("outreach cam", "campaign"),
        ("outreach campaign st", "status"),
        ("outreach campaign status --wa", "--watch"),
    ):
        monkeypatch.setenv("_OUTREACH_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        assert wanted in outreach().out.split()
