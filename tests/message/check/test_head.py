"""What inboxes show of a mail neither shouts, nor pretends, nor comes from where nobody believes it."""

from __future__ import annotations

import pytest

from tests.message.check.mails import GOOD, codes, look, told


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("LAST CHANCE TO REGISTER", "subject-shouts"),
        ("НОВОСТИ ЭТОЙ НЕДЕЛИ", "subject-shouts"),
        ("News for you!!", "subject-shouts"),
        ("Really?!", "subject-shouts"),
        ("Earn $$$ now", "subject-shouts"),
        ("Re: your question", "subject-pretends"),
        ("FWD: the offer", "subject-pretends"),
        ("AW: Ihre Frage", "subject-pretends"),
        ("Re[2]: your question", "subject-pretends"),
    ],
)
def test_a_subject_that_shouts_or_pretends_is_told(subject: str, code: str) -> None:
    assert codes(look(subject=subject)) == [("warning", code)]


@pytest.mark.parametrize(
    "subject",
    [
        "The rise of CAR-T cell therapy: what it can do, and what to weigh",
        "Is it for you?",
        "It is here!",
        "GHA",
        "Reform: what changes",
        "Return: how to",
        "今日のニュース",
        "NHS, CRS, ICANS explained",
    ],
)
def test_an_honest_subject_is_left_in_peace(subject: str) -> None:
    assert look(subject=subject) == []


@pytest.mark.parametrize(
    ("sender", "relays", "found"),
    [
        ("news@clinic.example", ("smtp.relay.example",), []),
        ("clinic@gmail.com", ("smtp.relay.example",), [("error", "free-mail-sender")]),
        ("clinic@Yahoo.com", ("smtp.gmail.com",), [("error", "free-mail-sender")]),
        ("clinic@gmail.com", ("smtp.gmail.com",), [("warning", "free-mail-sender")]),
        ("clinic@gmail.com", ("smtp.notgmail.com",), [("error", "free-mail-sender")]),
        ("clinic@gmx.de", ("localhost",), [("warning", "free-mail-sender")]),
        ("clinic@gmx.de", ("127.0.0.1",), [("warning", "free-mail-sender")]),
        ("clinic@gmx.de", (), [("warning", "free-mail-sender")]),
        ("clinic@gmail.com.example", ("smtp.relay.example",), []),
    ],
)
def test_a_personal_mailbox_as_sender_is_refused_where_its_provider_does_not_send(
    sender: str, relays: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    assert codes(look(sender=sender, relays=relays)) == found


@pytest.mark.parametrize(
    ("sender", "reply_to", "fault"),
    [
        ("noreply@clinic.example", "", True),
        ("no-reply@clinic.example", "", True),
        ("DoNotReply@clinic.example", "", True),
        ("news@clinic.example", "do-not-reply@clinic.example", True),
        ("noreply@clinic.example", "care@clinic.example", True),
        ("news@clinic.example", "care@clinic.example", False),
        ("news.noreply@clinic.example", "", True),
        ("norma.reply@clinic.example", "", False),
        ("casino-reply@clinic.example", "", False),
    ],
)
def test_answers_that_nobody_reads_are_told(sender: str, reply_to: str, fault: bool) -> None:
    assert codes(look(sender=sender, reply_to=reply_to)) == [("warning", "no-reply")] * fault


@pytest.mark.parametrize("first", ["", '<p style="display:none">\u034f\u200c\u00a0</p>'])
def test_a_missing_preheader_is_told_with_what_shows_instead(first: str) -> None:
    (words,) = told(look(html=GOOD.replace('<p style="display:none">First</p>', first)), "no-preheader")
    assert "“Hello”" in words


def test_a_preheader_may_be_hidden_in_any_way_that_works() -> None:
    for style in ("max-height:0; overflow:hidden", "font-size:1px; line-height:1px", "opacity:0", "visibility:hidden"):
        assert "no-preheader" not in [fault.code for fault in look(html=GOOD.replace("display:none", style))]
