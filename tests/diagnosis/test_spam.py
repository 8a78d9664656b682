"""The answers of SpamAssassin and rspamd are read, whatever they say."""

from __future__ import annotations

import json

import pytest

from outreach.diagnosis import spam
from outreach.diagnosis.finding import State
from outreach.diagnosis.spam import Score

ASSASSIN = """X-Spam-Checker-Version: SpamAssassin 4.0.1 (2024-03-25) on host
X-Spam-Status: {flag}, score={score} required=5.0 tests={tests}
\tautolearn=disabled version=4.0.1
From: News <news@example.org>
Subject: X

X-Spam-Status: Yes, score=99 required=1 tests=IN_THE_BODY
"""


@pytest.mark.parametrize(
    ("flag", "score", "tests", "symbols", "state"),
    [
        ("No", "-0.1", "DKIM_VALID,\n\tHTML_MESSAGE", ("DKIM_VALID", "HTML_MESSAGE"), State.OK),
        ("No", "0.0", "none", (), State.OK),
        ("No", "2.5", "HTML_IMAGE_ONLY_04", ("HTML_IMAGE_ONLY_04",), State.WARNING),
        ("Yes", "7.2", "GTUBE", ("GTUBE",), State.FAULT),
    ],
)
def test_spamassassin(flag: str, score: str, tests: str, symbols: tuple[str, ...], state: State) -> None:
    read = spam.of_spamassassin(ASSASSIN.format(flag=flag, score=score, tests=tests))
    assert (read.score, read.required, read.symbols) == (float(score), 5.0, symbols)
    assert spam.judge(read).state is state


def test_rspamd_tells_its_costliest_rules_first() -> None:
    symbols = {"A": {"name": "A", "score": 0.5}, "B": {"name": "B", "score": 6}, "C": {"name": "C", "score": 0.0}}
    said = {"score": 6.5, "required_score": 15.0, "symbols": symbols}
    assert spam.of_rspamd(json.dumps(said)) == Score("rspamd", 6.5, 15.0, ("B", "A"))


@pytest.mark.parametrize("said", ["", "{}", "[]", "null", '{"score": "x"}', "X-Spam-Status: what?"])
def test_what_says_nothing_of_a_score_is_no_score(said: str) -> None:
    for read in (spam.of_rspamd, spam.of_spamassassin):
        with pytest.raises(ValueError, match="nothing of a score"):
            read(said)
