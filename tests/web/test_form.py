"""Forms: little is read, not for long, and nothing that could break a header."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from outreach.web import form


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=2&a=3", {"a": "1", "b": "2"}),
        (b"a=", {"a": ""}),
        (b"", {}),
        (b"no form at all", {"no form at all": ""}),
        (b"%ff%fe=%00", {"��": "\x00"}),
        (b"&".join(b"a=1" for _ in range(100)), {}),
        (b"\xff\xd8", {"\ufffd\ufffd": ""}),
    ],
)
def test_the_first_of_each_field_is_read(body: bytes, fields: dict[str, str]) -> None:
    assert form.parsed(body) == fields


@pytest.mark.parametrize("value", ["", "Zoë", "نام\u200cکوچک", "a b", "m•••", "x" * 200])
def test_a_line_is_a_line_in_any_script(value: str) -> None:
    assert form.line({"name": f" {value} "}, "name") == value


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\x00", "\x7f", "a\x85b", "a\u2028b", "\t", "�", "x" * 201])
def test_what_is_no_line_is_refused(value: str) -> None:
    with pytest.raises(HTTPException) as refusal:
        form.line({"name": value}, "name")
    assert refusal.value.status_code == 400


def test_a_field_that_was_not_sent_is_empty() -> None:
    assert form.line({}, "name") == ""


def test_a_form_that_never_ends_is_given_up(
    app: Starlette, path: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form, "SLOWEST", 0.01)
    said: list[Any] = []

    async def wait_for_ever() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": path("u"), "headers": [], "query_string": b""}
    asyncio.run(app(scope, wait_for_ever, send))
    assert said[0]["status"] == 408
    assert b"That took too long" in said[1]["body"]
