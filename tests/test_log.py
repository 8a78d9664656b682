"""One event a line, as text or as JSON, with no address and no secret in it, whoever wrote it."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from outreach import log
from outreach.log import Lines, Log, quiet, without_addresses


def record(name: str = "outreach.test", *, trouble: BaseException | None = None, **facts: Any) -> logging.LogRecord:
    told = log.Event("campaign_held", facts)
    traceback = (type(trouble), trouble, trouble.__traceback__) if trouble else None
    return logging.LogRecord(name, logging.WARNING, __file__, 1, told, (), traceback)


def foreign(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, message, args, None)


def test_text_is_the_event_and_its_facts() -> None:
    line = Lines().format(record(campaign=7, why="its list is away", share=0.12345, nothing=None, empty=""))
    time, level, rest = line.split(" ", 2)
    assert time.endswith("Z")
    assert (level, rest) == (
        "WARNING",
        'campaign_held campaign=7 why="its list is away" share=0.123 nothing=None empty=""',
    )


def test_json_is_one_object_with_the_same() -> None:
    found = json.loads(Lines(as_json=True).format(record(campaign=7, why="away", share=0.5)))
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "warning",
        "logger": "outreach.test",
        "event": "campaign_held",
        "campaign": 7,
        "why": "away",
        "share": 0.5,
    }


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("words", ["a\nb", "a\r\nERROR forged=1", "a\u2028b\x1b[31m", "a\x85b"])
def test_no_fact_can_break_or_forge_a_line(words: str, as_json: bool) -> None:
    for each in (record(why=words), foreign("%s", words)):
        line = Lines(as_json=as_json).format(each)
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


@pytest.mark.parametrize("as_json", [False, True])
def test_lines_of_libraries_and_tracebacks_have_the_same_form(as_json: bool) -> None:
    lines = Lines(as_json=as_json, secrets={"hunter2"})
    try:
        raise ValueError("jane.doe@example.org has the password hunter2")
    except ValueError as error:
        failed = lines.format(record(campaign=1, trouble=error))
    told = lines.format(foreign("%s of %s failed", "mail", "jane.doe@example.org"))
    assert "ValueError: j***@example.org has the password ***" in failed
    assert "mail of j***@example.org failed" in told
    assert len(failed.splitlines()) == len(told.splitlines()) == 1
    if as_json:
        assert json.loads(told)["event"] == "log"


def test_secrets_are_blotted_out_the_longest_first() -> None:
    lines = Lines(secrets={"tops", "topsecret", "", "x"})
    assert lines.format(record(why="topsecret and tops, x")).endswith('why="*** and ***, x"')


@pytest.mark.parametrize(
    ("text", "quiet_text"),
    [
        ("<jane.doe@example.org>: no such user", "<j***@example.org>: no such user"),
        ("550 user jane.doe unknown", "550 user j*** unknown"),
        ("550 JANE.DOE is not here", "550 j*** is not here"),
        ("jane.doe=example.org rejected", "j***=example.org rejected"),
        ('"jane.doe"@example.org rejected', "j***@example.org rejected"),
        ("janet.doe is somebody else", "janet.doe is somebody else"),
        ("blocked: https://clinic.example/quote?a=b in the body", "blocked: <link> in the body"),
        ("hxxps://clinic[.]example/quote", "<link>"),
        ("spam: www.clinic.example/quote", "spam: <link>"),
        ("see b+AbCdEfGhIjKlMnOpQrStUvWxYz012345@news.example", "see b***@news.example"),
        ("seen AbCdEfGhIjKlMnOpQrStUvWxYz_-2345 before", "seen <token> before"),
        ("250 2.0.0 Ok: queued as 4bXyZ12345z", "250 2.0.0 Ok: queued as 4bXyZ12345z"),
        ("The relay smtp://mail.example:25 went away", "The relay smtp://mail.example:25 went away"),
    ],
)
def test_a_servers_words_are_made_quiet(text: str, quiet_text: str) -> None:
    assert quiet(text, about="jane.doe@example.org") == quiet_text


def test_whoever_writes_an_address_in_a_log_it_is_masked() -> None:
    assert (
        without_addresses("to=<jane@example.org>, cc:joe@example.net;") == "to=<j***@example.org>, cc:j***@example.net;"
    )


def test_what_is_set_up_is_one_form_for_all_and_libraries_only_warn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        log.to_stderr(as_json=True, secrets={"hunter2"})
        Log("outreach.test").info("campaign_finished", campaign=7)
        logging.getLogger("uvicorn.error").warning("hunter2 is out")
        logging.getLogger("uvicorn.error").info("Started")
    finally:
        logging.captureWarnings(False)
        root.handlers[:], root.level = before, level
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(each["logger"], each["event"]) for each in told] == [
        ("outreach.test", "campaign_finished"),
        ("uvicorn.error", "log"),
    ]
    assert told[1]["words"] == "*** is out"


@pytest.mark.parametrize("unit", ["a", "A", "a.", "a-", "x@", "@", '"', "a/", ".", "[.]", "http://", "=", "a.b/"])
def test_words_of_any_kind_take_no_longer_than_their_length(unit: str) -> None:
    """Patterns that go back and forth take seconds for the longer ones, which hold up a sender."""
    words = unit * (100_000 // len(unit))
    begun = time.process_time()
    quiet(words, about="jane.doe@example.org")
    assert time.process_time() - begun < 2
