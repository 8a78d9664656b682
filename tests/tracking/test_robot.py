"""Person or machine: what a single hit shows, and what a burst of them gives away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.tracking import robot
from outreach.tracking.robot import Judgement, Signs

ACCEPTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; Microsoft Outlook 16.0.5266; ms-office; "
    "MSOffice 16)"
)


@pytest.mark.parametrize(
    ("signs", "seconds", "judgement", "rule"),
    [
        (Signs(agent=FIREFOX), 3, "human", ""),
        (Signs(agent=CHROME), 43, "human", ""),
        (Signs(agent=IPHONE), 86_400, "human", ""),
        (Signs(agent=OUTLOOK), 60, "human", ""),
        (Signs(agent="Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12026; Pro)"), 60, "human", ""),
        (Signs(agent=FIREFOX), 2, "suspect", "too-soon"),
        (Signs(agent=FIREFOX), 0.1, "suspect", "too-soon"),
        (Signs(agent=FIREFOX), -1, "suspect", "too-soon"),
        (Signs(agent=FIREFOX), 2.001, "human", ""),
        (Signs(agent=""), 60, "suspect", "no-agent"),
        (Signs(agent="  "), 60, "suspect", "no-agent"),
        (Signs(agent=FIREFOX, head=True), 60, "machine", "head"),
        (Signs(agent="", head=True), 60, "machine", "head"),
        (Signs(agent=FIREFOX, prefetch=True), 60, "machine", "prefetch"),
        (Signs(agent="Googlebot/2.1 (+http://www.google.com/bot.html)"), 60, "machine", "robot"),
        (Signs(agent="curl/8.5.0"), 1, "machine", "robot"),
        (Signs(agent="python-requests/2.32"), 60, "machine", "robot"),
        (Signs(agent="Microsoft Office Existence Discovery"), 60, "machine", "robot"),
        (Signs(agent="Barracuda Sentinel (EE)"), 60, "machine", "robot"),
    ],
)
def test_a_single_hit_is_judged(signs: Signs, seconds: float, judgement: str, rule: str) -> None:
    verdict = robot.judge(signs, at=ACCEPTED + timedelta(seconds=seconds), accepted_at=ACCEPTED)
    assert (verdict.judgement, verdict.rule) == (Judgement(judgement), rule)


def test_a_hit_on_what_is_not_settled_yet_is_suspect() -> None:
    assert robot.judge(Signs(agent=FIREFOX), at=ACCEPTED, accepted_at=None) == robot.SOON


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ({"purpose": "prefetch"}, True),
        ({"sec-purpose": "prefetch;prerender"}, True),
        ({"sec-purpose": "PREFETCH"}, True),
        ({"x-moz": "prefetch"}, True),
        ({"x-purpose": "preview"}, True),
        ({"purpose": "shopping"}, False),
        ({"accept": "prefetch"}, False),
        ({}, False),
    ],
)
def test_a_prefetch_header_is_seen(headers: dict[str, str], ahead: bool) -> None:
    assert robot.is_prefetch(headers) == ahead


def test_a_long_agent_costs_no_more_than_a_short_one_and_hides_nothing_in_front() -> None:
    assert robot.is_robot("Googlebot/2.1 " + "x" * 1_000_000)
    assert not robot.is_robot(FIREFOX + " " * 10_000 + "bot")


def _hits(*rows: tuple[float, str, str | None, int]) -> list[tuple[datetime, str, str | None, int]]:
    return [(ACCEPTED + timedelta(seconds=at), reader, client, link) for at, reader, client, link in rows]


@pytest.mark.parametrize(
    ("rows", "burst"),
    [
        # three links of one message within two seconds, whoever asks: the earlier ones too
        ([(0, "m", "a", 1), (1, "m", "b", 2), (2, "m", "c", 3)], [True, True, True]),
        ([(0, "m", "a", 1), (1, "m", "b", 2), (2.001, "m", "c", 3)], [False, False, False]),
        # a person who clicks one link again and again
        ([(0, "m", "a", 1), (0.5, "m", "a", 1), (1, "m", "a", 1), (1.5, "m", "a", 2)], [False] * 4),
        # one client across messages
        ([(0, "m", "a", 1), (1, "n", "a", 1), (2, "o", "a", 1)], [True, True, True]),
        ([(0, "m", "a", 1), (1, "n", "b", 1), (2, "o", "c", 1)], [False, False, False]),
        ([(0, "m", None, 1), (1, "n", None, 1), (2, "o", None, 1)], [False, False, False]),
        # what goes before and after the window stays as it was
        ([(0, "m", "a", 9), (5, "m", "a", 1), (5, "m", "a", 2), (5, "m", "a", 3), (9, "m", "a", 1)],
         [False, True, True, True, False]),
        # a burst that is only seen while the window slides
        ([(0, "m", "a", 1), (1.9, "m", "a", 2), (2.1, "m", "a", 3), (3.8, "m", "a", 4)], [False, True, True, True]),
        # the same link again inside a burst
        ([(0, "m", "a", 1), (0, "m", "a", 1), (1, "m", "a", 2), (1, "m", "a", 3)], [True] * 4),
    ],
)  # fmt: skip
def test_bursts_are_found_and_folded_back(rows: list[tuple[float, str, str | None, int]], burst: list[bool]) -> None:
    assert robot.sweep(_hits(*rows)) == burst


hits = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda tenths: tenths / 2),
        st.sampled_from("mn"),
        st.sampled_from(["a", "b", None]),
        st.integers(1, 4),
    ),
    max_size=14,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(hits)
def test_the_sweep_finds_what_trying_every_window_finds(rows: list[tuple[float, str, str | None, int]]) -> None:
    expected = [False] * len(rows)
    for key in (lambda row: ("r", row[1]), lambda row: ("c", row[2])):
        for first in rows:
            window = [i for i, row in enumerate(rows) if key(row) == key(first) and first[0] <= row[0] <= first[0] + 2]
            distinct = {(rows[i][1], rows[i][3]) for i in window}
            if len(distinct) >= robot.BURST_LINKS and key(first) != ("c", None):
                expected = [old or i in window for i, old in enumerate(expected)]
    assert robot.sweep(_hits(*rows)) == expected


def test_a_crowd_behind_one_address_is_remembered_for_two_seconds_only() -> None:
    bursts: robot.Bursts[int] = robot.Bursts()
    for number in range(5_000):
        bursts.add(ACCEPTED + timedelta(seconds=number), reader=str(number), client=str(number), link=1, mark=number)
    assert len(bursts._groups) <= 6
