"""What do readers see? Pages from `templates/pages/`, every one with the same strict headers.

A page loads nothing: its style stands in it and is allowed by its hash, there is no script, no picture from elsewhere,
no cookie. The path holds a token, so no page may be kept, indexed, framed, or named to another site.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


class Pages:
    """The pages of one installation, from its own template folder and then the shipped one."""

    def __init__(self, folders: Sequence[Path], *, sheet: str = "page.css", policy: str = "") -> None:
        """Pages with the style of `sheet`; `policy` is what they need beyond it, in Content-Security-Policy's words."""
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = self._templates.get_template(sheet).render()
        self._templates.globals["style"] = Markup(style)  # noqa: S704  a file of ours, not a value
        self._headers = _headers(style, policy)
        #: One answer for every path and token that means nothing, whatever the reason: nothing can be learnt from it.
        self.not_found = self.render("not-found.html", status=404)
        self.wrong_method = self.render("wrong-method.html", status=405, allow="GET, HEAD")
        self.unavailable = self.render("unavailable.html", status=503, retry_after="5", refresh="5")
        self.too_large = self.render("too-large.html", status=413)
        self.failed = self.render("failed.html", status=500)

    def html(self, name: str, **values: object) -> str:
        """A template with its values."""
        return self._templates.get_template(name).render(**values)

    def render(self, name: str, *, status: int = 200, values: dict[str, Any] | None = None, **headers: str) -> Response:
        """A page as an answer; further headers are named as arguments (`retry_after`)."""
        named = {header.replace("_", "-"): value for header, value in headers.items()}
        return Response(
            self.html(name, **(values or {})),
            status_code=status,
            media_type="text/html",
            headers={**self._headers, **named},
        )

    def of_status(self, request: Request, error: Exception) -> Response:
        """The page for an error that the routing itself answers."""
        status = getattr(error, "status_code", 500)
        if isinstance(error, HTTPException) and status == 405:
            allowed = (error.headers or {}).get("Allow", "GET, HEAD").split(", ")
            return self.render("wrong-method.html", status=405, allow=", ".join(sorted(allowed)))
        return {404: self.not_found, 413: self.too_large}.get(status, self.failed)


def _headers(style: str, further: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    if further:
        policy = f"{policy}; {further}"
    return {
        "content-security-policy": f"{policy}; frame-ancestors 'none'",
        **GUARDS,
        "cache-control": "no-store",
    }


#: What every answer to a browser carries.
GUARDS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
}
