"""The demo does the whole main job by itself, without a terminal, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

COMMAND = [sys.executable, "-m", "outreach", "demo"]


def environment(folder: Path) -> dict[str, str]:
    """Where temporary files go is the test's own folder, so that what is left behind shows; a house that is strict."""
    strict = {"OUTREACH_STRICT": "1", "OUTREACH_APPROVAL": "required"}
    elsewhere = "https://elsewhere.example/never-asked"
    return {**os.environ, **strict, "TMPDIR": str(folder), "OUTREACH_QUOTE_URL": elsewhere}


def test_once_sends_to_all_counts_one_click_and_ends(tmp_path: Path) -> None:
    result = subprocess.run(
        [*COMMAND, "--once"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env=environment(tmp_path),
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    people = len((Path(__file__).parents[2] / "subscribers/sample.csv").read_text().strip().splitlines()) - 1
    assert re.search(rf"finished: {people} sent", result.stdout), result.stdout
    assert re.search(r"it led to http://127\.0\.0\.1:\d+/demo/quote", result.stdout)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("outreach")] == []


def test_ctrl_c_ends_it_cleanly_with_the_pages_up_until_then(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C ends the demo" in line:
                break
        found = re.search(r"http://127\.0\.0\.1:\d+/demo/", said)
        assert found, said
        with urllib.request.urlopen(found[0], timeout=10) as page:
            assert page.read().decode().count("<li>") >= 40
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "has ended" in out
    assert "Traceback" not in err
    assert list(tmp_path.glob("outreach-demo-*")) == []
