"""What do readers see? Pages from `templates/pages/`, every one with the same strict headers, in their language.

A page loads nothing from elsewhere: its style stands in it and is allowed by its hash, there is no script, no cookie;
the one picture there can be is the publisher's own, from `/media/`. The path holds a token, so no page may be kept,
indexed, framed, or named to another site.

There is no session, so there is nothing that a forged request could ride on (CSRF): a form acts on the person whose
token stands in the path, a capability that another site cannot know, and the browser adds nothing to it. What comes
with a session one day needs a token of its own in each form.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from outreach.language import Language, Languages, accepted
from outreach.web.brand import Brand


class Pages:
    """The pages of one installation, from its own template folder and then the shipped one."""

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        sheet: str = "page.css",
        policy: str = "",
        languages: Languages | None = None,
        brand: Brand | None = None,
        base: str = "",
    ) -> None:
        """Pages with the style of `sheet`; `policy` is what they need beyond it, in Content-Security-Policy's words.

        `base` is the path that our own paths begin with, where readers reach us below one.
        """
        self.languages = languages or Languages()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.newstyle_gettext = True  # type: ignore[attr-defined]
        self._templates.policies["ext.i18n.trimmed"] = True
        brand = brand or Brand()
        self._templates.globals.update(brand=brand, base=base)
        style = self._templates.get_template(sheet).render()
        self._templates.globals["style"] = Markup(style)  # noqa: S704  a file of ours, not a value
        pictures = "img-src 'self'" if brand.logo else ""
        self._headers = _headers(style, "; ".join(filter(None, [pictures, policy])))
        #: One answer for every path and token that means nothing, whatever the reason: nothing can be learnt from it.
        self.not_found = self._fixed("not-found.html", status=404)
        self.wrong_method = self._fixed("wrong-method.html", status=405, allow="GET, HEAD")
        self.unavailable = self._fixed("unavailable.html", status=503, retry_after="5", refresh="5")
        self.not_understood = self._fixed("not-understood.html", status=400)
        self.too_slow = self._fixed("too-slow.html", status=408)
        self.too_large = self._fixed("too-large.html", status=413)
        self.failed = self._fixed("failed.html", status=500)

    def html(self, name: str, **values: object) -> str:
        """A template with its values, in English."""
        return self._html(name, self.languages.best(()), values)

    def render(
        self,
        name: str,
        *,
        status: int = 200,
        values: dict[str, Any] | None = None,
        wishes: Iterable[str] = (),
        **headers: str,
    ) -> Response:
        """A page as an answer, in the language that the wishes lead to; headers are arguments (`retry_after`)."""
        return self._answer(name, status, values or {}, self.languages.best(wishes), headers)

    def of_status(self, request: Request, error: Exception) -> Response:
        """The page for an error that the routing itself answers."""
        status = getattr(error, "status_code", 500)
        if isinstance(error, HTTPException) and status == 405:
            allowed = ", ".join(sorted((error.headers or {}).get("Allow", "GET, HEAD").split(", ")))
            if request.method == "OPTIONS":  # what may be done here is told, and nothing else (RFC 9110, 9.3.7)
                return Response(status_code=204, headers={**GUARDS, "allow": allowed, "cache-control": "no-store"})
            return self.render("wrong-method.html", status=405, wishes=wishes(request), allow=allowed)
        known = {400: self.not_understood, 404: self.not_found, 408: self.too_slow, 413: self.too_large}
        return known.get(status, self.failed)

    def fragment(self, name: str, values: Mapping[str, Any], *, wishes: Iterable[str]) -> str:
        """A piece of HTML, in the language that the wishes lead to."""
        return self._html(name, self.languages.best(wishes), values)

    def _fixed(self, name: str, *, status: int, **headers: str) -> Response:
        """A page that says the same to everybody, made once in each language."""
        languages = [self.languages.best([tag]) for tag in self.languages.tags]
        made = {language.tag: self._answer(name, status, {}, language, headers) for language in languages}
        return _InEveryLanguage(made, self.languages)

    def _answer(
        self, name: str, status: int, values: Mapping[str, Any], language: Language, headers: Mapping[str, str]
    ) -> Response:
        named = {header.replace("_", "-"): value for header, value in headers.items()}
        spoken = {"content-language": language.tag, "vary": "accept-language"}
        return Response(
            self._html(name, language, values),
            status_code=status,
            media_type="text/html",
            headers={**self._headers, **spoken, **named},
        )

    def _html(self, name: str, language: Language, values: Mapping[str, Any]) -> str:
        return self._templates.get_template(name).render({**_words(language), **values})


class _InEveryLanguage(Response):
    """An answer that was made in every language; in itself it is the English one."""

    def __init__(self, answers: Mapping[str, Response], languages: Languages) -> None:
        first = answers[languages.tags[0]]
        super().__init__(first.body, first.status_code, media_type="text/html", headers=dict(first.headers))
        self._answers = answers
        self._languages = languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wished = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
        language = self._languages.best(accepted(wished.decode("latin-1")))
        await self._answers[language.tag](scope, receive, send)


def wishes(request: Request, *known: str) -> list[str]:
    """The languages that somebody wants to read, the dearest first: what we know of them, then what they ask for."""
    return [*filter(None, known), *accepted(",".join(request.headers.getlist("accept-language")))]


def _words(language: Language) -> dict[str, Any]:
    """What templates need in order to speak a language."""

    def gettext(text: str, /, **values: Any) -> Markup:
        return Markup(language.say(text)) % values  # noqa: S704  values are escaped, the text is a template's

    def ngettext(one: str, many: str, n: int, /, **values: Any) -> Markup:
        return Markup(language.form(one, many, n)) % {"num": n, **values}  # noqa: S704

    words: dict[str, Callable[..., Any]] = {"gettext": gettext, "ngettext": ngettext, "_": gettext}
    return {**words, "language": language.tag, "direction": language.direction, "day": language.date}


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
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
