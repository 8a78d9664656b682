"""Answers and failure reports arrive somewhere; addresses and names lead back to each other."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from outreach.diagnosis import names
from outreach.diagnosis.dkim import Expected
from outreach.diagnosis.finding import State
from outreach.diagnosis.sender import Sender, inquiries
from tests.diagnosis.answers import told

HOST = {"mx.example.org A": ["192.0.2.1"]}


@pytest.mark.parametrize(
    ("zone", "state", "code"),
    [
        ({"example.org MX": ["10 mx.example.org"], **HOST}, State.OK, ""),
        ({"example.org MX": ["10 mx.example.org"], "mx.example.org AAAA": ["2001:db8::1"]}, State.OK, ""),
        ({}, State.FAULT, "mx-no-domain"),
        ({"example.org MX": ["0 "]}, State.FAULT, "mx-null"),
        ({"example.org TXT": ["x"]}, State.FAULT, "mx-missing"),
        ({"example.org A": ["192.0.2.1"]}, State.WARNING, "mx-implicit"),
        ({"example.org MX": ["10 gone.example.org"]}, State.FAULT, "mx-dead"),
        ({"example.org MX": ["10 mx.example.org", "20 gone.example.org"], **HOST}, State.WARNING, "mx-dead"),
    ],
)
def test_where_mail_to_a_domain_goes(zone: dict[str, list[str]], state: State, code: str) -> None:
    (one,) = told(names.takes_mail("example.org", "an answer"), zone)
    assert (one.state, one.code) == (state, code)


POINTER = "25.2.0.192.in-addr.arpa PTR"


@pytest.mark.parametrize(
    ("zone", "state", "code"),
    [
        ({POINTER: ["mail.example.org"], "mail.example.org A": ["192.0.2.25"]}, State.OK, ""),
        ({POINTER: ["x.test", "mail.example.org"], "mail.example.org A": ["192.0.2.25"]}, State.OK, ""),
        ({}, State.FAULT, "address-without-name"),
        ({POINTER: ["mail.example.org"], "mail.example.org A": ["192.0.2.26"]}, State.FAULT, "address-unconfirmed"),
        ({POINTER: ["mail.example.org"]}, State.FAULT, "address-unconfirmed"),
    ],
)
def test_an_address_has_a_name_that_leads_back(zone: dict[str, list[str]], state: State, code: str) -> None:
    (one,) = told(names.confirmed(ip_address("192.0.2.25")), zone)
    assert (one.state, one.code) == (state, code)


@pytest.mark.parametrize(
    ("zone", "state", "code"),
    [
        ({"news.example.org A": ["8.8.8.8"]}, State.OK, ""),
        ({"news.example.org AAAA": ["2606:4700::1111"]}, State.OK, ""),
        ({"news.example.org A": ["10.0.0.8"]}, State.WARNING, "public-host-inside"),
        ({}, State.FAULT, "public-host-without-address"),
    ],
)
def test_readers_find_the_public_host(zone: dict[str, list[str]], state: State, code: str) -> None:
    (one,) = told(names.serves("news.example.org"), zone)
    assert (one.state, one.code) == (state, code)


def test_a_greeting_without_address_is_told() -> None:
    assert told(names.greets("mx.example.org"), HOST) == []
    (one,) = told(names.greets("other.example.org"), HOST)
    assert one.code == "hello-without-address"


def test_everything_about_a_sender_is_asked_and_nothing_twice() -> None:
    sender = Sender(
        "example.org",
        "bounces.example.org",
        "answers.example.net",
        signer="example.org",
        keys=(Expected("a._domainkey.example.org", "p="), Expected("b._domainkey.example.org", "p=")),
        addresses=(ip_address("192.0.2.25"),),
        hello="mail.example.org",
        public_host="news.example.org",
    )
    parts = [part for part, _ in inquiries(sender)]
    assert parts == ["SPF", "SPF", "DKIM", "DKIM", "DMARC", "MX", "MX", "MX", "names", "names", "names"]
    plain = [part for part, _ in inquiries(Sender("example.org", "example.org"))]
    assert plain == ["SPF", "DMARC", "MX"]
