"""Others that read, verify and judge the mail that we write: programs that share no code with outreach or Python."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outreach.message.dkim import Signer

DECODER = Path(__file__).parent / "decoders" / "mime.pl"

#: How MIME-tools and MailTools read a message: fields, subject, mailboxes, parts, what was found wrong.
Reader = Callable[[bytes], dict[str, Any]]


def tool(name: str) -> str:
    """Where a program is; a test that wants it and has it not fails, and says what to do."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if found is None:
        pytest.fail(f"{name} is not on this machine: run .ci/tools.")
    return found


@contextmanager
def mime_tools() -> Iterator[Reader]:
    """One process that reads as many messages as are asked of it."""
    command = [tool("perl"), str(DECODER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout, stderr = process.stdin, process.stdout, process.stderr

        def read(message: bytes) -> dict[str, Any]:
            stdin.write(b"%d\n" % len(message) + message)
            stdin.flush()
            line = stdout.readline()
            if not line and stderr is not None:
                pytest.fail(f"MIME-tools are not on this machine: run .ci/tools. {stderr.read().decode()}")
            told: dict[str, Any] = json.loads(line)
            assert "died" not in told, told
            return told

        yield read
        stdin.close()


def opendkim(folder: Path, signer: Signer, messages: Sequence[bytes]) -> list[dict[str, str]]:
    """What OpenDKIM says of each message, with the records of a signer in its DNS: algorithm -> pass, fail ..."""
    keys, rules = folder / "keys", folder / "rules"
    keys.write_text("".join(f"{record.name} {record.value}\n" for record in signer.records))
    rules.write_text(f"TestPublicKeys {keys}\nMode v\n")
    files = []
    for number, message in enumerate(messages):
        files.append(folder / f"{number}.eml")
        files[-1].write_bytes(message)
    command = [tool("opendkim"), "-x", str(rules), "-vv", "-t", ",".join(map(str, files))]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    found = re.findall(r"hname='Authentication-Results' hvalue='(.*?)'", told, re.DOTALL)
    assert len(found) == len(messages), told
    return [
        {kind: result for result, kind in re.findall(r"dkim=(\w+).*?header\.a=([\w-]+)", each, re.DOTALL)}
        for each in found
    ]


def spamassassin(folder: Path, message: bytes) -> dict[str, float]:
    """The rules of SpamAssassin that a message meets, with their points; nothing is asked elsewhere."""
    rules = folder / "spamassassin"
    rules.mkdir()
    (rules / "user_prefs").write_text("use_bayes 0\nuse_auto_whitelist 0\nuse_txrep 0\n")
    command = [tool("spamassassin"), "-L", "-t", "-p", str(rules / "user_prefs"), "--cf=report_safe 0"]
    home = {"HOME": str(rules), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    told = subprocess.run(command, input=message, capture_output=True, check=True, timeout=120, env=home).stdout
    _, _, report = told.decode("utf-8", "replace").rpartition("Content analysis details:")
    found = re.findall(r"^ *(-?\d+\.\d+) ([A-Z][A-Z0-9_]+) ", report, re.MULTILINE)
    return {name: float(points) for points, name in found}


def w3m(html: str) -> str:
    """An HTML document as a browser for terminals shows it."""
    command = [tool("w3m"), "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", "-cols", "78"]
    return subprocess.run(command, input=html, capture_output=True, text=True, check=True, timeout=30).stdout
