"""The pace: rates as people write them, and a bucket that keeps to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.timing.pace import Bucket, Rate


@pytest.mark.parametrize(
    ("text", "per_second"), [("50/s", 50), ("3000/m", 50), ("7200/h", 2), ("86400/d", 1), (" 10 / Second", 10)]
)
def test_a_rate_is_written_per_unit_of_time(text: str, per_second: float) -> None:
    assert Rate.parse(text).per_second == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/week", "fast"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="50/s"):
        Rate.parse(text)


def test_a_bucket_gives_one_at_once_and_then_keeps_the_pace() -> None:
    bucket = Bucket(Rate(2, 1), now=0)
    assert [bucket.take(now) for now in (0, 0, 0.4, 0.5, 0.9, 1.0)] == [True, False, False, True, False, True]


def test_a_pause_is_not_made_up_for_by_a_flood() -> None:
    bucket = Bucket(Rate(10, 1), now=0)
    assert sum(bucket.take(3600) for _ in range(100)) == 10


def test_a_slow_rate_says_how_long_to_wait() -> None:
    bucket = Bucket(Rate(6, 60), now=0)
    assert bucket.take(0)
    assert bucket.wait(0) == pytest.approx(10)
    assert not bucket.take(9.9)
    assert bucket.take(10)


def test_a_token_that_was_not_used_comes_back() -> None:
    bucket = Bucket(Rate(1, 1), now=0)
    assert bucket.take(0)
    bucket.put_back()
    assert bucket.take(0)
    assert not bucket.take(0)


@given(st.floats(0.01, 1000), st.lists(st.floats(0, 5), max_size=200))
def test_never_more_leave_than_the_rate_allows(per_second: float, steps: list[float]) -> None:
    bucket, now, taken = Bucket(Rate(per_second, 1), now=0), 0.0, 0
    for step in steps:
        now += step
        taken += bucket.take(now)
    assert taken <= max(1.0, per_second) + per_second * now + 1e-3
