"""A spam filter of this machine is asked: the real SpamAssassin, and commands that stand in for what goes wrong."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from outreach.diagnosis.finding import Finding, State
from outreach.probes import spam

#: What every spam filter takes for spam, so that it can be tried (GTUBE).
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

MAIL = (
    b"From: News <news@example.org>\r\nTo: Reader <reader@example.com>\r\nSubject: The news of spring\r\n"
    b"Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nMessage-ID: <0123456789abcdef@example.org>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDear reader, here is the news.\r\n"
)


def found(message: bytes = MAIL, **options: float) -> Finding:
    (one,) = asyncio.run(spam.findings(message, **options))
    return one


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but for the shell's own tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "cat", "sleep"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def command(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!{folder}/sh\n{script}\n")
    file.chmod(0o755)


def test_spamassassin_says_what_it_thinks_of_a_mail() -> None:
    if shutil.which("spamassassin") is None:
        pytest.fail("SpamAssassin is missing: apt-get install spamassassin (.ci/tools does it)")
    ham, junk = found(), found(MAIL + GTUBE + b"\r\n")
    assert ham.state is State.OK
    assert ham.message.startswith("SpamAssassin gives ")
    assert (junk.state, junk.code) == (State.FAULT, "spam")
    assert "GTUBE" in junk.message


def test_no_filter_is_no_fault(bin_: Path) -> None:
    assert found().state is State.OK
    assert "No spam filter is installed" in found().message


def test_the_filter_gets_exactly_the_bytes_and_a_home_of_its_own(bin_: Path, tmp_path: Path) -> None:
    says = "echo X-Spam-Status: No, score=0 required=5 tests=none"
    command(bin_, "spamassassin", f'cat > {tmp_path}/seen; echo "$HOME $*" > {tmp_path}/how; {says}')
    assert found().state is State.OK
    assert (tmp_path / "seen").read_bytes() == MAIL
    home, _, options = (tmp_path / "how").read_text().partition(" ")
    assert not Path(home).exists()
    assert "--local" in options


def test_the_filter_learns_nothing_of_our_settings(bin_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "x" * 40)
    command(bin_, "spamassassin", f'cat > /dev/null; echo "[$OUTREACH_SECRET_KEY]" > {tmp_path}/key')
    found()
    assert (tmp_path / "key").read_text() == "[]\n"


def test_rspamd_is_asked_where_spamassassin_is_not_there(bin_: Path) -> None:
    command(bin_, "rspamc", 'cat > /dev/null; echo \'{"score": 16, "required_score": 15, "symbols": {}}\'')
    assert (found().code, "rspamd gives 16 of 15 points" in found().message) == ("spam", True)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'no rules were found' >&2; exit 2", "no rules were found"),
        ("exit 1", "it failed"),
        ("cat", "nothing of a score"),
    ],
)
def test_a_filter_that_fails_is_told_and_is_no_fault(bin_: Path, script: str, why: str) -> None:
    command(bin_, "spamassassin", script)
    one = found()
    assert (one.state, one.code) == (State.WARNING, "spam-unanswered")
    assert why in one.message


def test_a_filter_that_hangs_is_ended(bin_: Path) -> None:
    command(bin_, "spamassassin", "exec sleep 60")
    began = time.monotonic()
    assert "no answer within 0.3 s" in found(altogether=0.3).message
    assert time.monotonic() - began < 5
