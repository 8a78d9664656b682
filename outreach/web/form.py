"""What was sent with a POST? Little is expected, so little is read, and not for long.

What a form says may come to stand in a header of a mail one day, so a field that holds a line break or another control
character is refused whole: it was not typed into our pages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

#: Bytes that a form may have at most, and fields.
LONGEST, MOST = 64 * 1024, 20

#: Seconds that a form may take to arrive.
SLOWEST = 20.0

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]")


async def body(request: Request, *, longest: int = LONGEST) -> bytes:
    """The whole body; raises HTTPException 413 for one that is too long, as soon as that is seen, 408 for one that does
    not come to its end, and 400 for one that breaks off: nothing is done on half a word, and nobody is left to be told.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                size += len(part)
                if size > longest:
                    raise HTTPException(413)
                parts.append(part)
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    except TimeoutError as error:
        raise HTTPException(408) from error
    return b"".join(parts)


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form as our own pages send it (urlencoded), the first of each name; others are not understood."""
    return parsed(await body(request))


def parsed(data: bytes) -> dict[str, str]:
    """The fields of an urlencoded body, the first of each name; none where it is no such body, or has too many."""
    try:
        found = parse_qs(data.decode("utf-8", "replace"), max_num_fields=MOST, keep_blank_values=True)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def line(given: Mapping[str, str], name: str, *, longest: int = 200) -> str:
    """One field, without space around it; "" where it was not sent.

    Raises HTTPException 400 for what cannot stand on one line: control characters, or more than `longest` characters.
    """
    value = given.get(name, "").strip(" ")
    if len(value) > longest or _CONTROL.search(value):
        raise HTTPException(400)
    return value
