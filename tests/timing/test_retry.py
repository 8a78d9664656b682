"""Retries double their wait, keep to the longest, and end at the deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.timing.retry import RetryPlan, next_attempt

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def attempts_of(plan: RetryPlan) -> list[timedelta]:
    """When attempts are made, if each is deferred at once."""
    at: datetime | None = START
    made: list[timedelta] = []
    while at is not None:
        made.append(at - START)
        at = next_attempt(len(made), first_at=START, now=at, plan=plan)
    return made


def test_the_wait_doubles_up_to_the_longest_and_ends_at_the_deadline() -> None:
    plan = RetryPlan(timedelta(minutes=30), 2 * HOUR, 8 * HOUR)
    assert [made / HOUR for made in attempts_of(plan)] == [0, 0.5, 1.5, 3.5, 5.5, 7.5, 8]


def test_after_the_deadline_it_is_given_up() -> None:
    plan = RetryPlan(deadline=HOUR)
    assert next_attempt(1, first_at=START, now=START + HOUR, plan=plan) is None
    assert next_attempt(1, first_at=START, now=START + 9 * HOUR, plan=plan) is None


def test_no_patience_at_all_gives_up_at_once() -> None:
    assert next_attempt(1, first_at=START, now=START, plan=RetryPlan(deadline=timedelta(0))) is None


@pytest.mark.parametrize("attempts", [1, 40, 10_000])
def test_any_number_of_attempts_has_an_answer(attempts: int) -> None:
    plan = RetryPlan(first=timedelta(days=3), longest=timedelta(days=4), deadline=timedelta(days=999))
    at = next_attempt(attempts, first_at=START, now=START, plan=plan)
    assert at is not None
    assert at - START <= plan.longest


@given(
    st.integers(0, 100),
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_the_next_attempt_lies_ahead_and_not_behind_the_deadline(
    attempts: int, gone: timedelta, first: timedelta, longest: timedelta, deadline: timedelta
) -> None:
    now = START + gone
    at = next_attempt(attempts, first_at=START, now=now, plan=RetryPlan(first, longest, deadline))
    if at is None:
        assert gone >= deadline
    else:
        assert now < at <= START + deadline
