"""Tracked links: exactly there, counted first, and one answer for whatever is not ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from outreach.errors import DatabaseUnavailable
from outreach.store.database import Store, table_of
from outreach.store.deliveries import Delivery
from tests.web.conftest import FIREFOX, URLS

AGENT = {"User-Agent": FIREFOX}


def ask(client: Callable[..., Any], path: str, method: str = "GET", address: str = "192.0.2.1", **more: Any) -> Any:
    """One request, answered."""

    async def scene() -> httpx.Response:
        async with client(address) as http:
            answer: httpx.Response = await http.request(method, path, **more)
            return answer

    return asyncio.run(scene())


def test_a_link_leads_exactly_where_the_article_says(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    answer = ask(client, path("l", 1, 1), headers=AGENT)
    assert answer.status_code == 302
    assert answer.headers.raw[0] == (b"location", URLS[1].encode())
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content == b""
    assert "set-cookie" not in answer.headers
    assert [(hit.link_number, hit.judgement.value) for hit in hits()] == [(1, "human")]


def test_an_international_host_is_carried_in_a_labels(client: Callable[..., Any], path: Callable[..., str]) -> None:
    answer = ask(client, path("l", 1, 2), headers=AGENT)
    assert answer.headers["location"] == "https://xn--bcher-kva.example/%C3%A4"


def test_a_head_is_answered_alike_and_is_a_machine(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    got, headed = (ask(client, path("l", 1, 1), method, headers=AGENT) for method in ("GET", "HEAD"))
    assert (got.status_code, got.headers.raw) == (headed.status_code, headed.headers.raw)
    assert [(hit.judgement.value, hit.rule) for hit in hits()] == [("human", ""), ("machine", "head")]


@pytest.mark.parametrize(
    ("headers", "judged"),
    [
        (AGENT, ("human", "")),
        ({}, ("suspect", "no-agent")),
        ({"User-Agent": "curl/8.5.0"}, ("machine", "robot")),
        ({**AGENT, "Sec-Purpose": "prefetch;prerender"}, ("machine", "prefetch")),
        ({**AGENT, "X-Moz": "prefetch"}, ("machine", "prefetch")),
    ],
)
def test_what_a_request_shows_is_judged(
    client: Callable[..., Any],
    path: Callable[..., str],
    hits: Callable[[], list[Any]],
    *,
    headers: dict[str, str],
    judged: tuple[str, str],
) -> None:
    assert ask(client, path("l", 1, 1), headers=headers).status_code == 302
    assert [(hit.judgement.value, hit.rule) for hit in hits()] == [judged]


def test_whatever_is_not_ours_gets_one_uniform_answer_and_no_row(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    good = path("l", 1, 1)
    other = "A" if good[-1] != "A" else "B"
    paths = [
        good[:-1] + other,  # altered
        good[:-1],
        good + "A",
        good + "/",
        good.upper(),
        "/l/",
        "/l/x",
        "/l/%00%ff",
        "/l/" + path("u")[3:],  # a token for another purpose
        path("l", 4711, 1),  # no such delivery
        path("l", 0, 1),  # a test mail's
        path("l", 1, 99),  # no such link
        path("l", 1, 4),  # a destination with a password
        path("l", 1, 5),  # a destination that is no web address
        "/u/x",
        "/p/x",
        "/v/x",
        "/media/x.png",
        "/nowhere",
        "/",
    ]
    answers = {each: ask(client, each, headers=AGENT) for each in paths}
    assert {answer.status_code for answer in answers.values()} == {404}
    first = answers[paths[0]]
    different = [
        each
        for each, answer in answers.items()
        if (answer.headers.raw, answer.content) != (first.headers.raw, first.content)
    ]
    assert different == []
    assert hits() == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_and_leave_no_row(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]], method: str
) -> None:
    answer = ask(client, path("l", 1, 1), method, headers=AGENT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert hits() == []


def test_only_the_person_who_agreed_is_named(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    for delivery in (1, 2):
        ask(client, path("l", delivery, 1), headers=AGENT)
    assert [hit.delivery_id for hit in hits()] == [None, 2]
    assert FIREFOX not in str(hits())
    assert "192.0.2.1" not in str(hits())


def test_a_trusted_proxy_tells_the_client(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    """Two people behind our proxy are two clients; whoever else writes that header is one."""
    for peer, told in (("10.1.1.1", "198.51.100.1"), ("10.1.1.1", "198.51.100.2"), ("192.0.2.5", "198.51.100.1")):
        ask(client, path("l", 1, 1), address=peer, headers={**AGENT, "X-Forwarded-For": f"203.0.113.7, {told}"})
    assert len({hit.client for hit in hits()}) == 3


def test_concurrent_requests_share_commits_and_lose_nothing(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]], sqlite_store: Store
) -> None:
    commits = []
    sa.event.listen(sqlite_store.engine, "commit", commits.append)

    async def scene() -> list[int]:
        async with client() as http:
            paths = [path("l", n % 2 + 1, n % 3 + 1) for n in range(300)]
            answers = await asyncio.gather(*(http.get(each, headers=AGENT) for each in paths))
            return [answer.status_code for answer in answers]

    assert asyncio.run(scene()) == [302] * 300
    assert len(hits()) == 300
    assert len(commits) <= 10


def test_a_reader_who_goes_away_is_counted_and_holds_nobody_up(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]]
) -> None:
    async def scene() -> int:
        async with client() as http:
            leaving = asyncio.create_task(http.get(path("l", 1, 1), headers=AGENT))
            staying = asyncio.create_task(http.get(path("l", 1, 2), headers=AGENT))
            while not leaving.done() and not leaving.cancelled():
                await asyncio.sleep(0)
                leaving.cancel()
            answer: httpx.Response = await staying
            return answer.status_code

    assert asyncio.run(scene()) == 302
    assert 2 in [hit.link_number for hit in hits()]


def test_while_the_database_is_away_the_reader_is_asked_for_a_moment(
    client: Callable[..., Any],
    path: Callable[..., str],
    sqlite_store: Store,
    hits: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> Any:
        raise DatabaseUnavailable("it is away")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "reading", away)
        answer = ask(client, path("l", 1, 1), headers=AGENT)
        assert ask(client, "/healthz").status_code == 200
        assert ask(client, "/readyz").status_code == 503
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["refresh"]) == (503, "5", "5")
    assert hits() == []
    assert ask(client, "/readyz").status_code == 200
    assert ask(client, path("l", 1, 1), headers=AGENT).status_code == 302


def test_what_fails_in_itself_shows_a_page_and_no_traceback(
    client: Callable[..., Any], path: Callable[..., str], sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("a secret of the house")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_store, "reading", broken)
        answer = ask(client, path("l", 1, 1), headers=AGENT)
    assert answer.status_code == 500
    assert "our fault" in answer.text
    assert "secret" not in answer.text


def test_a_click_on_what_is_not_settled_yet_is_suspect(
    client: Callable[..., Any], path: Callable[..., str], hits: Callable[[], list[Any]], sqlite_store: Store
) -> None:
    with sqlite_store.writing() as session:
        session.execute(sa.update(table_of(Delivery)).values(state="claimed", sent_at=None, settled_at=None))
    ask(client, path("l", 1, 1), headers=AGENT)
    assert [(hit.judgement.value, hit.rule) for hit in hits()] == [("suspect", "too-soon")]
