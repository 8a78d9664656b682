"""What we sign verifies with another's verifier, whatever stands in it; what is changed afterwards does not."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from functools import cache
from pathlib import Path

import dkim as verifier
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.address import parse_mailbox
from outreach.message import article, compile, dkimkey, splice
from outreach.message.dkim import SIGNED, Signer
from outreach.message.dkimkey import DkimKey
from outreach.message.headers import Identity
from outreach.message.recipient import Recipient, Stamp
from outreach.message.template import Layout

WHEN = datetime(2025, 3, 2, 9, 0, tzinfo=UTC)
TEMPLATES = Path(__file__).parents[2] / "templates"
MAIL = (
    b"From: Clinic News <news@example.org>\r\nTo: Ann <ann@example.com>\r\nSubject: A letter\r\n"
    b"Date: Sun, 02 Mar 2025 09:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nReply-To: desk@example.org\r\n"
    b"List-ID: Readers <readers.example.org>\r\nList-Unsubscribe: <https://news.example.org/u/x>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: c:example\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Ann,\r\n\r\ngood news.\r\n"
)
PRESENT = [name for name in SIGNED if f"{name}: ".encode() in MAIL]


@cache
def signer(bits: int = 2048) -> Signer:
    return Signer("news.example.org", (DkimKey("s2026", rsa.generate_private_key(65537, bits)),))


@cache
def both() -> Signer:
    """With an Ed25519 key beside the one for RSA."""
    return Signer("news.example.org", (dkimkey.made("e2026", ed25519=True), *signer().keys))


def signed(message: bytes) -> bytes:
    return signer().sign(message)


def verifies(message: bytes, by: Signer | None = None, index: int = 0) -> bool:
    """What a receiver finds who asks the DNS for the records that we told to publish, of the signature at a place."""
    zone = {}
    for name, strings in (each.line.split(". IN TXT ") for each in (by or signer()).records):
        zone[f"{name}.".encode()] = "".join(re.findall('"(.*?)"', strings)).encode()
    try:
        return bool(verifier.DKIM(message).verify(idx=index, dnsfunc=lambda asked, timeout=5: zone.get(asked)))
    except verifier.DKIMException:
        return False


def signature(message: bytes) -> bytes:
    """The field of the signature as it stands."""
    found = re.match(rb"DKIM-Signature:(?:.*\r\n[ \t])*.*\r\n", message)
    assert found is not None
    return found.group()


# Blanks and letters of every size, but no control character: no header field holds one.
WORDS = st.text(st.sampled_from(list('aZ0:;=<>@,"(é漢🎗 \t')), max_size=30).map(str.encode)
FOLDED = st.lists(WORDS, min_size=1, max_size=4).map(b"\r\n ".join)
FIELDS = st.lists(
    st.tuples(st.sampled_from([*SIGNED, *map(str.upper, SIGNED), "X-Other", "Received", "DKIM-Signature-Not"]), FOLDED),
    max_size=12,
)
BODIES = st.lists(st.one_of(WORDS, st.just(b""), st.binary(max_size=8).filter(lambda b: not set(b) & {10, 13})))


@settings(deadline=None)
@given(FIELDS, BODIES, st.integers(0, 4))
def test_another_verifier_finds_every_signature_right(
    fields: list[tuple[str, bytes]], lines: list[bytes], blank_lines: int
) -> None:
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields)
    message = b"From: a@example.org\r\n" + head + b"\r\n" + b"\r\n".join(lines) + b"\r\n" * blank_lines
    sent = signed(message)
    assert sent.endswith(message)
    assert verifies(sent)
    assert max(map(len, signature(sent).split(b"\r\n"))) <= 78


@pytest.mark.parametrize("body", [None, b"", b"\r\n", b"\r\n\r\n\r\n", b"no end", b"x\r\n\r\n", b"\r\n\r\nx \t\r\n"])
def test_a_body_may_be_empty_open_or_end_in_blank_lines(body: bytes | None) -> None:
    head = b"From: a@example.org\r\n"
    assert verifies(signed(head if body is None else head + b"\r\n" + body))


def test_blank_lines_at_the_end_may_come_and_go_on_the_way() -> None:
    assert verifies(signed(MAIL + b"\r\n\r\n")[:-4])
    assert verifies(signed(MAIL) + b"\r\n")


def test_a_relay_may_fold_fields_anew_and_add_its_own() -> None:
    sent = signed(MAIL).replace(b"Clinic News <", b"Clinic\r\n\tNews   <").replace(b"Subject: A", b"SUBJECT:A")
    assert verifies(b"Received: by relay.example.net\r\n" + sent)


@pytest.mark.parametrize("name", PRESENT)
def test_changing_a_signed_field_breaks_the_signature(name: str) -> None:
    sent = signed(MAIL)
    for changed in (
        re.sub(rf"(\r\n{name}: )".encode(), rb"\1x", sent),
        re.sub(rf"\r\n{name}: .*".encode(), b"", sent),
    ):
        assert changed != sent
        assert not verifies(changed)


@pytest.mark.parametrize("name", SIGNED)
def test_one_more_field_of_a_kind_breaks_the_signature_wherever_it_is_put(name: str) -> None:
    more = f"{name}: another\r\n".encode()
    sent = signed(MAIL)
    assert verifies(sent)
    assert not verifies(more + sent)
    assert not verifies(sent.replace(b"\r\n\r\nHello", b"\r\n" + more + b"\r\nHello"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"good news", b"bad news"), (b"good news.", b"good  news."), (b"news.\r\n", b"news.\r\n\r\nBuy.\r\n")],
)
def test_changing_the_body_or_adding_to_it_breaks_the_signature(before: bytes, after: bytes) -> None:
    sent = signed(MAIL)
    assert before in sent
    assert not verifies(sent.replace(before, after))


def test_the_signature_names_its_time_and_no_length() -> None:
    tags = dict(tag.strip().split(b"=", 1) for tag in signature(signed(MAIL)).partition(b":")[2].split(b";"))
    assert {name: tags[name] for name in (b"v", b"a", b"c", b"d", b"s", b"t")} == {
        b"v": b"1", b"a": b"rsa-sha256", b"c": b"relaxed/simple", b"d": b"news.example.org", b"s": b"s2026",
        b"t": b"1740906000",
    }  # fmt: skip
    assert b"l" not in tags


@pytest.mark.parametrize("shift", [timedelta(), timedelta(hours=5, minutes=30)])
def test_the_time_of_a_signature_is_the_messages_own_date(shift: timedelta) -> None:
    zone = timezone(shift)
    sent = signed(MAIL.replace(b"Sun, 02 Mar 2025 09:00:00 +0000", format_datetime(WHEN.astimezone(zone)).encode()))
    assert b"t=1740906000;" in signature(sent)
    assert signed(MAIL) == signed(MAIL)


@pytest.mark.parametrize("date", [b"", b"Date: soon\r\n", b"Date: Sun, 02 Mar 2025 09:00:00 -0000\r\n"])
def test_a_message_without_a_date_that_tells_a_moment_is_signed_without_a_time(date: bytes) -> None:
    sent = signed(b"From: a@example.org\r\n" + date + b"\r\nHello\r\n")
    assert b"t=" not in signature(sent).partition(b"h=")[0]
    assert verifies(sent)


def test_an_ed25519_key_signs_beside_the_rsa_key_which_comes_first() -> None:
    sent = both().sign(MAIL)
    algorithms = re.findall(rb"\ba=([a-z0-9-]+);.*\r\n.*\r\n s=(\w+);", sent)
    assert algorithms == [(b"rsa-sha256", b"s2026"), (b"ed25519-sha256", b"e2026")]
    assert verifies(sent, both(), 0)
    assert verifies(sent, both(), 1)
    assert both().sign(MAIL) == sent
    changed = sent.replace(b"good news", b"bad news")
    assert not verifies(changed, both(), 0)
    assert not verifies(changed, both(), 1)


@pytest.mark.parametrize("name", PRESENT)
def test_a_changed_field_breaks_both_signatures(name: str) -> None:
    sent = both().sign(MAIL)
    for changed in (
        re.sub(rf"(\r\n{name}: )".encode(), rb"\1x", sent),
        sent.replace(b"\r\n\r\nHello", f"\r\n{name}: more\r\n\r\nHello".encode()),
    ):
        assert not verifies(changed, both(), 0)
        assert not verifies(changed, both(), 1)


def test_keys_that_stand_in_the_dns_alone_do_not_sign() -> None:
    waits = dkimkey.made("s2027")
    ours = Signer("news.example.org", (*both().keys, waits, dkimkey.made("e2027", ed25519=True)))
    assert ours.sign(MAIL) == both().sign(MAIL)
    assert [record.name.partition(".")[0] for record in ours.records] == ["e2026", "s2026", "s2027", "e2027"]
    assert verifies(ours.signatures(MAIL, [waits]) + MAIL, ours)


def test_a_key_of_4096_bits_signs_too() -> None:
    big = signer(4096)
    assert verifies(big.sign(MAIL), big)
    assert max(map(len, re.findall('"(.*?)"', big.records[0].line))) <= 255


def test_another_key_of_the_domain_does_not_verify() -> None:
    assert not verifies(signer(4096).sign(MAIL))


@pytest.mark.parametrize(
    ("sender", "expected"),
    [("news.example.org", True), ("example.org", True), ("mail.example.org", True), ("example.com", False)],
)
def test_a_signature_counts_for_senders_of_the_same_organisation(sender: str, expected: bool) -> None:
    assert signer().aligns_with(sender) is expected


def test_several_threads_may_sign_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(signed, [MAIL] * 40))) == 1


@cache
def shipped() -> compile.Compiled:
    """The shipped article in the shipped layout."""
    file = TEMPLATES / "articles" / "car-t-cell-therapy.md"
    folder = TEMPLATES / "email" / "default"
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    letter = article.parse(file.read_text(encoding="utf-8"), file=str(file)).with_links(
        {"quote": "https://quote.example/ask"}
    )
    identity = Identity(
        sender=parse_mailbox("Clinic News <news@example.org>"), reply_to=parse_mailbox("desk@example.org"),
        subject=letter.subject, postal_address="1 Elm Street", list_name="readers", list_title="Leser für alle",
        public_url="https://news.example.org",
    )  # fmt: skip
    return compile.campaign(letter, Layout("default", sources), identity, date=WHEN)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@settings(deadline=None, max_examples=40)
@given(NAMES)
def test_the_shipped_mail_verifies_for_every_reader(name: str) -> None:
    stamp = Stamp(
        message_id="1@example.org", click=lambda number: f"https://news.example.org/l/{number:032}",
        unsubscribe="https://news.example.org/u/x", preferences="https://news.example.org/p/x",
        view="https://news.example.org/v/x", feedback_id="c:example",
    )  # fmt: skip
    assert verifies(signed(splice.message(shipped(), Recipient("ann@example.com", name), stamp)))
