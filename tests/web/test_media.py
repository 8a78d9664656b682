"""Pictures of mails: from their folder and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.test_redirect import ask

PNG = b"\x89PNG\r\n\x1a\n rest"


def test_a_picture_is_served_with_its_type_and_may_be_kept(client: Callable[..., Any], media: Path) -> None:
    (media / "logo-1.2.png").write_bytes(PNG)
    answer = ask(client, "/media/logo-1.2.png")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert "max-age" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = ask(client, "/media/logo-1.2.png", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_drawing_can_run_nothing(client: Callable[..., Any], media: Path) -> None:
    (media / "seal.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    answer = ask(client, "/media/seal.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/media/",
        "/media/none.png",
        "/media/../secret.key",
        "/media/..%2fsecret.png",
        "/media/%2e%2e/secret.png",
        "/media/%2fetc%2fpasswd",
        "/media/..%5csecret.png",
        "/media/.hidden.png",
        "/media/notes.txt",
        "/media/folder.png",
        "/media/a%00.png",
        "/media/sub/logo.png",
    ],
)
def test_nothing_else_is(client: Callable[..., Any], media: Path, path: str) -> None:
    for file in (media / "notes.txt", media / ".hidden.png", media.parent / "secret.png", media.parent / "secret.key"):
        file.write_text("x")
    (media / "folder.png").mkdir()
    (media / "sub").mkdir()
    (media / "sub" / "logo.png").write_bytes(PNG)
    assert ask(client, path).status_code == 404
