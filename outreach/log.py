"""What does the log say, and how is it written? One event a line with its facts; addresses masked, secrets never.

Whoever acts tells an event by its name and its facts: ``log.info("campaign_finished", campaign=7)``. Whether that
becomes ``campaign_finished campaign=7`` or a JSON object is decided once, by the formatter; lines of libraries (and
their tracebacks) get the same form.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

# Each pattern looks at a run of letters once, from its start: a long reply would hold up the sender otherwise.
#: What looks like an address in words that are not ours; servers like to repeat whom they refuse.
_ADDRESS = re.compile(
    r"""(?:"[^"\s@]*"|(?<![^\s<>()\[\]"',:;=])[^\s<>()\[\]"',:;=]+)@[^\s<>()\[\]"',:;=]+""",
)
#: What leads somewhere: a link that a filter complains about, with its scheme or without.
_LINK = re.compile(
    r"(?:https?|hxxps?|ftp)://\S+|(?<![\w.\[\]-])(?=[\w\[\]-]*+\.)[\w.\[\]-]++/(?<=[a-z\]]{2}/)\S*", re.IGNORECASE
)
#: What is as long and as opaque as a token of ours.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")
#: A secret that is shorter would blot out half of all words.
_SHORTEST = 4
#: A value that needs no quotes.
_PLAIN = re.compile(r"""[^\s"'=\\]+""")


class Event:
    """An event and its facts, as a log record carries them."""

    __slots__ = ("facts", "name")

    def __init__(self, name: str, facts: Mapping[str, Any]) -> None:
        self.name = name
        self.facts = facts

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key}={_spelt(value)}" for key, value in self.facts.items())])


class Log:
    """A logger that is told events with their facts."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, /, **facts: Any) -> None:
        """Something happened that is worth a line."""
        self._tell(logging.INFO, event, facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        """Something that an operator may want to look at."""
        self._tell(logging.WARNING, event, facts)

    def error(self, event: str, /, **facts: Any) -> None:
        """Something that hinders the work."""
        self._tell(logging.ERROR, event, facts)

    def exception(self, event: str, /, **facts: Any) -> None:
        """A mistake of ours, with the traceback of the exception that is being handled."""
        self._tell(logging.ERROR, event, facts, traceback=True)

    def _tell(self, level: int, event: str, facts: Mapping[str, Any], *, traceback: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, Event(event, facts), exc_info=traceback, stacklevel=3)


class Lines(logging.Formatter):
    """Each record as one line, whoever wrote it: text, or a JSON object where `as_json` says so.

    Whatever stands in `secrets` is blotted out, and what looks like an address is masked, also in the lines of
    libraries and in tracebacks.
    """

    def __init__(self, *, as_json: bool = False, secrets: Collection[str] = ()) -> None:
        super().__init__()
        self._as_json = as_json
        # the longest first: one may be part of another
        words = sorted((re.escape(secret) for secret in secrets if len(secret) >= _SHORTEST), key=len, reverse=True)
        self._secrets = re.compile("|".join(words)) if words else None

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = record.msg if isinstance(record.msg, Event) else Event("log", {"words": record.getMessage()})
        facts = {key: self._cleaned(value) for key, value in {**told.facts, **self._traceback(record)}.items()}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if not self._as_json:
            return f"{at} {record.levelname} {Event(told.name, facts)}"
        opening = {"time": at, "level": record.levelname.lower(), "logger": record.name, "event": told.name}
        return json.dumps({**opening, **facts, **opening})

    def _traceback(self, record: logging.LogRecord) -> Mapping[str, str]:
        if not record.exc_info or record.exc_info[0] is None:
            return MappingProxyType({})
        return {"traceback": self.formatException(record.exc_info)}

    def _cleaned(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        text = str(value)
        if self._secrets is not None:
            text = self._secrets.sub("***", text)
        return without_addresses(text)


def to_stderr(*, as_json: bool = False, secrets: Collection[str] = ()) -> None:
    """Write the log to stderr from now on, replacing what was set up before; libraries only where they warn."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=as_json, secrets=secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in ("apscheduler", "uvicorn", "uvicorn.error", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def masked(email: str) -> str:
    """An address that a log may hold: its first letter and its domain."""
    local, _, domain = email.rpartition("@")
    return f"{local.lstrip(chr(34))[:1]}***@{domain}"


def without_addresses(text: str) -> str:
    """A text with every address in it masked."""
    return _ADDRESS.sub(lambda found: masked(found[0]), text)


def quiet(text: str, *, about: str = "") -> str:
    """Words of a server that a log may hold: addresses masked, no links, nothing that could be a token.

    `about` is the address that they are about: its local part is masked wherever it stands alone, for a server also
    writes `user jane.doe unknown` or `jane.doe=example.org`.
    """
    text = _TOKEN.sub("<token>", _LINK.sub("<link>", without_addresses(text)))
    local = about.rpartition("@")[0].strip('"')
    if local:
        text = re.sub(rf"(?<![\w*]){re.escape(local)}(?![\w*])", f"{local[:1]}***", text, flags=re.IGNORECASE)
    return text


def _spelt(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.isprintable():
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
