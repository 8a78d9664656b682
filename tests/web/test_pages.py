"""Pages: strict headers on every one, nothing from elsewhere, and words that a template cannot be broken with."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

from outreach import config
from outreach.store.database import Store, table_of
from outreach.store.lists import MailingList
from outreach.web.pages import Pages
from tests.web.test_redirect import ask

SHIPPED = config.shipped("templates") / "pages"


@pytest.mark.parametrize("kind", ["u", "p", "nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_page_is_guarded(client: Callable[..., Any], path: Callable[..., str], kind: str, method: str) -> None:
    answer = ask(client, "/nowhere" if kind == "nowhere" else path(kind), method)
    headers = answer.headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy


def test_the_policy_allows_the_style_that_stands_in_the_page(
    client: Callable[..., Any], path: Callable[..., str]
) -> None:
    answer = ask(client, path("u"))
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("kind", ["u", "p"])
def test_a_page_loads_nothing_and_reads_well(client: Callable[..., Any], path: Callable[..., str], kind: str) -> None:
    page = lxml.html.fromstring(ask(client, path(kind)).text)
    assert page.get("lang") == "en"
    assert page.xpath("//title/text()")
    assert len(page.xpath("//main")) == len(page.xpath("//h1")) == 1
    assert page.xpath("//meta[@name='viewport']")
    assert page.xpath("//script | //link | //img | //iframe | //@style") == []


def test_a_list_title_is_text(client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store) -> None:
    with sqlite_store.writing() as session:
        session.execute(sa.update(table_of(MailingList)).values(title="<img src=x onerror=alert(1)>&"))
    for kind in ("u", "p"):
        page = lxml.html.fromstring(ask(client, path(kind)).text)
        assert page.xpath("//img") == []
        assert "<img src=x onerror=alert(1)>&" in page.text_content()


def test_one_s_own_template_wins(tmp_path: Path) -> None:
    (tmp_path / "not-found.html").write_text("Not here, says {{ 1 + 1 }}")
    pages = Pages((tmp_path, SHIPPED))
    assert pages.not_found.body == b"Not here, says 2"
    assert b"<!doctype html>" in bytes(pages.unavailable.body)
