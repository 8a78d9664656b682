"""Each mail that leaves is beyond reproach: what RFCs and receivers ask is found in its bytes, and read by others.

The readers are MIME-tools and MailTools (Perl) and reformime (of the Courier mail server), the verifiers dkimpy and
OpenDKIM. None of them shares code with what writes, or with Python's own parser.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dkim as verifier
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.engine.letters import Letters
from outreach.store.claims import Claimed
from tests import judges
from tests.engine import corpus
from tests.engine.corpus import Case
from tests.judges import Reader
from tests.message import mail

CASES = corpus.cases()
EACH = pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))


@pytest.fixture(scope="module")
def read() -> Iterator[Reader]:
    with judges.mime_tools() as reader:
        yield reader


#: Fields that every mail has once, and those that some have once.
ALWAYS = {
    "from", "to", "subject", "date", "message-id", "mime-version", "content-type", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "feedback-id",
}  # fmt: skip
SOMETIMES = {"reply-to"}


def split(message: bytes) -> tuple[bytes, bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def fields(message: bytes) -> list[tuple[str, bytes]]:
    """The fields by a rule of RFC 5322 alone: what is folded belongs to the line above."""
    found = re.findall(rb"([!-9;-~]+):((?:[^\r]|\r\n[ \t])*)\r\n", split(message)[0])
    assert b"".join(b"%s:%s\r\n" % pair for pair in found) == split(message)[0]
    return [(name.decode().lower(), value) for name, value in found]


def one(message: bytes, name: str) -> bytes:
    (value,) = (value for found, value in fields(message) if found == name)
    return value.strip()


def spoken(text: str) -> str:
    """A value as a reader may find it: one line, without blanks around it; those within, as many as there were."""
    return mail.one_line(text).strip()


def pressed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# -- the bytes


@EACH
def test_lines_end_in_crlf_and_are_short_and_bodies_are_seven_bit(case: Case) -> None:
    message, (head, body) = case.message, split(case.message)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", message)
    assert message.endswith(b"\r\n")
    assert body.isascii()
    assert head.isascii() or not case.recipient.isascii()
    assert max(map(len, body.split(b"\r\n"))) <= 76
    unfolded = (b"List-Unsubscribe:", b"Message-ID:")  # whole, so that who looks for them finds them (RFC 8058)
    lines = [line for line in head.split(b"\r\n") if not line.startswith(unfolded)]
    allowed = 78 + max(0, len(case.recipient.encode()) - 70)  # an address is never folded
    assert max(map(len, lines)) <= allowed
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert not any(line.isspace() for line in head.split(b"\r\n")[:-1])


@EACH
def test_each_field_is_there_once_and_none_that_is_not_ours_to_write(case: Case) -> None:
    count = Counter(name for name, _ in fields(case.message))
    signatures = count.pop("dkim-signature", 0)
    assert signatures == (2 if case.signed else 0)
    assert set(count) - SOMETIMES == ALWAYS
    assert set(count.values()) == {1}
    assert ("reply-to" in count) == (case.reply_to is not None)


@EACH
def test_encoded_words_are_short_whole_and_apart(case: Case) -> None:
    """RFC 2047: at most 75 characters in lines of 76, each decodes by itself, white space between them."""
    for name, value in fields(case.message):
        for line in (name.encode() + b":" + value).split(b"\r\n"):
            words = re.findall(rb"=\?[^?\s]+\?[bqBQ]\?[^?\s]*\?=", line)
            if name in ("subject", "from", "to", "reply-to", "list-id"):
                assert not words or len(line) <= 76
            for word in words:
                assert len(word) <= 75
                _, charset, kind, text, _ = word.split(b"?")
                assert charset.lower() == b"utf-8"
                octets = b64decode(text, validate=True) if kind in b"bB" else unquoted(text)
                octets.decode("utf-8")
            for before, after in re.findall(rb"(\S?)=\?utf-8\?[bq]\?[^?\s]*\?=(\S?)", line, re.IGNORECASE):
                assert (before, after) in {(b"", b""), (b":", b"")}


def unquoted(text: bytes) -> bytes:
    return re.sub(rb"=([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), text.replace(b"_", b" "))


@EACH
def test_who_leaves_finds_the_way_in_plain_letters(case: Case) -> None:
    way = one(case.message, "list-unsubscribe")
    mailto = rb", <mailto:leave\+[\w-]{20,}@clinic\.example>" if case.leaves_by_mail else b""
    assert re.fullmatch(rb"<https://go\.clinic\.example/u/[\w-]{20,}>" + mailto, way)
    assert one(case.message, "list-unsubscribe-post") == b"List-Unsubscribe=One-Click"
    assert re.search(rb"<%s\.[a-z0-9.-]+>\Z" % case.list_name.encode(), one(case.message, "list-id"))


@EACH
def test_what_machines_read_tells_nothing_of_the_person(case: Case) -> None:
    (feedback, message_id) = one(case.message, "feedback-id"), one(case.message, "message-id")
    assert re.fullmatch(rb"\d+:newsletter:outreach", feedback)
    assert re.fullmatch(rb"<[\w-]{20,}@%s>" % case.sender.address.domain.encode(), message_id)
    assert case.recipient.encode() not in case.outgoing.return_path.encode()


@EACH
def test_the_date_is_one_that_rfc_5322_knows_with_its_zone(case: Case) -> None:
    assert re.fullmatch(
        rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
        rb"\d\d:\d\d:\d\d \+0000",
        one(case.message, "date"),
    )


# -- what others read


@EACH
def test_another_parser_reads_what_was_written(read: Reader, case: Case) -> None:
    told = read(case.message)
    assert told["wrong"] == []
    assert told["subject"] == spoken(case.subject) or pressed(told["subject"]) == pressed(case.subject)
    ((to,), (sender,)) = told["to"], told["from"]
    assert to["address"] == case.recipient
    assert pressed(to["name"]) == pressed(mail.one_line(case.name))
    assert (sender["address"], sender["name"]) == (str(case.sender.address), case.sender.name)
    replies = [(case.reply_to.name, str(case.reply_to.address))] if case.reply_to else []
    assert [(each["name"], each["address"]) for each in told["reply_to"]] == replies
    assert re.sub(r'\A"(.*)"\Z', r"\1", told["list_id"].rpartition(" <")[0]).replace('\\"', '"') == case.list_title


@EACH
def test_the_body_is_text_first_and_html_last_in_utf_8(read: Reader, case: Case) -> None:
    root = read(case.message)["root"]
    assert root["type"] == "multipart/alternative"
    text, rich = root["parts"]
    if case.has_picture:
        assert rich["type"] == "multipart/related"
        rich, picture = rich["parts"]
        assert (picture["type"], picture["size"]) == ("image/png", 776)
        assert re.fullmatch(r"<\S+@\S+>\s*", picture["id"])
    for part, kind in ((text, "text/plain"), (rich, "text/html")):
        assert (part["type"], part["charset"], part["encoding"]) == (kind, "utf-8", "quoted-printable")
        assert pressed(mail.one_line(case.name)) in pressed(part["text"]) or part is rich
        assert "\ufffd" not in part["text"]
        assert "https://go.clinic.example/u/" in part["text"]
    assert re.search(r"<html [^>]*lang=\"en\" dir=\"ltr\"", rich["text"])


@pytest.mark.parametrize("case", CASES[::5], ids=range(0, len(CASES), 5))
def test_a_third_parser_agrees(case: Case) -> None:
    """reformime: the same structure, the same words, the same subject."""
    command = [judges.tool("reformime")]

    def reformime(*arguments: str, given: bytes = case.message.replace(b"\r\n", b"\n")) -> str:
        return subprocess.run([*command, *arguments], input=given, capture_output=True, check=True).stdout.decode()

    sections = re.findall(r"^section: (\S+)\ncontent-type: (\S+)", reformime("-i"), re.MULTILINE)
    related = [("1.2", "multipart/related"), ("1.2.1", "text/html"), ("1.2.2", "image/png")]
    rich = related if case.has_picture else [("1.2", "text/html")]
    assert sections == [("1", "multipart/alternative"), ("1.1", "text/plain"), *rich]
    text, html = (
        reformime("-s", number, "-e").replace("\r\n", "\n") for number in ("1.1", rich[-2 * case.has_picture][0])
    )
    ours = mail.parts(case.message[case.message.index(b"From: ") :])
    assert (text.rstrip("\n"), html.rstrip("\n")) == tuple(part.rstrip("\n") for part in ours)
    raw = one(case.message, "subject").decode().replace("\r\n", "")
    assert pressed(reformime("-c", "utf-8", "-h", raw)) == pressed(case.subject)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@settings(max_examples=150)
@given(name=NAMES, city=NAMES, title=NAMES.filter(lambda text: not set(text) & set("\r\n\0")))
def test_whatever_a_list_holds_another_parser_reads_it_back(read: Reader, name: str, city: str, title: str) -> None:
    letters = Letters(corpus.TOKENS, corpus.URL, sign=corpus.signer().sign)
    compiled = mail.compiled(subject="For {{ name | fallback('you') }} in {{ city | fallback('town') }}", body="Hi")
    letters.learn(1, compiled.to_bytes())
    message = letters.write(Claimed(1, 1, 0, None, "ann@example.org", name, "", "", {"city": city}, "c")).message
    told = read(message)
    name, city = mail.one_line(name), mail.one_line(city)
    expected = f"For {name if name.strip() else 'you'} in {city if city.strip() else 'town'}"
    assert pressed(told["subject"]) == pressed(expected)
    ((to,),) = (told["to"],)
    assert (pressed(to["name"]), to["address"]) == (pressed(name), "ann@example.org")
    assert {field[0].lower() for field in told["fields"]} == {*ALWAYS, "dkim-signature"}
    assert all(len(field) == 2 for field in told["fields"] if field[0].lower() != "dkim-signature")


# -- signatures


@pytest.mark.parametrize("index", [0, 1], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("case", [case for case in CASES if case.signed][::3])
def test_dkimpy_verifies_both_signatures(case: Case, index: int) -> None:
    zone = {f"{record.name}.".encode(): record.value.encode() for record in corpus.signer().records}
    assert verifier.DKIM(case.message).verify(idx=index, dnsfunc=lambda name, timeout=5: zone[name])


BOTH = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}


def test_opendkim_verifies_both_signatures_of_every_mail(tmp_path: Path) -> None:
    """This OpenDKIM (2.11 beta, as Debian builds it) knows Ed25519 too."""
    messages = [case.message for case in CASES if case.signed]
    assert len(messages) > 60
    assert judges.opendkim(tmp_path, corpus.signer(), messages) == [BOTH] * len(messages)


def test_opendkim_finds_every_change_and_forgives_what_relaxed_may_forgive(tmp_path: Path) -> None:
    message = next(case.message for case in CASES if case.signed and case.reply_to and case.name == "Ann Archer")
    signed = [name for name, _ in fields(message) if name != "dkim-signature"]
    head, body = split(message)
    changed = [re.sub(rb"(?im)^(%s: )" % name.encode(), rb"\1x", head) + b"\r\n" + body for name in signed]
    changed += [b"%s%s: more\r\n\r\n%s" % (head, name.encode(), body) for name in signed]
    changed += [head + b"\r\n" + body.replace(b"Dear", b"dear", 1), message + b"more\r\n"]
    first, _, rest = body.partition(b"\r\n")
    changed += [head + b"\r\n" + rest + first + b"\r\n", head + b"\r\n" + body[:-3] + b"\r\n"]
    assert len(changed) > 24
    assert not any("pass" in result.values() for result in judges.opendkim(tmp_path, corpus.signer(), changed))
    unchanged = [
        message.replace(b"Subject: ", b"SUBJECT:   "),
        message.replace(b"From: Clinic News <", b"From: Clinic\r\n News   \t<"),
        message.replace(b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0  \t\r\n"),
        b"Received: by mx.example.net\r\n" + message,
        message + b"\r\n\r\n",
    ]
    assert judges.opendkim(tmp_path, corpus.signer(), unchanged) == [BOTH] * len(unchanged)


def test_fields_that_change_places_break_nothing_that_a_reader_sees_and_h_names_all_of_them(tmp_path: Path) -> None:
    """Which of two fields comes first no signature says (RFC 6376, 5.4.2); each is covered wherever it stands."""
    message = next(case.message for case in CASES if case.signed and case.reply_to)
    names = {name for name, _ in fields(message)} - {"dkim-signature"}
    for value in (value for name, value in fields(message) if name == "dkim-signature"):
        covered = re.sub(rb"\s", b"", re.search(rb"h=([^;]*);", value)[1]).decode().lower().split(":")  # type: ignore[index]
        assert {name: covered.count(name) for name in names} == dict.fromkeys(names, 2)


# -- retries


def test_every_attempt_is_the_same_bytes_also_of_another_sender() -> None:
    compiled = mail.compiled(tracked=True).to_bytes()
    claimed = Claimed(7, 1, 0, None, "ann@example.org", "Ann", "en", "UTC", {"city": "Ulm"}, "a")
    found = set()
    for attempt in range(3):
        letters = Letters(corpus.TOKENS, corpus.URL, sign=corpus.signer().sign)
        letters.learn(1, compiled)
        found |= {letters.write(claimed._replace(attempts=attempt, claim=str(attempt))) for _ in range(2)}
    assert len(found) == 1
