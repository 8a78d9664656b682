"""What was sent with a POST? Little is expected, so little is read."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

#: Bytes that a form may have at most.
LONGEST = 64 * 1024


async def body(request: Request) -> bytes:
    """The whole body; raises HTTPException 413 for one that is too long, as soon as that is seen, and 400 for one that
    breaks off: nothing is done on half a word, and nobody is left to be told.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > LONGEST:
                raise HTTPException(413)
            parts.append(part)
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    return b"".join(parts)


async def fields(request: Request) -> dict[str, str]:
    """The fields of a form as our own pages send it (urlencoded), the first of each name; others are not understood."""
    text = (await body(request)).decode("utf-8", "replace")
    try:
        found = parse_qs(text, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
