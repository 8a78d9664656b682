"""How are the records of DKIM and DMARC written? As a list of tags, `name=value; name=value` (RFC 6376, 3.2)."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def parse(text: str) -> dict[str, str]:
    """The tags of a record, names in lower case, in their order.

    Raises ValueError for what is no such list, and for a tag that stands twice.
    """
    found: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"{part.strip()!r} is no tag=value")
        if name in found:
            raise ValueError(f"{name}= stands twice")
        found[name] = value.strip()
    return found
