"""A campaign can be looked at from all sides before anybody gets it, and looking changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from outreach.actions import review, specimen
from outreach.actions.compose import Defaults
from outreach.errors import AddressError, NotFound, OutreachError, TransportError
from outreach.message.check import Severity
from outreach.replies.smtp import Reply, Stage
from outreach.store import campaigns, subscribers, suppressions
from outreach.store.database import Store
from outreach.store.lists import Tracking
from outreach.store.suppressions import SuppressionReason
from outreach.tracking.keys import KeyRing
from outreach.tracking.token import Opened, Purpose, TokenMaker
from outreach.transport.base import Outgoing
from outreach.transport.memory import Answer, MemoryTransport
from tests.actions.people import ARTICLE, LAYOUT, listed, made

DEFAULTS = Defaults(None, None, "1 Road, Town", None, "https://news.example.org")


@pytest.fixture
def tokens(keys: KeyRing) -> TokenMaker:
    """The maker that pages would read the tokens with."""
    return TokenMaker(keys)


def parsed(data: bytes) -> EmailMessage:
    """The message as the standard library reads it."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def preview(store: Store, tokens: TokenMaker, folder: Path, now: datetime, email: str | None = None) -> review.Preview:
    """A preview of the campaign `spring`."""
    return review.preview(store, "spring", folder=folder, email=email, defaults=DEFAULTS, tokens=tokens, now=now)


def test_a_preview_writes_the_mail_in_three_files(
    sqlite_store: Store, tokens: TokenMaker, tmp_path: Path, now: datetime
) -> None:
    made(sqlite_store, now)
    found = preview(sqlite_store, tokens, tmp_path / "out", now)
    assert [file.name for file in (found.html, found.text, found.message)] == [
        "spring.html",
        "spring.txt",
        "spring.eml",
    ]
    mail = specimen.opened(found.message.read_bytes())
    assert (mail.html, mail.text) == (found.html.read_text(), found.text.read_text())
    assert "Dear Alex Sample," in mail.text
    assert "https://example.org/quote?a=1&b=2" in mail.text
    assert "/l/" not in mail.text + mail.html


def test_a_preview_can_be_a_subscribers(sqlite_store: Store, tokens: TokenMaker, tmp_path: Path, now: datetime) -> None:
    made(sqlite_store, now)
    found = preview(sqlite_store, tokens, tmp_path, now, "PERSON0@spring-list.example.org")
    assert found.recipient == "person0@spring-list.example.org"
    assert "Dear Person 0," in found.text.read_text()
    with pytest.raises(NotFound):
        preview(sqlite_store, tokens, tmp_path, now, "nobody@example.org")


def test_a_preview_that_cannot_be_written_says_why(
    sqlite_store: Store, tokens: TokenMaker, tmp_path: Path, now: datetime
) -> None:
    made(sqlite_store, now)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutreachError, match="cannot be written"):
        preview(sqlite_store, tokens, tmp_path / "file", now)


def send_test(
    store: Store, tokens: TokenMaker, now: datetime, transport: MemoryTransport, *emails: str
) -> list[review.Tried]:
    """A test of the campaign `spring`."""
    facts = {"defaults": DEFAULTS, "tokens": tokens, "now": now, "return_path": "bounces@example.org"}
    return review.send_test(store, "spring", emails, transport=transport, **facts)


def test_a_test_mail_is_marked_plain_and_stamped_as_one(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)
    transport = MemoryTransport()
    (tried,) = send_test(sqlite_store, tokens, now, transport, "Boss@Example.com")
    assert tried == review.Tried("Boss@example.com", True, "250 2.0.0 queued")
    (sent,) = transport.accepted
    assert (sent.delivery_id, sent.return_path, sent.recipient) == (0, "bounces@example.org", "Boss@example.com")
    message = parsed(sent.message)
    assert message["Subject"] == "[Test] News for Alex Sample"
    assert message["To"] == "Alex Sample <Boss@example.com>"
    leave = str(message["List-Unsubscribe"]).removeprefix("<https://news.example.org/u/").removesuffix(">")
    assert tokens.read(Purpose.UNSUBSCRIBE, leave) == Opened(0)
    assert "/l/" not in specimen.opened(sent.message).html


def test_a_subscriber_gets_the_test_with_their_own_values(
    sqlite_store: Store, tokens: TokenMaker, now: datetime
) -> None:
    made(sqlite_store, now)
    transport = MemoryTransport()
    send_test(sqlite_store, tokens, now, transport, "person0@spring-list.example.org")
    assert parsed(transport.accepted[0].message)["Subject"] == "[Test] News for Person 0"


def test_each_address_of_a_test_has_its_own_answer(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)

    async def script(outgoing: Outgoing) -> Answer:
        if outgoing.recipient.startswith("gone"):
            return Stage.RCPT, Reply(550, "5.1.1", "no such user")
        return (Stage.BODY, None) if outgoing.recipient.startswith("lost") else (Stage.BODY, Reply(250, None, "ok"))

    tried = send_test(
        sqlite_store, tokens, now, MemoryTransport(script), "a@example.org", "gone@example.org", "lost@example.org"
    )
    assert [one.accepted for one in tried] == [True, False, False]
    assert [one.answer for one in tried][:2] == ["250 ok", "550 5.1.1 no such user"]
    assert len({one.answer for one in tried}) == 3


def test_a_test_to_a_suppressed_address_does_not_leave(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)
    with sqlite_store.writing() as session:
        suppressions.add(session, "gone@example.org", SuppressionReason.COMPLAINT, now=now)
    transport = MemoryTransport()
    (tried,) = send_test(sqlite_store, tokens, now, transport, "Gone@example.org")
    assert (tried.accepted, transport.begun) == (False, [])
    assert "suppressed (complaint)" in tried.answer


def test_a_wrong_address_stops_a_test_before_anything_is_sent(
    sqlite_store: Store, tokens: TokenMaker, now: datetime
) -> None:
    made(sqlite_store, now)
    transport = MemoryTransport()
    with pytest.raises(AddressError):
        send_test(sqlite_store, tokens, now, transport, "a@example.org", "not an address")
    assert transport.begun == []


def test_an_unreachable_relay_is_told(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)

    async def script(_: Outgoing) -> Answer:
        raise TransportError("The relay cannot be reached.")

    with pytest.raises(TransportError):
        send_test(sqlite_store, tokens, now, MemoryTransport(script), "a@example.org")


def test_looking_leaves_lists_and_figures_as_they_were(
    sqlite_store: Store, tokens: TokenMaker, tmp_path: Path, now: datetime
) -> None:
    number = made(sqlite_store, now)
    with sqlite_store.reading() as session:
        before = (campaigns.by_id(session, number).model_dump(), subscribers.sample(session, 1, 9))
    preview(sqlite_store, tokens, tmp_path, now)
    send_test(sqlite_store, tokens, now, MemoryTransport(), "a@example.org")
    faults(sqlite_store, tokens, now)
    with sqlite_store.reading() as session:
        after = (campaigns.by_id(session, number).model_dump(), subscribers.sample(session, 1, 9))
    assert [person.email for person in before[1]] == [person.email for person in after[1]]
    assert before[0] == after[0]


def faults(
    store: Store, tokens: TokenMaker, now: datetime, defaults: Defaults = DEFAULTS, severity: str = "error"
) -> list[str]:
    """The codes of what is wrong with the campaign `spring`."""
    found = review.check(store, "spring", defaults=defaults, tokens=tokens, now=now)
    assert sorted(found, key=lambda fault: fault.severity is not Severity.ERROR) == found
    return [fault.code for fault in found if fault.severity == severity]


def test_a_sound_campaign_has_no_faults(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)
    assert faults(sqlite_store, tokens, now) == []
    assert faults(sqlite_store, tokens, now, severity="warning") == []


@pytest.mark.parametrize(
    ("article", "layout", "codes"),
    [
        (ARTICLE.replace("sender: News <news@example.org>\n", ""), LAYOUT, ["no-sender"]),
        (ARTICLE.replace("https://example.org/quote?a=1&b=2", ""), LAYOUT, ["dead-link-role"]),
        (ARTICLE.replace("here is", "{{ article.titel }}"), LAYOUT, ["template"]),
        (ARTICLE.replace("here is", "{{ 1 +"), LAYOUT, ["article"]),
        (ARTICLE, LAYOUT.replace("{{ links.unsubscribe }}", "https://example.org/"), ["no-unsubscribe"]),
        (ARTICLE.replace("here is", "{{ clinic }}"), LAYOUT, ["missing-value"]),
        (ARTICLE.replace("here is", "{% if clinic %}{{ clinic }}{% endif %}"), LAYOUT, []),
        (ARTICLE.replace("here is", "word " * 21_000), LAYOUT, ["too-large"]),
        (
            ARTICLE.replace("sender: News <news@example.org>\n", "").replace("https://example.org/quote?a=1&b=2", ""),
            LAYOUT.replace("{{ links.unsubscribe }}", "https://example.org/"),
            ["no-sender", "no-unsubscribe", "dead-link-role"],
        ),
    ],
)
def test_each_fault_is_found(
    sqlite_store: Store, tokens: TokenMaker, now: datetime, *, article: str, layout: str, codes: list[str]
) -> None:
    made(sqlite_store, now, article=article, layout={"layout.html": layout})
    assert faults(sqlite_store, tokens, now) == codes


def test_a_missing_postal_address_is_a_warning(sqlite_store: Store, tokens: TokenMaker, now: datetime) -> None:
    made(sqlite_store, now)
    nowhere = replace(DEFAULTS, postal_address="")
    assert faults(sqlite_store, tokens, now, nowhere) == []
    assert faults(sqlite_store, tokens, now, nowhere, severity="warning") == ["no-postal-address"]


def test_who_lacks_a_value_is_told_with_a_count_and_what_to_write(
    sqlite_store: Store, tokens: TokenMaker, now: datetime
) -> None:
    group = listed(sqlite_store, now, people=3)
    made(sqlite_store, now, list_id=group, article=ARTICLE.replace("here is", "{{ clinic }}"))
    (fault,) = review.check(sqlite_store, "spring", defaults=DEFAULTS, tokens=tokens, now=now)
    assert "3 of the list 'sample' have none" in fault.message
    assert "{{ clinic | fallback('...') }}" in fault.message


def test_a_list_without_tracking_is_checked_with_plain_links(
    sqlite_store: Store, tokens: TokenMaker, now: datetime
) -> None:
    group = listed(sqlite_store, now, tracking=Tracking.OFF)
    made(sqlite_store, now, list_id=group)
    assert faults(sqlite_store, tokens, now) == []


def test_a_campaign_that_does_not_exist_suggests_the_nearest(
    sqlite_store: Store, tokens: TokenMaker, now: datetime
) -> None:
    made(sqlite_store, now)
    with pytest.raises(NotFound) as refusal:
        review.check(sqlite_store, "sprung", defaults=DEFAULTS, tokens=tokens, now=now)
    assert refusal.value.hint == "Did you mean 'spring'?"
