"""What leaves the machine: nothing in its header or its links tells the campaign, the destination or the person."""

from __future__ import annotations

import email
import json
import re
from datetime import datetime
from email import policy
from email.message import EmailMessage

import pytest

from outreach import address, config, materials
from outreach.actions import compose
from outreach.actions.collect import Terms
from outreach.actions.compose import Defaults
from outreach.engine.letters import Letters
from outreach.replies.hooks import postmark, sendgrid
from outreach.store.campaigns import Campaign
from outreach.store.claims import Claimed
from outreach.store.database import Store
from outreach.store.lists import MailingList
from outreach.tracking.token import Purpose
from outreach.transport.base import Outgoing
from outreach.transport.memory import MemoryTransport
from tests.engine.sending import TOKENS, compiled, drained
from tests.engine.sending import campaign as sending_campaign

#: None of it may be read from a header field or a URL by whoever carries, logs or scans the mail.
TELLTALE = ("car-t", "leukaemia-2026", "quote", "clinic.example", "amelie", "lindqvist", "telltale-city")


@pytest.fixture
def letter(outgoing: Outgoing) -> bytes:
    """The message of it."""
    return outgoing.message


@pytest.fixture
def outgoing(now: datetime) -> Outgoing:
    """The shipped article in the shipped layout, to one person of the list, with a return path for bounces."""
    settings = config.load()
    name, text = materials.article(settings, "car-t-cell-therapy")
    layout = materials.layout(settings, "default")
    campaign = Campaign(
        name="leukaemia-2026", list_id=1, article_name=name, article=text, layout_name=layout.name,
        layout=dict(layout.sources), created_at=now, updated_at=now, subject="News for you",
    )  # fmt: skip
    group = MailingList(name="readers", title="Readers", created_at=now)
    defaults = Defaults("News <news@sender.example>", None, "1 Road", "https://clinic.example/quote?to=me", URL)
    compiled = compose.campaign(campaign, group, defaults, date=now, tracked=True)
    letters = Letters(TOKENS, URL, return_path="bounces@sender.example")
    letters.learn(7, compiled.to_bytes())
    person = ("amelie.lindqvist@example.org", "Amélie Lindqvist", "sv", "Europe/Stockholm", {"city": "Telltale-City"})
    outgoing = letters.write(Claimed(4711, 7, 0, None, *person, claim="c"))
    assert "4711" not in outgoing.return_path
    assert "amelie" not in outgoing.return_path
    return outgoing


def test_the_return_path_names_its_delivery_to_us_alone_and_fits(outgoing: Outgoing) -> None:
    terms = Terms(TOKENS, address.parse("bounces@sender.example"))
    assert terms.delivery_of_address(outgoing.return_path) == 4711
    assert terms.delivery_of_address(outgoing.return_path.replace("bounces", "BOUNCES")) == 4711
    longest = config.load(return_path=f"{'b' * 31}@sender.example").return_path
    assert longest is not None
    path = Letters(TOKENS, URL, return_path=longest)._envelope_sender(2**48 - 1, address.parse("a@example.org"))
    assert len(path.partition("@")[0]) == 64  # RFC 5321, 4.5.3.1.1
    assert Terms(TOKENS, address.parse(longest)).delivery_of_address(path) == 2**48 - 1


URL = "https://news.sender.example"


def read(letter: bytes) -> EmailMessage:
    message = email.message_from_bytes(letter, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_the_header_tells_neither_campaign_nor_destination_nor_person_but_in_to(letter: bytes) -> None:
    message = read(letter)
    told = "\n".join(f"{name}: {value}" for name, value in message.items() if name != "To").casefold()
    assert [word for word in (*TELLTALE, "4711") if word in told] == []
    boundary = message.get_boundary() or ""
    assert re.fullmatch(r"=_q[0-9a-f]+_alternative", boundary)


def test_every_url_is_a_token_on_a_neutral_path_and_means_one_thing(letter: bytes) -> None:
    message = read(letter)
    both = text(message, "html") + text(message, "plain") + str(message["List-Unsubscribe"])
    urls = set(re.findall(r"""https?://[^\s"'<>]+""", both))
    assert {url.removeprefix(URL)[:3] for url in urls} == {"/l/", "/u/", "/p/", "/v/"}
    assert [url for url in urls if not re.fullmatch(rf"{URL}/[lupv]/[\w-]{{32}}", url)] == []


def test_no_program_or_machine_names_itself(letter: bytes) -> None:
    names = {name.casefold() for name in read(letter)}
    assert names == {
        "from", "to", "subject", "date", "message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post",
        "feedback-id", "mime-version", "content-type",
    }  # fmt: skip
    assert len(read(letter).items()) == len(names)
    assert str(read(letter)["Message-ID"]).endswith("@sender.example>")


def test_the_mail_loads_nothing(letter: bytes) -> None:
    html = text(read(letter), "html")
    assert re.findall(r"<(?:img|script|link|iframe|form|object|video)\b|url\(|@import|@font-face", html) == []


def test_a_leave_address_stands_behind_the_link_with_the_same_token(sqlite_store: Store, now: datetime) -> None:
    transport = MemoryTransport()
    drained(sqlite_store, sending_campaign(sqlite_store, now, 1), transport, leave_by_mail="leave@mail.clinic.example")
    token = TOKENS.make(Purpose.UNSUBSCRIBE, 1)
    wanted = f"List-Unsubscribe: <https://clinic.example/u/{token}>, <mailto:leave+{token}@mail.clinic.example>\r\n"
    assert wanted.encode() in transport.accepted[0].message


def test_the_shipped_mail_is_known_to_have_no_dot_at_a_line_start(outgoing: Outgoing) -> None:
    assert outgoing.is_dotless
    assert b"\n." not in outgoing.message


@pytest.mark.parametrize("handles", [(), (sendgrid.HANDLE, postmark.HANDLE)])
def test_each_message_tells_its_number_once_more_to_providers_that_would_lose_it(handles: tuple[str, ...]) -> None:
    letters = Letters(TOKENS, URL, handles=handles)
    letters.learn(1, compiled())
    written = letters.write(Claimed(7, 1, 0, None, "p1@example.org", "Person 1", "en", "UTC", {}, "")).message
    parsed = email.message_from_bytes(written, policy=policy.default)
    number = parsed["Message-ID"].strip("<>")
    assert Terms(TOKENS).delivery_of_message_id(number) == 7
    assert parsed["Subject"] == "Hello"
    if not handles:
        assert parsed["X-PM-Metadata-message"] is None
        assert parsed["X-SMTPAPI"] is None
    else:
        assert parsed["X-PM-Metadata-message"] == number
        assert json.loads(parsed["X-SMTPAPI"]) == {"unique_args": {sendgrid.ARGUMENT: number}}
