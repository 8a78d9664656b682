"""What does this installation want? Settings from the environment and `outreach.toml`, read once, refused when wrong.

The environment beats the file. Nothing below the doors reads either: settings travel down as values.
"""

from __future__ import annotations

import difflib
import os
from typing import Any

from pydantic import ValidationError

from outreach.config.places import FILE, shipped, variable
from outreach.config.settings import Settings
from outreach.config.values import is_selector
from outreach.errors import SettingsError

__all__ = ["FILE", "Settings", "is_selector", "load", "shipped", "unknown_variables", "variable"]


def load(**overrides: Any) -> Settings:
    """The settings as environment, file and overrides give them.

    Raises SettingsError naming each wrong setting, what it holds and what would be right.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = [_fault(dict(item)) for item in error.errors()]
        raise SettingsError("\n".join(faults), hint="Mend the environment or outreach.toml.") from error
    except ValueError as error:  # a TOML file that does not parse
        raise SettingsError(f"{FILE} cannot be read: {error}") from error
    except OSError as error:  # one that this user may not read
        raise SettingsError(f"{error.filename or FILE} cannot be read: {error.strerror}.") from error


def unknown_variables(environment: dict[str, str] | None = None) -> list[str]:
    """OUTREACH_ variables that no setting reads: most often a misspelling."""
    names = os.environ if environment is None else environment
    known = {variable(field) for field in Settings.model_fields} | {"OUTREACH_DEBUG"}
    return sorted(name for name in names if name.startswith("OUTREACH_") and name not in known)


_SECRETS = {
    "webhook_mailgun_key",
    "webhook_postmark_secret",
    "smtp_url",
    "imap_url",
    "secret_key",
    "old_secret_keys",
    "database_url",
}


def _fault(item: dict[str, Any]) -> str:
    field = str(item["loc"][0]) if item["loc"] else ""
    words = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(field, list(Settings.model_fields), n=1)
        return f"{FILE}: there is no setting {field!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
    name = field if field.startswith("OUTREACH_") else variable(field)
    shown = (
        ":" if field in _SECRETS else f" is {item['input']!r}:" if item["input"] not in (None, ()) else " is not set:"
    )
    return f"{name}{shown} {words}."
