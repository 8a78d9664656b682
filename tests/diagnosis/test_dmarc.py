"""DMARC as RFC 9989 has it: the tree walk instead of a list of public suffixes, the record that holds, alignment."""

from __future__ import annotations

import pytest

from outreach.diagnosis import dmarc, dmarcrecord
from outreach.diagnosis.dmarcrecord import Policy
from outreach.diagnosis.finding import State
from tests.diagnosis.answers import asks, told

ZONE = {
    "_dmarc.example.org TXT": ["v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@example.org"],
    "_dmarc.news.example.net TXT": ["v=DMARC1; p=none; adkim=s; aspf=s"],
    "_dmarc.example.net TXT": ["v=DMARC1; p=none"],
    "_dmarc.own.example.com TXT": ["v=DMARC1; p=none; psd=n"],
    "_dmarc.example.com TXT": ["v=DMARC1; p=reject"],
    "_dmarc.hospital.co.uk TXT": ["v=DMARC1; p=reject"],
    "_dmarc.co.uk TXT": ["v=DMARC1; p=none; psd=y"],
}


@pytest.mark.parametrize(
    ("text", "policy", "below"),
    [
        ("v=DMARC1; p=none", Policy.NONE, None),
        ("v=DMARC1;p=REJECT;sp=None;", Policy.REJECT, Policy.NONE),
        ("v=DMARC1; rua=mailto:d@example.org", Policy.NONE, None),  # 4.7: taken for p=none
        ("v=DMARC1; p=whatever; rua=mailto:d@example.org", Policy.NONE, None),
        ("v=DMARC1; p=quarantine; pct=100; rf=afrf; unknown=x", Policy.QUARANTINE, None),
    ],
)
def test_records_are_read(text: str, policy: Policy, below: Policy | None) -> None:
    record = dmarcrecord.parse(text)
    assert (record.policy, record.below) == (policy, below)


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1; p=block", "v=DMARC1; p=none; p=none", "v=DMARC1 p=none"])
def test_a_record_that_receivers_pass_over_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"p=|tag=value"):
        dmarcrecord.parse(text)


@pytest.mark.parametrize(
    ("domain", "organisation", "holds"),
    [
        ("example.org", "example.org", "example.org"),
        ("a.b.example.org", "example.org", "example.org"),
        ("news.example.net", "example.net", "news.example.net"),
        ("deep.news.example.net", "example.net", "example.net"),  # not the one in between (4.10.1)
        ("own.example.com", "own.example.com", "own.example.com"),
        ("mail.own.example.com", "own.example.com", "own.example.com"),
        ("clinic.co.uk", "clinic.co.uk", "co.uk"),
        ("news.clinic.co.uk", "clinic.co.uk", "co.uk"),
        ("news.hospital.co.uk", "hospital.co.uk", "hospital.co.uk"),
        ("co.uk", "co.uk", "co.uk"),
        ("nowhere.invalid", "nowhere.invalid", None),
    ],
)
def test_the_tree_walk_finds_organisation_and_record(domain: str, organisation: str, holds: str | None) -> None:
    steps = told(dmarcrecord.walk(domain), ZONE)
    assert dmarcrecord.organisation(domain, steps) == organisation
    found = dmarcrecord.holding(domain, steps)
    assert (found.name if found else None) == holds


def test_a_long_name_takes_eight_questions() -> None:
    asked: list = []
    told(dmarcrecord.walk("a.b.c.d.e.f.g.h.i.j.mail.example.com"), {}, asked)
    names = [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
        "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com",
    ]  # fmt: skip
    assert asks(asked) == [f"_dmarc.{name}" for name in names]


def test_a_walk_ends_where_a_record_says_what_the_name_is() -> None:
    asked: list = []
    told(dmarcrecord.walk("mail.own.example.com"), ZONE, asked)
    assert asks(asked) == ["_dmarc.mail.own.example.com", "_dmarc.own.example.com"]


@pytest.mark.parametrize(
    ("sender", "return_path", "signer", "codes"),
    [
        ("example.org", "bounces.example.org", "example.org", []),
        ("news.example.org", "example.org", "mail.example.org", []),  # relaxed: one organisation
        ("example.org", "relay.test", "example.org", []),
        ("example.org", "bounces.example.org", None, ["dmarc-by-return-path-only"]),
        ("example.org", "bounces.example.org", "relay.test", ["dmarc-by-return-path-only"]),
        ("example.org", "relay.test", "relay.test", ["dmarc-unaligned"]),
        ("example.org", "relay.test", None, ["dmarc-unaligned"]),
        ("news.example.net", "news.example.net", "news.example.net", []),
        ("news.example.net", "bounces.example.net", "example.net", ["dmarc-unaligned"]),  # strict
        ("clinic.co.uk", "other.co.uk", "other.co.uk", ["dmarc-unaligned"]),  # below a public suffix
        ("clinic.co.uk", "b.clinic.co.uk", "clinic.co.uk", []),
        ("nowhere.invalid", "nowhere.invalid", "nowhere.invalid", ["dmarc-missing"]),
    ],
)
def test_alignment(sender: str, return_path: str, signer: str | None, codes: list[str]) -> None:
    found = told(dmarc.of_sender(sender, return_path=return_path, signer=signer), ZONE)
    assert [each.code for each in found if each.state is not State.OK] == codes


def test_mail_that_fails_for_sure_is_a_fault_and_mail_that_the_relay_may_sign_is_a_warning() -> None:
    fails = told(dmarc.of_sender("example.org", return_path="relay.test", signer="relay.test"), ZONE)[-1]
    may = told(dmarc.of_sender("example.org", return_path="relay.test", signer=None), ZONE)[-1]
    assert (fails.state, may.state) == (State.FAULT, State.WARNING)


def test_the_policy_of_a_name_below_is_the_one_for_names_below() -> None:
    policy, _ = told(dmarc.of_sender("news.example.org", return_path="example.org", signer="example.org"), ZONE)
    assert policy.message == "The policy for news.example.org is p=quarantine, published at _dmarc.example.org."


@pytest.mark.parametrize(
    ("records", "code"),
    [
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "dmarc-several"),
        (["v=DMARC1; policy=none"], "dmarc-syntax"),
        (["p=none; v=DMARC1"], "dmarc-missing"),  # v= must come first, else it is no record at all
    ],
)
def test_a_record_that_is_passed_over_is_told(records: list[str], code: str) -> None:
    zone = {"_dmarc.example.org TXT": records}
    (one,) = told(dmarc.of_sender("example.org", return_path="example.org", signer=None), zone)
    assert (one.state, one.code) == (State.FAULT, code)
