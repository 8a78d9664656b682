"""A content's number is the same whenever it is computed, and another for everything that readers would notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from outreach.message import compile, content
from outreach.message.compiled import Compiled
from outreach.message.template import Layout
from tests.message import mail


def at(date: datetime, **changes: str) -> Compiled:
    subject = changes.get("subject", "News for {{ name | fallback('you') }}")
    read = mail.article(changes.get("body", mail.BODY), subject=subject)
    layout = Layout("plain", {"layout.html": mail.HTML, "layout.css": mail.CSS})
    return compile.campaign(read, layout, mail.identity(subject=subject), date=date, tracked=True)


def test_the_date_is_no_part_of_it_and_nothing_else_is_left_out() -> None:
    one, other = at(mail.DATE), at(datetime(2031, 12, 24, 23, 59, 59, tzinfo=UTC))
    assert one.to_bytes() != other.to_bytes()
    assert content.digest(one) == content.digest(other)
    for subject in ("Plain", "Ümläut", "News for {{ name }}"):
        assert content.digest(at(mail.DATE, subject=subject)) == content.digest(at(other_day(), subject=subject))
        assert content.digest(at(mail.DATE, subject=subject)) != content.digest(one)


def test_a_line_of_the_body_that_looks_like_a_date_counts() -> None:
    one, other = (at(mail.DATE, body=f"Hello\n\n    Date: {day}\n\n{mail.BODY}") for day in ("Monday", "Tuesday"))
    assert content.digest(one) != content.digest(other)


def test_it_is_the_same_after_it_was_stored() -> None:
    made = at(mail.DATE)
    assert content.digest(Compiled.from_bytes(made.to_bytes())) == content.digest(made)


def test_what_varies_by_reader_counts_by_what_it_is_made_of() -> None:
    varying = mail.BODY + "\n\n{% if city == 'Berlin' %}Near{% else %}Far{% endif %}"
    one = at(mail.DATE, body=varying)
    assert one.scene is not None
    assert content.digest(one) == content.digest(at(other_day(), body=varying))
    assert content.digest(one) != content.digest(at(mail.DATE, body=varying.replace("Berlin", "Bonn")))


def test_looking_changes_nothing() -> None:
    made = at(mail.DATE)
    before = replace(made)
    content.digest(made)
    assert made == before


def other_day() -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC)
