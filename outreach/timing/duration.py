"""How long is `30s`, `5m` or `2d`?"""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = 3653 * _UNITS["d"]
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def parse(text: str) -> timedelta:
    """A duration as people write it: `30s`, `5m`, `1h30m`, `2d`.

    Raises ValueError saying what would be right.
    """
    compact = text.strip().lower()
    parts = _PART.findall(compact)
    if not parts or _PART.sub("", compact).strip():
        raise ValueError(f"{text!r} is not a duration; write a number and a unit, such as 30s, 5m, 2h or 2d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise ValueError(f"{text!r} is longer than ten years, which cannot be meant")
    return timedelta(seconds=seconds)


def words(duration: timedelta) -> str:
    """A duration in its largest fitting units: `2d`, `1h30m`, `5m`, `30s`, `0s`."""
    left = round(duration.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts[:2]) or "0s"
