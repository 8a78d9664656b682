"""Where do settings come from, and where lies what is shipped?"""

from __future__ import annotations

from pathlib import Path

#: The settings file, looked for in the folder that a command is run in.
FILE = Path("outreach.toml")


def variable(field: str) -> str:
    """The environment variable of a field."""
    return "OUTREACH_FROM" if field == "sender" else f"OUTREACH_{field.upper()}"


def shipped(name: str) -> Path:
    """A folder that comes with outreach (`templates`, `subscribers`): in the package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    return package / name if (package / name).is_dir() else package.parent / name
