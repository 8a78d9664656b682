"""What readers leave behind: nothing in their browser, and in the database neither address nor browser of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from outreach.store.database import Store
from tests.web.test_redirect import ask

CLIENT = "198.51.100.77"
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 Telltale/7",
    "Referer": "https://webmail.example/inbox/telltale",
    "Accept-Language": "xx-telltale",
    "Cookie": "known=telltale",
}
EVERYWHERE = ["l", "u", "p", "v", "nowhere", "media", "healthz", "readyz"]


def opened(client: Callable[..., Any], path: Callable[..., str], kind: str, method: str = "GET", **more: Any) -> Any:
    """The answer of one kind of path to a browser that tells much of itself."""
    paths = {"nowhere": "/l/nothing", "media": "/media/none.png", "healthz": "/healthz", "readyz": "/readyz"}
    where = paths.get(kind) or path(kind, 1, 1 if kind == "l" else 0)
    return ask(client, where, method, address=CLIENT, headers=HEADERS, **more)


def dump(store: Store) -> str:
    """Every row of every table."""
    with store.reading() as session:
        names = sa.inspect(session.connection()).get_table_names()
        return "\n".join(str(row) for name in names for row in session.execute(sa.text(f'SELECT * FROM "{name}"')))


@pytest.mark.parametrize("kind", EVERYWHERE)
def test_nothing_is_kept_in_the_browser(client: Callable[..., Any], path: Callable[..., str], kind: str) -> None:
    assert "set-cookie" not in opened(client, path, kind).headers


@pytest.mark.parametrize("kind", [kind for kind in EVERYWHERE if kind != "l"])
def test_whatever_a_browser_shows_may_load_nothing_from_elsewhere(
    client: Callable[..., Any], path: Callable[..., str], kind: str
) -> None:
    policy = opened(client, path, kind).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "*" not in policy


def test_the_database_keeps_neither_address_nor_browser_of_anybody(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store
) -> None:
    for kind in ("l", "u", "p", "v"):
        opened(client, path, kind)
    opened(client, path, "p", "POST", data={"tracking": "on"})
    opened(client, path, "l")
    opened(client, path, "u", "POST", data={"List-Unsubscribe": "One-Click"})
    kept = dump(sqlite_store).casefold()
    assert "one-click" in kept
    for told in (CLIENT, "telltale", "firefox", "webmail.example"):
        assert told not in kept


def test_a_click_without_consent_names_nobody_and_one_with_consent_the_delivery(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    opened(client, path, "l")
    opened(client, path, "p", "POST", data={"tracking": "on"})
    opened(client, path, "l")
    assert [hit.delivery_id for hit in hits()] == [None, 1]
    opened(client, path, "p", "POST", data={"tracking": "off"})
    opened(client, path, "l")
    assert [hit.delivery_id for hit in hits()] == [None, None, None]
