"""`/media/NAME`: the pictures of mails, from folders given as values."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from outreach.web.pages import GUARDS, Pages

#: A plain file name: no folder, no hidden file, nothing that a system reads in its own way.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")

#: Ending -> content type: pictures, and nothing else that may lie in the folder.
_TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}

#: Mail clients fetch pictures through proxies of their own, so these may be kept, and shown inside other pages.
_HEADERS = {
    "x-content-type-options": GUARDS["x-content-type-options"],
    "x-robots-tag": GUARDS["x-robots-tag"],
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "public, max-age=86400",
}


class Media:
    """The endpoint, for GET and HEAD."""

    def __init__(self, folders: tuple[Path, ...], *, pages: Pages) -> None:
        self._folders = folders
        self._pages = pages

    async def picture(self, request: Request) -> Response:
        name = request.path_params["name"]
        kind = _TYPES.get(Path(name).suffix.lower()) if _NAME.fullmatch(name) else None
        data = await run_in_threadpool(self._read, name) if kind else None
        if data is None:
            return self._pages.not_found
        mark = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
        headers = {**_HEADERS, "etag": mark}
        if mark in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)

    def _read(self, name: str) -> bytes | None:
        for folder in self._folders:
            try:
                return (folder / name).read_bytes()
            except OSError:
                continue
        return None
