"""Soft bounces in a row: what counts, what ends a row, and what says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outreach.replies import softness
from outreach.replies.softness import Past

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def past(letter: str, days: float) -> Past:
    """s: soft; t: taken, without a report; d: reported as delivered; x: it says nothing."""
    return Past(NOW - days * DAY, soft=letter == "s", delivered=letter == "d", taken=letter in "td")


@pytest.mark.parametrize(
    ("newest_first", "n"),
    [
        ("", 0),
        ("s", 1),
        ("sss", 3),
        ("sxs", 2),
        ("xss", 2),
        ("sds", 1),
        ("ds", 0),
        ("stssss", 5),  # the taken one is a day old: nobody knows yet
        ("sxxxxxts", 1),  # this one is six days old: it arrived
        ("xxxxts", 1),  # four days and some hours: not yet
        ("xxxxxts", 0),
    ],
)
def test_a_row_is_counted_from_the_newest_back(newest_first: str, n: int) -> None:
    pasts = [past(letter, index + 0.1) for index, letter in enumerate(newest_first)]
    assert softness.in_a_row(pasts, now=NOW) == n


def test_what_was_sent_before_the_person_confirmed_does_not_count() -> None:
    pasts = [past("s", days) for days in (1, 2, 3, 4)]
    assert softness.in_a_row(pasts, now=NOW, confirmed_at=NOW - 2.5 * DAY) == 2
    assert softness.in_a_row(pasts, now=NOW, confirmed_at=NOW) == 0


@pytest.mark.parametrize(
    ("status", "of_mailbox", "counts"),
    [
        ("5.2.2", True, True),
        ("4.2.2", True, True),
        ("5.2.1", True, True),
        ("5.2.0", True, True),
        ("4.4.1", True, True),
        ("4.1.1", True, True),
        ("5.1.0", True, True),
        ("5.2.3", False, False),  # too large for the mailbox: the message's fault
        ("5.1.7", False, False),  # the return path was refused
        ("5.1.8", False, False),
        ("5.1.10", True, True),
        ("5.3.4", False, False),
        ("5.5.0", False, False),
        ("5.6.0", False, False),
        ("5.7.1", False, False),  # a blocklist, a policy
        ("4.7.1", False, False),
        ("5.0.0", False, True),
        (None, False, True),
        ("2.0.0", False, False),
        ("nonsense", False, False),
    ],
)
def test_only_what_speaks_of_the_mailbox_counts(status: str | None, of_mailbox: bool, counts: bool) -> None:
    assert (softness.is_of_mailbox(status), softness.counts(status)) == (of_mailbox, counts)


@pytest.mark.parametrize(
    ("status", "words", "counts"),
    [
        (None, "550 Blocked - see https://example.org/blocklist", False),
        ("5.0.0", "554 rejected as SPAM", False),
        (None, "our policy forbids it", False),
        (None, "mailbox full", True),
        ("5.0.0", "", True),
        ("5.2.2", "full of spam", True),  # the status outranks the words
    ],
)
def test_without_a_status_the_words_decide(status: str | None, words: str, counts: bool) -> None:
    assert softness.counts(status, words) is counts
