"""When a campaign stops itself: a table of tolls, and what a person's word changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.replies import toll
from outreach.replies.toll import StopRule, Toll

RULE = StopRule()
COUNTS = st.builds(Toll, *[st.integers(0, 10_000)] * 5)


@pytest.mark.parametrize(
    ("found", "since", "stops"),
    [
        # too few to say anything
        (Toll(), None, False),
        (Toll(failed=499), None, False),
        (Toll(sent=100, complaints=100), None, False),
        # failures and hard bounces together
        (Toll(sent=450, failed=50), None, False),
        (Toll(sent=449, failed=51), None, True),
        (Toll(sent=449, bounced=51), None, True),
        (Toll(sent=449, failed=26, bounced=25), None, True),
        (Toll(failed=500), None, True),
        # a doubt is no failure, but it is an end
        (Toll(sent=400, unknown=100), None, False),
        (Toll(sent=400, failed=49, unknown=100), None, False),
        # complaints have their own share
        (Toll(sent=1000, complaints=3), None, False),
        (Toll(sent=1000, complaints=4), None, True),
        (Toll(sent=500, failed=10, complaints=2), None, True),
        # after a person said "go on", what was before does not stop it again
        (Toll(sent=449, failed=51), Toll(sent=449, failed=51), False),
        (Toll(sent=900, failed=100), Toll(sent=449, failed=51), False),
        (Toll(sent=949, failed=51), Toll(sent=449, failed=51), False),
        (Toll(sent=849, failed=151), Toll(sent=449, failed=51), True),
        # ... and late complaints about the mail of before are not compared with the little that came after
        (Toll(sent=100_500, complaints=310), Toll(sent=100_000, complaints=301), False),
        (Toll(sent=100_500, complaints=603), Toll(sent=100_000, complaints=301), True),
    ],
)
def test_what_stops_a_campaign(found: Toll, since: Toll | None, stops: bool) -> None:
    assert (toll.reason(found, RULE, since=since) is not None) is stops


def test_the_reason_holds_the_figures() -> None:
    assert toll.reason(Toll(sent=1400, failed=100, bounced=125), RULE) == (
        "225 of 1,625 messages failed or bounced (13.8%, the limit is 10%)"
    )
    assert toll.reason(Toll(sent=2000, complaints=9), RULE, since=Toll()) == (
        "9 readers complained since it was resumed, of 2,000 messages that are out (0.45%, the limit is 0.3%)"
    )


@given(COUNTS, COUNTS)
def test_a_hundred_percent_never_stops_anything(found: Toll, since: Toll) -> None:
    rule = StopRule(share=1.0, complaints=1.0, after=1)
    fewer = Toll(found.sent, found.failed, found.bounced, found.unknown, min(found.complaints, found.sent))
    assert toll.reason(fewer, rule) is None


@given(COUNTS)
def test_nothing_stops_at_the_toll_that_a_person_has_seen(found: Toll) -> None:
    assert toll.reason(found, StopRule(after=1), since=found) is None


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.3 %", 0.003), (" 100% ", 1.0)])
def test_a_share_is_a_percentage(text: str, share: float) -> None:
    assert toll.share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["10", "0.1", "0%", "101%", "-5%", "ten %", ""])
def test_what_is_no_share_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="such as 10%"):
        toll.share(text)
