"""The digest of a message: it is what its description says, binds every byte, and a message proves itself by it."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.message import proof, splice
from outreach.message.compiled import Compiled, Field
from outreach.message.recipient import Recipient
from tests.message import mail

SIGNATURES = b"DKIM-Signature: v=1; a=rsa-sha256;\r\n b=AAAA\r\nDKIM-Signature: v=1;\r\n\tb=BBBB\r\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)

ADJACENT = "Dear {{ name | fallback('reader') }}{{ city | fallback('') }}, {{ name | fallback('you') }} in {{ city }}."
BRANCHES = "Dear {% if city == 'Berlin' %}Berliner{% else %}{{ name }}{% endif %}, {{ city | upper }}."

CAMPAIGNS = {
    "plain": mail.compiled(),
    "tracked": mail.compiled(tracked=True),
    "side by side": mail.compiled(ADJACENT, subject="News"),
    "rendered for each": mail.compiled(BRANCHES, subject="{% if name %}{{ name }}, news{% else %}News{% endif %}"),
}


def made(compiled: Compiled, person: Recipient, signatures: bytes = b"") -> tuple[bytes, bytes]:
    """A message and its digest."""
    pieces = splice.pieces(compiled, person, mail.stamp())
    return signatures + b"".join(pieces), proof.seal(compiled, pieces)(signatures)


def proven(compiled: Compiled, message: bytes, digest: bytes) -> bool:
    return any(proof.digest(compiled, filled) == digest for filled in proof.taken_apart(compiled, message))


def by_the_description(compiled: Compiled, filled: list[bytes]) -> bytes:
    """The digest as README and docstring tell to compute it, from the pieces of a campaign alone."""
    fixed: list[bytes] = [b""]
    for piece in compiled.pieces:
        if isinstance(piece, bytes):
            fixed[-1] += piece
        else:
            fixed.append(b"")
    assert len(fixed) == len(filled)

    def lengths(pieces: list[bytes]) -> bytes:
        return b"".join(len(piece).to_bytes(4, "big") for piece in pieces)

    inner = sha256(len(fixed).to_bytes(4, "big") + lengths(fixed) + b"".join(fixed)).digest()
    return sha256(inner + lengths(filled) + b"".join(filled)).digest()


@pytest.mark.parametrize("kind", CAMPAIGNS)
@given(name=TEXTS, city=TEXTS, signed=st.booleans())
def test_every_message_proves_itself_and_is_taken_apart_into_what_was_filled_in(
    kind: str, name: str, city: str, signed: bool
) -> None:
    compiled, signatures = CAMPAIGNS[kind], SIGNATURES if signed else b""
    person = mail.person(name, city or "x")
    message, digest = made(compiled, person, signatures)
    assert proven(compiled, message, digest)
    pieces = splice.pieces(compiled, person, mail.stamp())
    filled = proof.filled(compiled, pieces, signatures)
    assert filled in list(proof.taken_apart(compiled, message))
    assert digest == by_the_description(compiled, filled)
    assert proven(compiled, b"Received: by mx.example.net\r\n\twith ESMTP\r\nX-Seen: yes\r\n" + message, digest)


@pytest.mark.parametrize("kind", ["plain", "rendered for each"])
def test_no_byte_can_be_changed_and_none_added_or_taken_away(kind: str) -> None:
    compiled = CAMPAIGNS[kind]
    message, digest = made(compiled, mail.person(), SIGNATURES)
    for place in range(0, len(message), 7):
        changed = bytearray(message)
        changed[place] ^= 1
        assert not proven(compiled, bytes(changed), digest), place
        assert not proven(compiled, message[:place] + message[place + 1 :], digest), place
    assert not proven(compiled, message + b"\r\n", digest)
    assert not proven(compiled, message[len(SIGNATURES) :], digest)


def test_what_goes_over_from_one_value_to_the_next_is_another_message() -> None:
    """Both print the same text, but were filled in otherwise."""
    compiled = CAMPAIGNS["side by side"]
    one, other = made(compiled, mail.person("Ann", "Lee")), made(compiled, mail.person("AnnL", "ee"))
    assert one[1] != other[1]
    assert not proven(compiled, one[0], other[1])


def test_a_message_of_another_campaign_proves_nothing() -> None:
    message, digest = made(CAMPAIGNS["plain"], mail.person())
    assert not proven(CAMPAIGNS["tracked"], message, digest)
    assert list(proof.taken_apart(CAMPAIGNS["plain"], b"")) == []
    assert list(proof.taken_apart(CAMPAIGNS["plain"], b"From: a@example.org\r\n\r\nHello\r\n")) == []


def test_what_differs_is_told_by_its_name_and_as_people_read_it() -> None:
    compiled = CAMPAIGNS["plain"]
    before, after = (
        proof.filled(compiled, splice.pieces(compiled, mail.person(name, "Ulm & Köln"), mail.stamp(number)), b"")
        for name, number in (("Zoë <z>", 7), ("Zoe", 8))
    )
    found = {each.what: each[1:] for each in proof.differences(compiled, before, after)}
    assert found["name"] == ("Zoë <z>", "Zoe")
    assert "city" not in found
    assert re.fullmatch(r"https://go\.clinic\.example/u/0+7", found["links.unsubscribe"][0])
    assert found["Message-ID"] == ("<7.abc@clinic.example>", "<8.abc@clinic.example>")
    assert proof.differences(compiled, before, before) == []


def test_a_campaign_in_which_nothing_is_filled_in_has_digests_too() -> None:
    fixed = Compiled((), frozenset(), 100, (b"From: a@example.org\r\n\r\nHello\r\n",))
    one_slot = Compiled((), frozenset(), 100, (b"From: a@example.org\r\n", Field.TO, b"\r\nHello\r\n"))
    for compiled in (fixed, one_slot):
        message, digest = made(compiled, mail.person(), SIGNATURES)
        assert proven(compiled, message, digest)
        assert not proven(compiled, message.replace(b"Hello", b"hello"), digest)
