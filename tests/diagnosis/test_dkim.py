"""The record of a key is there, is ours, and is one that receivers take."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.diagnosis import dkim
from outreach.diagnosis.dkim import Expected
from outreach.diagnosis.finding import State
from tests.diagnosis.answers import told


def public(bits: int) -> str:
    """An RSA key of that length, as p= has it."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return b64encode(rsa.generate_private_key(65537, bits).public_key().public_bytes(*form)).decode()


OURS, THEIRS, SHORT = public(2048), public(2048), public(1024)
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
ED25519 = b64encode(Ed25519PrivateKey.generate().public_key().public_bytes(*RAW)).decode()
NAME = "s2026._domainkey.example.org"


def expected(key: str = OURS, kind: str = "rsa", *, signs: bool = True) -> Expected:
    return Expected(NAME, f"v=DKIM1; k={kind}; p={key}", signs)


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        ([f"v=DKIM1; k=rsa; p={OURS}"], []),
        ([f"p={OURS}"], []),  # all but p= may be left away
        ([f"v=DKIM1;k=rsa;t=s;s=email;h=sha256;n=note;p={OURS[:40]} {OURS[40:]};"], []),
        ([f"v=DKIM1; h=sha1:sha256; s=*; p={OURS}"], []),
        ([], ["dkim-missing"]),
        ([f"v=DKIM1; p={OURS}", f"v=DKIM1; p={OURS}"], ["dkim-several"]),
        ([f"v=DKIM1; p={THEIRS}"], ["dkim-other-key"]),
        ([f"v=DKIM1; k=ed25519; p={ED25519}"], ["dkim-other-key"]),
        (["v=DKIM1; p="], ["dkim-revoked"]),
        (["v=DKIM1; k=rsa"], ["dkim-syntax"]),
        (["v=DKIM1; p=%%%"], ["dkim-syntax"]),
        (["v=DKIM1; p=aGVsbG8="], ["dkim-syntax"]),
        ([f"v=DKIM2; p={OURS}"], ["dkim-syntax"]),
        ([f"p={OURS}; v=DKIM1"], ["dkim-syntax"]),
        (["something else"], ["dkim-syntax"]),
        ([f"v=DKIM1; p={OURS}; p={OURS}"], ["dkim-syntax"]),
        ([f"v=DKIM1; t=y:s; p={OURS}"], ["dkim-testing"]),
        ([f"v=DKIM1; h=sha1; p={OURS}"], ["dkim-forbidden"]),
        ([f"v=DKIM1; s=other; t=y; p={OURS}"], ["dkim-forbidden", "dkim-testing"]),
    ],
)
def test_what_is_wrong_with_a_record(records: list[str], codes: list[str]) -> None:
    assert [each.code for each in dkim.judge(expected(), tuple(records))] == codes


def test_an_ed25519_key_is_compared_as_it_stands() -> None:
    ours = expected(ED25519, "ed25519")
    assert dkim.judge(ours, (f"v=DKIM1; k=ed25519; p={ED25519}",)) == []
    assert [each.code for each in dkim.judge(ours, (f"v=DKIM1; p={OURS}",))] == ["dkim-other-key"]


def test_a_short_key_is_a_warning() -> None:
    (one,) = dkim.judge(expected(SHORT), (f"v=DKIM1; p={SHORT}",))
    assert (one.code, one.state) == ("dkim-short-key", State.WARNING)
    assert "1024 bits" in one.message


def test_a_record_that_is_missing_is_a_fault_where_the_key_signs_and_says_what_to_publish() -> None:
    (one,) = told(dkim.of_key(expected()), {})
    assert (one.state, one.code) == (State.FAULT, "dkim-missing")
    assert one.remedy == f'Publish at {NAME}: TXT "v=DKIM1; k=rsa; p={OURS}"'
    (other,) = told(dkim.of_key(expected(signs=False)), {})
    assert other.state is State.WARNING


def test_a_record_that_is_right_is_said_to_be() -> None:
    (one,) = told(dkim.of_key(expected()), {f"{NAME} TXT": [f"v=DKIM1; p={OURS}"]})
    assert (one.state, one.message) == (State.OK, f"{NAME} holds our key.")
