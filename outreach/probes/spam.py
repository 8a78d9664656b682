"""What does a spam filter of this machine say of a mail? SpamAssassin, else rspamd, where one is installed.

Both are asked with local rules alone: neither the mail nor an address in it leaves the machine, and nothing is learnt
from it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import NamedTuple

from outreach.diagnosis import finding, spam
from outreach.diagnosis.finding import Finding
from outreach.diagnosis.spam import Score

#: Seconds for the filter.
ALTOGETHER = 25.0

#: What rspamd would ask others about, or knows of mail that it has seen.
_NOT_LOCAL = (
    *("rbl", "surbl", "fuzzy", "phishing", "reputation", "hfilter", "whitelist"),
    *("policies", "spf", "dkim", "dmarc", "arc", "statistics", "neural"),
)


class Filter(NamedTuple):
    """A spam filter's command, and how its answer is read."""

    command: tuple[str, ...]
    read: Callable[[str], Score]


FILTERS = (
    Filter(
        (
            *("spamassassin", "--local", "--test-mode", "--nocreate-prefs"),
            *("--cf", "use_bayes 0", "--cf", "use_auto_whitelist 0"),
        ),
        spam.of_spamassassin,
    ),
    Filter(
        ("rspamc", "--json", f"--header=Settings={json.dumps({'groups_disabled': _NOT_LOCAL})}", "symbols"),
        spam.of_rspamd,
    ),
)


async def findings(message: bytes, *, altogether: float = ALTOGETHER) -> list[Finding]:
    """What the first filter that is installed says of exactly these bytes; where there is none, that."""
    for each in FILTERS:
        path = shutil.which(each.command[0])
        if path is not None:
            return [await _asked(each, path, message, altogether)]
    words = "No spam filter is installed here, so none was asked."
    return [finding.ok(spam.PART, words, "Where SpamAssassin is installed, its score is told.")]


async def _asked(chosen: Filter, path: str, message: bytes, seconds: float) -> Finding:
    name = chosen.command[0]
    try:
        output = await _run((path, *chosen.command[1:]), message, seconds)
        return spam.judge(chosen.read(output))
    except TimeoutError:
        why = f"no answer within {seconds:g} s"
    except (OSError, ValueError) as error:
        why = str(error)
    words = f"{name} could not be asked: {why}."
    return finding.warning(spam.PART, "spam-unanswered", words, "Run it by hand on the .eml of `campaign preview`.")


async def _run(command: tuple[str, ...], message: bytes, seconds: float) -> str:
    """What a command says to a message; it has a home of its own, so that it neither finds nor leaves anything."""
    with TemporaryDirectory(prefix="outreach-spam-") as home:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**_environment(), "HOME": home, "LC_ALL": "C"},
        )
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate(message)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if process.returncode:
        said = (err.strip() or out.strip()).decode("utf-8", "replace").splitlines()
        raise ValueError(said[-1][:200].rstrip(".") if said else "it failed")
    return out.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """Ours without our settings, which hold passwords."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OUTREACH_")}
