"""The ways out: shares by weight, stand-ins, permits that neither get lost nor flood."""

from __future__ import annotations

from collections import Counter

import pytest

from outreach.timing.pace import Limit
from outreach.timing.ways import VOID_AFTER, Shares, Way, Ways

BIG, SMALL, SPARE = Way("big:25", 3), Way("small:25", 1), Way("spare:25", 0)
RATED = Way("rated:25", 1, Limit.parse("10/s"))


def served(shares: Shares, count: int, *ways: Way) -> Counter[str]:
    found: Counter[str] = Counter()
    for _ in range(count):
        way = shares.next(ways)
        shares.serve(way)
        found[way.name] += 1
    return found


def test_each_gets_its_share_by_weight() -> None:
    assert served(Shares(), 400, BIG, SMALL) == {"big:25": 300, "small:25": 100}


def test_who_was_absent_does_not_make_up_for_it() -> None:
    shares = Shares()
    served(shares, 300, BIG)
    shares.catch_up(SMALL, [BIG])
    assert served(shares, 40, BIG, SMALL)["small:25"] == pytest.approx(10, abs=1)


def test_a_lead_is_what_one_is_ahead_of_the_last() -> None:
    shares = Shares()
    shares.serve(SMALL)
    assert (shares.lead(SMALL, (SMALL, BIG)), shares.lead(BIG, (SMALL, BIG)), shares.lead(SMALL, ())) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("away", "in_use"),
    [
        ([], [BIG, SMALL]),
        ([BIG], [SMALL]),
        ([BIG, SMALL], [SPARE]),
        ([BIG, SMALL, SPARE], [BIG, SMALL]),  # those that are tried
    ],
)
def test_one_that_stands_by_is_used_while_the_others_are_away(away: list[Way], in_use: list[Way]) -> None:
    ways = Ways([BIG, SMALL, SPARE])
    for way in away:
        ways.set_away(way.name, True)
    assert list(ways.in_use()) == in_use


def test_a_message_leaves_at_the_time_of_its_permit() -> None:
    ways = Ways([RATED, BIG])
    assert (ways.wait("big:25", 5.0), ways.wait("rated:25", 5.0)) == (0.0, None)
    ways.permit("rated:25", [5.5, 5.6])
    assert ways.wait("rated:25", 5.0) == 0.5
    ways.use("rated:25")
    assert ways.wait("rated:25", 5.6) == 0.0
    ways.use("rated:25")
    assert ways.wait("rated:25", 5.6) is None
    ways.put_back("rated:25", 5.6)
    assert ways.wait("rated:25", 5.6) == 0.0


def test_permits_that_nobody_used_become_void_and_are_told_once() -> None:
    ways = Ways([RATED])
    ways.permit("rated:25", [1.0, 1.1, 9.0])
    assert ways.wait("rated:25", 1.2 + VOID_AFTER) == pytest.approx(9.0 - 1.2 - VOID_AFTER)
    assert (ways.unused(), ways.unused()) == ({"rated:25": 2}, {})
